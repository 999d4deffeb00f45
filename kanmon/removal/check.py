"""After a removal: each service is asked about each thing that was listed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from core.stage.table_key import partitions
from kanmon.removal import buckets
from kanmon.removal.model_places import belongs
from kanmon.removal.probes import PROBES, is_missing, is_there, unknown
from kanmon.removal.things import Kind, Resource, Thing

if TYPE_CHECKING:
    from kanmon.removal.deletion import Removal

# State machines and tables go a little after they are deleted, and IAM is told everywhere.
PATIENCE_SECONDS = 120.0
STACKS = (Kind.SERVING, Kind.STACK)
# By kind: the type that a thing of one name is asked about as.
TYPES = {
    Kind.SCHEDULE: "AWS::Scheduler::Schedule",
    Kind.SERVING: "AWS::CloudFormation::Stack",
    Kind.IMAGES: "AWS::ECR::Repository",
    Kind.RULE: "AWS::Events::Rule",
    Kind.STACK: "AWS::CloudFormation::Stack",
    Kind.LOGS: "AWS::Logs::LogGroup",
    Kind.PIPELINE_BUCKET: "AWS::S3::Bucket",
    Kind.TABLE: "AWS::DynamoDB::Table",
    Kind.DATA_BUCKET: "AWS::S3::Bucket",
    Kind.ACCESS_LOGS: "AWS::S3::Bucket",
}
# The most keys that one request of DynamoDB, and of CodeBuild, takes.
AT_ONCE = 100


@dataclass(frozen=True)
class Checked:
    """How much was asked about, what is still there, each as a line, and the types of resources
    that nobody here knows how to ask about."""

    asked: int
    left: list[str]
    unasked: tuple[str, ...] = ()


def check(removal: "Removal", things: list[Thing], kept: list[Thing]) -> Checked:
    """Ask about everything that was to be removed, until it is gone or patience ends."""
    stays = {one.name for one in kept}
    questions = [(line, ask) for thing in things for line, ask in _questions(removal, thing, stays)]
    left, until = questions, time.monotonic() + PATIENCE_SECONDS
    while True:
        removal.tick(f"asking about {len(left)} things …")
        left = [(line, ask) for line, ask in left if ask()]
        if not left or removal.connection.endpoint or time.monotonic() > until:
            resources = tuple(one for thing in things for one in thing.resources)
            return Checked(len(questions), [line for line, _ in left], unknown(resources))
        time.sleep(removal.connection.poll_seconds)


Question = tuple[str, Callable[[], bool]]


def _questions(removal: "Removal", thing: Thing, stays: set[str]) -> Iterator[Question]:
    """What to ask about a thing; the answer is whether it is still there."""
    connection = removal.connection

    def resource(one: Resource) -> Question:
        return f"{one.type} {one.name}", lambda: is_there(connection, one)

    if thing.kind in TYPES:
        yield resource(Resource(TYPES[thing.kind], thing.name))
    for one in thing.resources:
        if one.type in PROBES and one.name not in stays:
            yield resource(one)
    if thing.kind in LEFT_OF:
        count = LEFT_OF[thing.kind]
        yield f"{thing.kind} {thing.name}", lambda: count(removal, thing)


def _packages(removal: "Removal", thing: Thing) -> bool:
    return _answers(
        lambda: removal.connection.sagemaker.describe_model_package_group(
            ModelPackageGroupName=thing.name
        )
    )


def _builds(removal: "Removal", thing: Thing) -> bool:
    client = removal.connection.client("codebuild")
    return any(client.batch_get_builds(ids=list(ids)).get("builds") for ids in _chunks(thing.parts))


def _subscription(removal: "Removal", thing: Thing) -> bool:
    client = removal.connection.client("sns")
    return any(
        _answers(partial(client.get_subscription_attributes, SubscriptionArn=arn))
        for arn in thing.parts
    )


def _layers(removal: "Removal", thing: Thing) -> bool:
    client = removal.connection.client("lambda")
    try:
        return bool(client.list_layer_versions(LayerName=thing.name)["LayerVersions"])
    except ClientError as error:
        if is_missing(error):
            return False
        raise


def _streams(removal: "Removal", thing: Thing) -> bool:
    client = removal.connection.client("logs")
    names = set(thing.parts)
    pages = client.get_paginator("describe_log_streams").paginate(
        logGroupName=thing.name, logStreamNamePrefix=f"{removal.connection.stack}-"
    )
    try:
        return any(one["logStreamName"] in names for page in pages for one in page["logStreams"])
    except ClientError as error:
        if is_missing(error):
            return False
        raise


def _uploads(removal: "Removal", thing: Thing) -> bool:
    bucket, slash, prefix = thing.name.partition("/")
    if slash:
        return buckets.amount(removal.connection, bucket, prefix).versions > 0
    return is_there(removal.connection, Resource("AWS::S3::Bucket", bucket))


def _objects(removal: "Removal", thing: Thing) -> bool:
    found = buckets.amount(removal.connection, removal.bucket, thing.name, belongs(thing.name))
    return found.versions > 0


def _items(removal: "Removal", thing: Thing) -> bool:
    client = removal.connection.dynamodb
    for parts in _chunks(thing.parts):
        keys = [part.split("\n", 1) for part in parts]
        answer = client.batch_get_item(
            RequestItems={
                removal.table: {
                    "Keys": [{"model": {"S": one}, "item": {"S": item}} for one, item in keys],
                    "ConsistentRead": True,
                }
            }
        )
        if answer["Responses"].get(removal.table) or answer.get("UnprocessedKeys"):
            return True
    return False


def _partition(removal: "Removal", thing: Thing) -> bool:
    """Are the items there, or others of the model that a function has written meanwhile?"""
    for partition in partitions(thing.name):
        found = removal.connection.dynamodb.query(
            TableName=removal.table,
            KeyConditionExpression="model = :model",
            ExpressionAttributeValues={":model": {"S": partition}},
            ConsistentRead=True,
            Limit=1,
        )
        if found["Items"]:
            return True
    return _items(removal, thing)


def _answers(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


def _chunks(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(parts), AT_ONCE):
        yield parts[first : first + AT_ONCE]


# What is not asked about by one name.
LEFT_OF: dict[Kind, Callable[["Removal", Thing], bool]] = {
    Kind.DEFINITION: _items,
    Kind.PACKAGES: _packages,
    Kind.BUILDS: _builds,
    Kind.SUBSCRIPTION: _subscription,
    Kind.LAYERS: _layers,
    Kind.STREAMS: _streams,
    Kind.UPLOADS: _uploads,
    Kind.OBJECTS: _objects,
    Kind.RELEASES: _objects,
    Kind.DATASET: _objects,
    Kind.ITEMS: _partition,
}
