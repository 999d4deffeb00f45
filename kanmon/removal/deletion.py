"""How each kind of thing is removed. Each removal may be repeated: what is gone is no error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from kanmon.errors import RunFailedError
from kanmon.removal import buckets, bus_rules, stacks, write_once
from kanmon.removal.probes import is_missing
from kanmon.removal.things import Kind, Thing

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

Tick = Callable[[str], None]
# The most that one request of ECR, and of CodeBuild, takes.
AT_ONCE = 100
# Builds that were just stopped, and a table that is being changed, take a moment.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Removal:
    """A stage with a line for progress; `bucket` and `table` are those of a model that goes."""

    connection: "Connection"
    tick: Tick
    bucket: str = ""
    table: str = ""

    def remove(self, thing: Thing) -> None:
        """Remove one thing."""
        self.tick(f"removing {thing.kind} {thing.name} …")
        ACTIONS[thing.kind](self, thing)


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """Take for done what is not there."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def _schedule(removal: Removal, thing: Thing) -> None:
    group, bar, name = thing.name.rpartition("|")
    with gone_is_fine():
        removal.connection.client("scheduler").delete_schedule(
            Name=name, **({"GroupName": group} if bar else {})
        )


def _stack(removal: Removal, thing: Thing) -> None:
    stacks.delete(removal.connection, thing.name, removal.tick)


def _serving(removal: Removal, thing: Thing) -> None:
    """A deployment that is under way is undone first: a stack that is updated is not deleted."""
    from core.stage.serving_stack import Serving, StillGoingOnError

    known = stacks.described(removal.connection, thing.name)
    if known is not None and known["StackStatus"] != "DELETE_IN_PROGRESS":
        stack, _, model = thing.name.partition("-serving-")
        removal.tick(f"waiting for {thing.name} to be at rest …")
        try:
            Serving(removal.connection.client, stack).halt(model, PATIENCE_SECONDS)
        except StillGoingOnError as error:
            raise RunFailedError(str(error), "Run the same command again later.") from error
    _stack(removal, thing)


def _packages(removal: Removal, thing: Thing) -> None:
    client = removal.connection.sagemaker
    for number, arn in enumerate(thing.parts, 1):
        removal.tick(f"removing package {number} of {len(thing.parts)} of {thing.name} …")
        with gone_is_fine():
            client.delete_model_package(ModelPackageName=arn)
    with gone_is_fine():
        client.delete_model_package_group(ModelPackageGroupName=thing.name)


def _images(removal: Removal, thing: Thing) -> None:
    """The images: CloudFormation deletes an empty repository. One that no stack has goes, too."""
    client = removal.connection.client("ecr")
    with gone_is_fine():
        for first in range(0, len(thing.parts), AT_ONCE):
            digests = thing.parts[first : first + AT_ONCE]
            answer = client.batch_delete_image(
                repositoryName=thing.name, imageIds=[{"imageDigest": one} for one in digests]
            )
            wrong = [one for one in answer["failures"] if one["failureCode"] != "ImageNotFound"]
            if wrong:
                raise RunFailedError(
                    f"ECR did not delete {wrong[0]['imageId']['imageDigest']} of {thing.name}: "
                    f"{wrong[0].get('failureReason', wrong[0]['failureCode'])}",
                    "Run the same command again.",
                )
        if stacks.described(removal.connection, removal.connection.stack) is None:
            client.delete_repository(repositoryName=thing.name)


def _builds(removal: Removal, thing: Thing) -> None:
    """Builds outlive their project, and only a project lists them, so they go before it."""
    client, until = removal.connection.client("codebuild"), time.monotonic() + PATIENCE_SECONDS
    for first in range(0, len(thing.parts), AT_ONCE):
        ids = list(thing.parts[first : first + AT_ONCE])
        while builds := client.batch_get_builds(ids=ids)["builds"]:
            for build in builds:
                if build["buildStatus"] == "IN_PROGRESS":
                    client.stop_build(id=build["id"])
            answer = client.batch_delete_builds(ids=[one["id"] for one in builds])
            refused = answer.get("buildsNotDeleted", [])
            if refused and time.monotonic() > until:
                raise RunFailedError(
                    f"CodeBuild does not delete {refused[0]['id']}: {refused[0].get('statusCode')}",
                    "Run the same command again later.",
                )
            if refused:
                time.sleep(removal.connection.poll_seconds)


