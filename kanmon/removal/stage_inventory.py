"""Everything that exists because of a stage: its stacks, and what its name is in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from kanmon.project import STAGES, Project, stage_settings
from kanmon.removal import buckets, bus_rules, stacks, work
from kanmon.removal.names import RETAINED_BUCKETS, RETAINED_TABLE, Names, other_stages
from kanmon.removal.probes import is_missing
from kanmon.removal.things import Kind, Resource, Thing
from kanmon.runs.job_logs import LOG_GROUPS

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

BUCKET_KINDS = dict(
    zip(
        RETAINED_BUCKETS,
        (Kind.DATA_BUCKET, Kind.ACCESS_LOGS, Kind.PIPELINE_BUCKET),
        strict=True,
    )
)
# The stack with which SAM makes the bucket that it uploads to; all applications share it.
SAM_STACK, SAM_BUCKET = "aws-sam-cli-managed-default", "SourceBucket"
# Where log groups are whose names AWS makes from a function's, a build's or a workflow's.
LOG_PREFIXES = ("", "/aws/lambda/", "/aws/codebuild/", "/aws/vendedlogs/states/")


@dataclass(frozen=True)
class Inventory:
    """What was found, and under which names."""

    names: Names
    things: list[Thing]
    # The stage's own stack, if it is there.
    stack: dict[str, Any] | None = None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What is in all its stacks."""
        return tuple(one for thing in self.things for one in thing.resources)

    @property
    def of_the_stage(self) -> tuple[Resource, ...]:
        """What is in the stage's own stack."""
        found = (thing for thing in self.things if thing.kind is Kind.STACK)
        return next((thing.resources for thing in found), ())


def names_of(connection: "Connection", project: Project, known: dict[str, dict[str, Any]]) -> Names:
    """The stage's names, beside those of the other stages."""
    configured = {
        stage_settings(project, stage).stack for stage in STAGES if stage in project.samconfig
    }
    there = {name for name, one in known.items() if stacks.is_stage(one)}
    return Names(connection.stack, other_stages(connection.stack, there, configured))


def find(connection: "Connection", project: Project) -> Inventory:
    """Ask every service what there is of the stage. Nothing is changed."""
    known = stacks.all_stacks(connection)
    names = names_of(connection, project, known)
    own = known.get(connection.stack)
    things = [*_stacks(connection, names, known)]
    inside = next((one.resources for one in things if one.kind is Kind.STACK), ())
    things += _work(connection, names, inside)
    things += packages(connection, names)
    things += _images(connection, names)
    things += _builds(connection, inside)
    things += _subscriptions(connection, inside)
    things += bus_rules.of_others(connection, inside)
    things += _layers(connection, names)
    things += _logs(connection, names, inside)
    there = _all_buckets(connection)
    things += _buckets(connection, names, there)
    things += _tables(connection, names)
    things += _uploads(connection, known, there)
    return Inventory(names, things, own)


def _stacks(
    connection: "Connection", names: Names, known: dict[str, dict[str, Any]]
) -> Iterator[Thing]:
    for name in sorted(known):
        if name == names.stack or names.model_served_by(name):
            kind = Kind.STACK if name == names.stack else Kind.SERVING
            inside = stacks.resources_of(connection, name)
            yield Thing(kind, name, len(inside), "resource", resources=inside)


def _work(
    connection: "Connection", names: Names, resources: tuple[Resource, ...]
) -> Iterator[Thing]:
    for one in resources:
        if one.type == "AWS::Scheduler::Schedule":
            yield Thing(Kind.SCHEDULE, one.name)
    found = [*work.running(connection, resources), *work.jobs(connection, names)]
    for each in found:
        yield Thing(Kind.WORK, each.title)


def packages(connection: "Connection", names: Names, model: str | None = None) -> Iterator[Thing]:
    """The groups of packages in the registry; the one of a model, if it is named."""
    client = connection.sagemaker
    pages = client.get_paginator("list_model_package_groups").paginate(
        NameContains=f"{names.stack}-{model or ''}"
    )
    for page in pages:
        for one in page["ModelPackageGroupSummaryList"]:
            group = one["ModelPackageGroupName"]
            of = names.model_of_group(group)
            if of is None or model not in (None, of):
                continue
            listed = client.get_paginator("list_model_packages").paginate(
                ModelPackageGroupName=group
            )
            arns = tuple(
                each["ModelPackageArn"]
                for versions in listed
                for each in versions["ModelPackageSummaryList"]
            )
            yield Thing(Kind.PACKAGES, group, len(arns), "package", parts=arns)


def _images(connection: "Connection", names: Names) -> Iterator[Thing]:
    client, repository = connection.client("ecr"), f"{names.stack}-steps"
    try:
        pages = client.get_paginator("list_images").paginate(repositoryName=repository)
        digests = {one["imageDigest"] for page in pages for one in page["imageIds"]}
    except ClientError as error:
        if not is_missing(error):
            raise
        return
    yield Thing(*(Kind.IMAGES, repository, len(digests), "image"), parts=tuple(sorted(digests)))


