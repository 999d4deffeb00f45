"""Is this account ready for a first deployment? Nothing here changes anything."""

import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kanmon.deployment import step_images
from kanmon.deployment.machine_checks import Check, models
from kanmon.errors import KanmonError
from kanmon.project import Project, stage_settings

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# Job names are <stack>-<run>-<step>-<attempt>, at most 63 characters.
LONGEST_STACK = 12
# How the names of the quotas of spot machines end, as Service Quotas has them.
SPOT_QUOTA = " for spot training job usage"
# What Lambda leaves unreserved for an account's other functions.
KEPT_BY_LAMBDA = 100
# Verify runs on a small Linux machine of either kind.
VERIFY_BUILDS = re.compile(
    r"Concurrently running builds for (Linux|ARM)/(Small|Medium) environment"
)


def settings(project: Project, stage: str) -> list[Check]:
    """samconfig.toml's part for the stage."""
    try:
        found = stage_settings(project, stage)
    except KanmonError as error:
        return [Check("fail", "samconfig.toml", error.what, error.fix)]
    fit = len(found.stack) <= LONGEST_STACK and re.fullmatch(r"[a-z][a-z0-9-]*", found.stack)
    return [
        Check(
            "ok" if fit else "fail",
            "stack name",
            found.stack,
            f"Use at most {LONGEST_STACK} of a-z, 0-9 and hyphens: jobs are named after it.",
        )
    ]


def programs(project: Project, stage: str) -> list[Check]:
    """SAM, and uv for its python-uv build method."""
    from kanmon.deployment import platform

    try:
        sam = Check("ok", "sam", str(platform.find_sam(project)))
    except KanmonError as error:
        sam = Check("fail", "sam", error.what, error.fix)
    uv = shutil.which("uv", path=platform.search_path())
    return [
        sam,
        Check("ok" if uv else "fail", "uv", uv or "not found", "`make setup` brings it."),
    ]


def cost(project: Project, stage: str) -> list[Check]:
    """What the stage will cost while nothing runs."""
    from kanmon.deployment import standing_cost

    try:
        return [Check("ok", "standing cost", standing_cost.line(project.root))]
    except (KanmonError, OSError) as error:
        return [Check("fail", "templates", str(error))]


def docker(project: Project, stage: str) -> list[Check]:
    """Docker builds the step images; another machine's may do it, so this is no failure."""
    if not step_images.has_docker():
        fix = f"`kanmon publish --stage {stage}` can run where it is."
        return [Check("warn", "docker", "not found", fix)]
    if found := step_images.problem():
        return [Check("warn", "docker", *found)]
    return [Check("ok", "docker", "answers, and has buildx")]


def account(project: Project, stage: str) -> list[Check]:
    """Credentials and region, then what the account holds and allows."""
    from kanmon.stage.aws_errors import describe_aws_error
    from kanmon.stage.connection import connect

    try:
        connection = connect(stage, project)
    except KanmonError as error:
        return [Check("fail", "region", error.what, error.fix)]
    except Exception as error:
        return [Check("fail", "credentials", describe_aws_error(error)[0])]
    region = Check("ok", "region", connection.region)
    try:
        who = connection.client("sts").get_caller_identity()
    except Exception as error:
        return [region, Check("fail", "credentials", describe_aws_error(error)[0])]
    checks = [region, Check("ok", "credentials", str(who["Arn"]))]
    for look in (_stack, _quotas, _concurrency, _builds, _pipelines, _network):
        try:
            checks += look(connection, project)
        except Exception as error:
            what = look.__name__.strip("_").replace("_", " ")
            checks.append(Check("warn", what, describe_aws_error(error)[0]))
    return checks


def _concurrency(connection: "Connection", project: Project) -> list[Check]:
    """Can Lambda reserve what the models' scorers ask for?"""
    limits = connection.client("lambda").get_account_settings()["AccountLimit"]
    wanted = {name: one.serving.concurrency for name, one in definitions(project).items()}
    return [
        concurrency_check(
            wanted, limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
        )
    ]


def concurrency_check(wanted: dict[str, int], limit: int, unreserved: int) -> Check:
    """Compare what the models' scorers reserve with what the account can give.

    Models that are in service have reserved theirs already, so only what no account of this size
    could give is a failure.
    """
    need = sum(wanted.values())
    outcome = "ok" if unreserved - need >= KEPT_BY_LAMBDA else "warn"
    if limit - need < KEPT_BY_LAMBDA:
        outcome = "fail"
    return Check(
        outcome,
        "lambda concurrency",
        f"{limit}, {unreserved} of it not reserved; the models reserve {need}",
        f"Lambda keeps {KEPT_BY_LAMBDA} for all other functions: lower serving.concurrency in "
        "model.yaml, or ask for more in Service Quotas, AWS Lambda.",
    )


def _builds(connection: "Connection", project: Project) -> list[Check]:
    """May the account run one build at a time? New accounts sometimes may not."""
    client = connection.client("service-quotas")
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="codebuild")
    limits = {
        str(quota["QuotaName"]): float(quota["Value"]) for page in pages for quota in page["Quotas"]
    }
    return [build_check(limits)]