def _subscription(removal: Removal, thing: Thing) -> None:
    for arn in thing.parts:
        with gone_is_fine():
            removal.connection.client("sns").unsubscribe(SubscriptionArn=arn)


def _rule(removal: Removal, thing: Thing) -> None:
    bus_rules.remove(removal.connection, thing)


def _layers(removal: Removal, thing: Thing) -> None:
    for version in thing.parts:
        with gone_is_fine():
            removal.connection.client("lambda").delete_layer_version(
                LayerName=thing.name, VersionNumber=int(version)
            )


def _logs(removal: Removal, thing: Thing) -> None:
    with gone_is_fine():
        removal.connection.client("logs").delete_log_group(logGroupName=thing.name)


def _streams(removal: Removal, thing: Thing) -> None:
    for number, stream in enumerate(thing.parts, 1):
        removal.tick(f"removing log {number} of {len(thing.parts)} of jobs …")
        with gone_is_fine():
            removal.connection.client("logs").delete_log_stream(
                logGroupName=thing.name, logStreamName=stream
            )


def _bucket(removal: Removal, thing: Thing) -> None:
    buckets.delete_bucket(removal.connection, thing.name, removal.tick)


def _uploads(removal: Removal, thing: Thing) -> None:
    bucket, slash, prefix = thing.name.partition("/")
    if slash:
        buckets.empty(removal.connection, bucket, removal.tick, prefix)
    else:
        _bucket(removal, thing)


def _table(removal: Removal, thing: Thing) -> None:
    """Deletion protection is off first; its point-in-time backup stays for 35 days."""
    client = removal.connection.dynamodb
    with gone_is_fine():
        known = client.describe_table(TableName=thing.name)["Table"]
        if known["TableStatus"] != "DELETING":
            if known.get("DeletionProtectionEnabled"):
                client.update_table(TableName=thing.name, DeletionProtectionEnabled=False)
                client.get_waiter("table_exists").wait(TableName=thing.name)
            client.delete_table(TableName=thing.name)
        client.get_waiter("table_not_exists").wait(
            TableName=thing.name, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
        )


def _objects(removal: Removal, thing: Thing) -> None:
    from kanmon.removal.model_places import belongs

    buckets.empty(removal.connection, removal.bucket, removal.tick, thing.name, belongs(thing.name))


def _releases(removal: Removal, thing: Thing) -> None:
    with write_once.lifted(removal.connection, removal.bucket):
        _objects(removal, thing)


def _items(removal: Removal, thing: Thing) -> None:
    """Items of the table; each part is a partition and, in the next line, the item's name."""
    for number, part in enumerate(thing.parts, 1):
        removal.tick(f"removing item {number} of {len(thing.parts)} …")
        partition, _, item = part.partition("\n")
        removal.connection.dynamodb.delete_item(
            TableName=removal.table, Key={"model": {"S": partition}, "item": {"S": item}}
        )


ACTIONS: dict[Kind, Callable[[Removal, Thing], None]] = {
    Kind.SCHEDULE: _schedule,
    Kind.DEFINITION: _items,
    Kind.SERVING: _serving,
    Kind.PACKAGES: _packages,
    Kind.IMAGES: _images,
    Kind.BUILDS: _builds,
    Kind.SUBSCRIPTION: _subscription,
    Kind.RULE: _rule,
    Kind.STACK: _stack,
    Kind.LAYERS: _layers,
    Kind.LOGS: _logs,
    Kind.STREAMS: _streams,
    Kind.UPLOADS: _uploads,
    Kind.OBJECTS: _objects,
    Kind.RELEASES: _releases,
    Kind.DATASET: _objects,
    Kind.ITEMS: _items,
    Kind.PIPELINE_BUCKET: _bucket,
    Kind.TABLE: _table,
    Kind.DATA_BUCKET: _bucket,
    Kind.ACCESS_LOGS: _bucket,
}