def _builds(connection: "Connection", resources: tuple[Resource, ...]) -> Iterator[Thing]:
    client = connection.client("codebuild")
    for one in resources:
        if one.type != "AWS::CodeBuild::Project":
            continue
        pages = client.get_paginator("list_builds_for_project").paginate(projectName=one.name)
        try:
            ids = tuple(build for page in pages for build in page["ids"])
        except ClientError as error:
            if not is_missing(error):
                raise
            continue
        if ids:
            yield Thing(Kind.BUILDS, one.name, len(ids), "build", parts=ids)


def _subscriptions(connection: "Connection", resources: tuple[Resource, ...]) -> Iterator[Thing]:
    client = connection.client("sns")
    for topic in (one for one in resources if one.type == "AWS::SNS::Topic"):
        pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic.name)
        try:
            listed = [one for page in pages for one in page["Subscriptions"]]
        except ClientError as error:
            if not is_missing(error):
                raise
            continue
        for one in listed:
            # Of one that nobody has confirmed there is no ARN; it goes with its topic.
            arn = one["SubscriptionArn"]
            parts = (arn,) if arn.startswith("arn:") else ()
            yield Thing(Kind.SUBSCRIPTION, f"{one['Protocol']} {one['Endpoint']}", parts=parts)


def _layers(connection: "Connection", names: Names) -> Iterator[Thing]:
    layer = f"{names.stack}-serving-source"
    pages = (
        connection.client("lambda").get_paginator("list_layer_versions").paginate(LayerName=layer)
    )
    try:
        versions = tuple(str(one["Version"]) for page in pages for one in page["LayerVersions"])
    except ClientError as error:
        if not is_missing(error):
            raise
        return
    if versions:
        yield Thing(Kind.LAYERS, layer, len(versions), "version", parts=versions)


def _logs(
    connection: "Connection", names: Names, resources: tuple[Resource, ...]
) -> Iterator[Thing]:
    """Log groups that no stack has any more, and the streams of the stage's jobs."""
    client = connection.client("logs")
    stacked = {one.name for one in resources}
    for prefix in LOG_PREFIXES:
        pages = client.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=f"{prefix}{names.stack}-"
        )
        for page in pages:
            for one in page["logGroups"]:
                group = one["logGroupName"]
                if names.owns(group.removeprefix(prefix)) and group not in stacked:
                    yield Thing(Kind.LOGS, group, bytes=one.get("storedBytes"))
    yield from streams(connection, names)


def streams(
    connection: "Connection", names: Names, begins: tuple[str, ...] = ()
) -> Iterator[Thing]:
    """The log streams of the stage's jobs; of those whose names begin so, if any are given."""
    for group in LOG_GROUPS:
        listed = _streams_of(connection, group, f"{names.stack}-")
        found = tuple(one for one in listed if names.owns(one) and one.startswith(begins or ("",)))
        if found:
            yield Thing(Kind.STREAMS, group, len(found), "stream", parts=found)


def _streams_of(connection: "Connection", group: str, prefix: str) -> list[str]:
    pages = (
        connection.client("logs")
        .get_paginator("describe_log_streams")
        .paginate(logGroupName=group, logStreamNamePrefix=prefix)
    )
    try:
        return [one["logStreamName"] for page in pages for one in page["logStreams"]]
    except ClientError as error:
        if not is_missing(error):
            raise
        return []


def _all_buckets(connection: "Connection") -> list[str]:
    pages = connection.s3.get_paginator("list_buckets").paginate()
    return [one["Name"] for page in pages for one in page.get("Buckets", [])]


def _buckets(connection: "Connection", names: Names, there: list[str]) -> Iterator[Thing]:
    """The buckets by their names: they outlive the stack that made them, and a later one."""
    for bucket in there:
        for logical, kind in BUCKET_KINDS.items():
            if names.made_for(logical, bucket):
                found = buckets.amount(connection, bucket)
                yield Thing(kind, bucket, found.versions, "version", found.bytes)


def _tables(connection: "Connection", names: Names) -> Iterator[Thing]:
    client = connection.dynamodb
    for page in client.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if names.made_for(RETAINED_TABLE, name):
                table = client.describe_table(TableName=name)["Table"]
                # AWS counts every six hours.
                yield Thing(Kind.TABLE, name, table["ItemCount"], "item", table["TableSizeBytes"])


def _uploads(
    connection: "Connection", known: dict[str, dict[str, Any]], there: list[str]
) -> Iterator[Thing]:
    """What deployments uploaded, code and templates: a bucket of `kanmon deploy`, a part of SAM's.

    A bucket's name alone stands for all of it.
    """
    own = f"{connection.stack}-code-{connection.account}"
    if own in there:
        found = buckets.amount(connection, own)
        yield Thing(Kind.UPLOADS, own, found.versions, "version", found.bytes)
    settings = connection.settings
    outputs = known.get(SAM_STACK, {}).get("Outputs", [])
    shared = settings.uploads_bucket or next(
        (one["OutputValue"] for one in outputs if one["OutputKey"] == SAM_BUCKET), None
    )
    if shared in there and settings.uploads_prefix:
        prefix = f"{settings.uploads_prefix.rstrip('/')}/"
        found = buckets.amount(connection, shared, prefix)
        if found.versions:
            name = f"{shared}/{prefix}"
            yield Thing(Kind.UPLOADS, name, found.versions, "version", found.bytes)