def build_check(limits: dict[str, float]) -> Check:
    """The best quota for builds of the kind that Verify needs."""
    fitting = {
        name: value for name, value in limits.items() if VERIFY_BUILDS.fullmatch(name)
    }  # fmt: skip
    if not fitting:
        return Check("warn", "builds", "unknown", "Look at Service Quotas, AWS CodeBuild.")
    name, limit = max(fitting.items(), key=lambda one: one[1])
    return Check(
        "ok" if limit >= 1 else "fail",
        "builds",
        f"{name}: {limit:.0f}, needed 1",
        "Ask for more in Service Quotas, AWS CodeBuild: every release is verified in a build.",
    )


def _pipelines(connection: "Connection", project: Project) -> list[Check]:
    """May these credentials look at pipelines and deployments at all?"""
    connection.client("codepipeline").list_pipelines(maxResults=1)
    connection.client("codedeploy").list_applications()
    return [Check("ok", "pipelines", "CodePipeline and CodeDeploy answer")]


def _stack(connection: "Connection", project: Project) -> list[Check]:
    found = connection.stack_description()
    if found is None:
        return [Check("ok", "stack", f"{connection.stack} is not there yet")]
    status = found["StackStatus"]
    fine = status.endswith("_COMPLETE") and not status.startswith(("ROLLBACK", "DELETE"))
    return [Check("ok" if fine else "fail", "stack", status, "Delete the stack, then deploy.")]


def _quotas(connection: "Connection", project: Project) -> list[Check]:
    """May the account run the instance types that the models name, and how many at once?"""
    wanted = machines(project)
    pages = (
        connection.client("service-quotas")
        .get_paginator("list_service_quotas")
        .paginate(ServiceCode="sagemaker")
    )
    limits = {
        str(quota["QuotaName"]): float(quota["Value"]) for page in pages for quota in page["Quotas"]
    }
    return [quota_check(kind, need, limits) for kind, need in sorted(wanted.items())]


def quota_check(name: str, need: int, limits: dict[str, float]) -> Check:
    """Compare what models ask for with the account's quota of this name.

    Without a spot machine a run goes on with another, so that is only a warning.
    """
    limit = limits.get(name)
    if limit is None:
        return Check("warn", "quota", f"{name}: unknown", "Look at Service Quotas, SageMaker.")
    short = "warn" if name.endswith(SPOT_QUOTA) else "fail"
    return Check(
        "ok" if limit >= need else short,
        "quota",
        f"{name}: {limit:.0f}, needed {need}",
        "Ask for more in Service Quotas, Amazon SageMaker; new accounts often start at 0.",
    )


def _network(connection: "Connection", project: Project) -> list[Check]:
    """May the account have the network that the steps as functions are in?"""
    pages = connection.client("ec2").get_paginator("describe_vpcs").paginate()
    there, own = networks(connection.stack, pages)
    quotas = connection.client("service-quotas").get_paginator("list_service_quotas")
    limits = {
        str(quota["QuotaName"]): float(quota["Value"])
        for page in quotas.paginate(ServiceCode="vpc")
        for quota in page["Quotas"]
    }
    return [network_check(there, own, limits)]


def networks(stack: str, pages: Iterable[Any]) -> tuple[int, bool]:
    """How many networks a region has, and whether the stage's own is one of them."""
    found = [one for page in pages for one in page["Vpcs"]]
    name = {"Key": "Name", "Value": f"{stack}-steps"}
    return len(found), any(name in one.get("Tags", []) for one in found)


def network_check(there: int, own: bool, limits: dict[str, float]) -> Check:
    """Compare the networks of a region with the account's quota; a stage needs one of its own."""
    limit = limits.get("VPCs per Region")
    if limit is None:
        return Check("warn", "network", f"{there}, quota unknown", "Look at Service Quotas, VPC.")
    return Check(
        "ok" if own or there < limit else "fail",
        "network",
        f"VPCs per Region: {limit:.0f}, {there} there" + (", one the stage's own" if own else ""),
        "The steps as functions need a network. Delete one, or ask for more in Service Quotas, "
        "Amazon Virtual Private Cloud.",
    )


def machines(project: Project) -> dict[str, int]:
    """The quotas of the machines of all models' steps, each with the largest number used at once.

    Several hosts train in a training job, whose machines have a quota of their own, and so have
    spot machines. A run without one goes on as a processing job, so that needs its quota too.
    """
    from core.definition.gather import INSTANCE_TYPE

    wanted: dict[str, int] = {}
    for definition in definitions(project).values():
        for step in ("preprocess", "train", "evaluate"):
            hosts = definition.compute.hosts(step)
            job = "training" if step == "train" and hosts > 1 else "processing"
            given = getattr(definition.resources, step)
            instance = given.instance_type
            for name in given.instance_types or [instance]:
                quota = f"{name} for {job} job usage"
                wanted[quota] = max(wanted.get(quota, 0), hosts)
            if step == "train" and definition.compute.rung(step) == "spot":
                wanted.setdefault(f"{instance}{SPOT_QUOTA}", 1)
        gather = definition.gather
        if gather is not None and not gather.is_query:
            quota = f"{gather.instance_type or INSTANCE_TYPE} for processing job usage"
            wanted.setdefault(quota, 1)
    return wanted


def definitions(project: Project) -> dict[str, Any]:
    """The models' definitions; the check of the models reports a broken one."""
    from kanmon.models.definitions import read_folder

    found = {}
    for model in project.models():
        with suppress(KanmonError):
            found[model] = read_folder(project.model_folder(model)).definition
    return found


CHECKS: tuple[Callable[[Project, str], list[Check]], ...] = (
    settings,
    programs,
    docker,
    models,
    cost,
    account,
)
