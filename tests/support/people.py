"""A model's releases on a stage, acted out by the people whose roles the template makes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support import watching_people
from tests.support.acting import (
    APPROVER,
    OPERATOR,
    SCIENTIST,
    acting,
    denied,
    must,
)
from tests.support.laptop import Laptop, rows
from tests.support.releasing import Releases
from tests.support.waiting import eventually

MODEL = """
name: glasses
task: regression
target: y
features:
  - {name: a, kind: numeric}
  - {name: b, kind: categorical}
trainer:
  rounds: 30
  early_stopping_rounds: 10
  parameters: {min_data_in_leaf: 5, num_leaves: 7}
metrics: {primary: rmse, also: [mae]}
gate: {floors: {rmse: 5.0}, margins: {rmse: 9.0}}
segments: [b]
serving: {canary: AllAtOnce, capture_share: 1.0}
retrain: {on: [data]}
budget: {usd_per_month: 100}
"""
LONG = ("--set", "rounds=50000", "--set", "early_stopping_rounds=50000")
SHIFT = "Linear10PercentEvery10Minutes"


def all_of_it(laptop: Laptop) -> None:
    """From data to a model in service, to another, back, and every way that it can end badly."""
    releases = Releases(laptop, "glasses", someone_builds(laptop))
    an_approver_opens_the_mailed_links(laptop)
    someone_else_approves(laptop, 1)
    an_operator_looks_after_it(laptop)
    all_of_them_see_what_is_planned_and_some_pause_it(laptop)
    a_data_scientist_reads_data_as_it_was_scored(laptop)
    watching_people.all_of_it(laptop)
    a_newer_release_overtakes_one_that_waits(laptop, releases)
    a_rollback(laptop)
    a_withdrawal(laptop)
    a_rejection(laptop, releases)
    a_promotion_that_nobody_approved(laptop, releases)
    a_verification_that_fails_and_is_tried_again(laptop, releases)
    two_canaries_one_after_the_other_and_both_are_stopped(laptop, releases)


def someone_builds(laptop: Laptop) -> dict[str, Any]:
    """Build the first release; the run it comes from."""
    laptop.add_model("glasses", MODEL)
    for name in ("old.csv", "data.csv"):
        (laptop.root / name).write_text(rows(300))
        file = str(laptop.root / name)
        must(laptop, "put-data", "glasses", file, "--replace", *SCIENTIST)
    run = must(laptop, "run", "glasses", *SCIENTIST)
    assert run["release"] == 1
    words_said = [("show", run["run"]), ("logs", run["run"]), ("runs", "glasses")]
    for words in (*words_said, ("data", "glasses", "--versions")):
        must(laptop, *words, *SCIENTIST)
    for who in (SCIENTIST, OPERATOR):
        started = must(laptop, "run", "glasses", *LONG, "--no-wait", *SCIENTIST)
        laptop.holds("glasses", started["run"])  # stopped before, its lock would be taken over
        must(laptop, "stop", started["run"], *who)
        laptop.settle("glasses")
    return dict(run)


def someone_else_approves(laptop: Laptop, number: int) -> None:
    must(laptop, "review", f"glasses/{number}", *APPROVER)
    must(laptop, "approve", f"glasses/{number}", "--reason", "fine", *APPROVER)
    must(laptop, "watch", f"glasses/{number}", *APPROVER)


def an_approver_opens_the_mailed_links(laptop: Laptop) -> None:
    """What the console asks for on the way from the mail to the page and the approval."""
    bucket, pipeline = laptop.outputs["DataBucketName"], laptop.outputs["ReleasePipelineName"]
    acting(laptop, "ApproverRoleArn", "s3").get_bucket_location(Bucket=bucket)
    pipelines = acting(laptop, "ApproverRoleArn", "codepipeline")
    assert pipeline in [one["name"] for one in pipelines.list_pipelines()["pipelines"]]
    acting(laptop, "ApproverRoleArn", "sagemaker").list_model_package_groups()


def an_operator_looks_after_it(laptop: Laptop) -> None:
    must(laptop, "score", "glasses", str(laptop.root / "data.csv"), *OPERATOR)
    looks = [("releases",), ("models",), ("history", "glasses"), ("logs", "glasses")]
    for words in (*looks, ("trend", "glasses")):
        must(laptop, *words, *OPERATOR)


def all_of_them_see_what_is_planned_and_some_pause_it(laptop: Laptop) -> None:
    """A tick finds the data that was put, starts a run for it, and is shown again.

    It reports another model, which new data arrived for, too, and which may spend nothing.
    """
    laptop.add_model("frugal", MODEL.replace("glasses", "frugal").replace("100}", "0}"))
    must(laptop, "publish")
    must(laptop, "put-data", "frugal", str(laptop.root / "data.csv"), *SCIENTIST)
    quiet = datetime.now(UTC) + timedelta(hours=1)
    [planned] = must(laptop, "tick", "--at", f"{quiet:%Y-%m-%dT%H:%M:%SZ}")["started"]
    machine = laptop.outputs["RetrainStateMachineArn"].replace(":stateMachine:", ":execution:")
    laptop.ended(f"{machine}:{planned}")
    [reached] = must(laptop, "notices", "--event", "budget reached", *OPERATOR)
    assert reached["model"] == "frugal"
    for who in (SCIENTIST, OPERATOR):
        must(laptop, "pause", "glasses", "--reason", "to look at it", *who)
        must(laptop, "resume", "glasses", "--reason", "looked", *who)
    for who in (SCIENTIST, APPROVER, OPERATOR):
        must(laptop, "plan", "glasses", "--explain", *who)
        must(laptop, "cost", "glasses", *who)
        must(laptop, "digest", *who)
        must(laptop, "notices", "--model", "glasses", *who)
    for who in (SCIENTIST, OPERATOR):
        must(laptop, "budget", "glasses", "--allow", "1", "--reason", "to see it", *who)
    function = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId="SendDigestFunction"
    )["StackResourceDetail"]["PhysicalResourceId"]
    digest = laptop.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert "FunctionError" not in digest, digest["Payload"].read()
    record = laptop.client("s3").list_objects_v2(
        Bucket=laptop.outputs["DataBucketName"], Prefix="plans/"
    )["Contents"][0]["Key"]
    acting(laptop, "OperatorRoleArn", "s3").get_object(
        Bucket=laptop.outputs["DataBucketName"], Key=record
    )
    laptop.settle("glasses")


def a_data_scientist_reads_data_as_it_was_scored(laptop: Laptop) -> None:
    data = must(laptop, "data", "glasses", "--versions", *SCIENTIST)["files"][0]
    acting(laptop, "DataScientistRoleArn", "s3").get_object(
        Bucket=laptop.outputs["DataBucketName"],
        Key=f"datasets/glasses/{data['name']}",
        VersionId=data["version"],
    )


def a_newer_release_overtakes_one_that_waits(laptop: Laptop, releases: Releases) -> None:
    """The newer one is approved in the registry; the older one's review is closed."""
    older = int(must(laptop, "run", "glasses", "--set", "seed=2", *SCIENTIST)["release"])
    newer = releases.open()
    package = must(laptop, "show", f"glasses/{newer}", *APPROVER)["package_arn"]
    acting(laptop, "ApproverRoleArn", "sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="seen"
    )
    eventually(lambda: status(laptop, newer) == "PROMOTED")
    eventually(lambda: status(laptop, older) == "SUPERSEDED")


def a_rollback(laptop: Laptop) -> None:
    must(laptop, "rollback", "glasses", "--reason", "to be sure", *OPERATOR)
    must(laptop, "watch", "glasses/1", *OPERATOR)
    with pytest.raises(ClientError, match="current stack status"):
        acting(laptop, "OperatorRoleArn", "cloudformation").continue_update_rollback(
            StackName="kanmon-local-serving-glasses"
        )


def a_withdrawal(laptop: Laptop) -> None:
    must(laptop, "withdraw", "glasses", "--reason", "wrong in the north", *OPERATOR)
    must(laptop, "rollback", "glasses", "--to", "1", *OPERATOR)


def a_rejection(laptop: Laptop, releases: Releases) -> None:
    """Follow Review records and reports it; Close Release gets no event of it."""
    older, number = releases.open(), releases.open(releases={"supersede": True})
    assert status(laptop, older) == "SUPERSEDED"
    rule = {"Name": releases.resources["CloseReleaseFunctionPromotionEnded"]}
    laptop.client("events").disable_rule(**rule)
    must(laptop, "reject", f"glasses/{number}", "--reason", "odd", *APPROVER)
    eventually(lambda: ("rejected", number) in releases.history())
    laptop.client("events").enable_rule(**rule)
    assert status(laptop, number) == "REJECTED"


def a_promotion_that_nobody_approved(laptop: Laptop, releases: Releases) -> None:
    """An operator may start the pipeline with any release, and gets no further than its check."""
    number = releases.open()
    release = must(laptop, "show", f"glasses/{number}", *OPERATOR)
    pipeline = acting(laptop, "OperatorRoleArn", "codepipeline")
    execution = pipeline.start_pipeline_execution(
        name=laptop.outputs["ReleasePipelineName"],
        variables=[
            {"name": name, "value": value}
            for name, value in {
                "model": "glasses",
                "release": str(number),
                "purpose": "promotion",
                "review": "automatic",
                "summary": "let it pass",
                "review_url": "https://example.com",
            }.items()
        ],
        sourceRevisions=[
            {"actionName": "Bundle", "revisionType": kind, "revisionValue": release[field]}
            for kind, field in (
                ("S3_OBJECT_KEY", "bundle_key"),
                ("S3_OBJECT_VERSION_ID", "bundle_version"),
            )
        ],
    )["pipelineExecutionId"]
    ended = {"name": laptop.outputs["ReleasePipelineName"], "id": execution}
    eventually(lambda: execution_status(pipeline, ended) == "Failed")
    must(laptop, "stop", f"glasses/{number}", "--reason", "wrong data", *SCIENTIST)
    eventually(lambda: status(laptop, number) == "FAILED")


def a_verification_that_fails_and_is_tried_again(laptop: Laptop, releases: Releases) -> None:
    """And then a record that fails although the release is in service: closing completes it."""
    number = releases.open()
    models = f"arn:aws:s3:::{laptop.outputs['DataBucketName']}/runs/*"
    with denied(laptop, "VerifyRole", "s3:GetObjectVersion", models):
        must(laptop, "approve", f"glasses/{number}", *APPROVER)
        eventually(lambda: status(laptop, number) == "FAILED")
        must(laptop, "show", f"glasses/{number}", *OPERATOR)
    with denied(laptop, "RecordReleaseRole", "lambda:InvokeFunction", "*"):
        must(laptop, "retry", f"glasses/{number}", "--no-wait", *OPERATOR)
        eventually(lambda: status(laptop, number) == "PROMOTED")


def two_canaries_one_after_the_other_and_both_are_stopped(
    laptop: Laptop, releases: Releases
) -> None:
    number, behind = releases.open(canary=SHIFT), releases.open(canary=SHIFT)
    must(laptop, "approve", f"glasses/{number}", *APPROVER)
    eventually(lambda: is_shifting(laptop))
    must(laptop, "show", f"glasses/{number}", *OPERATOR)
    must(laptop, "approve", f"glasses/{behind}", *APPROVER)
    eventually(lambda: current_action(laptop, behind) == "AdmitRelease")
    must(laptop, "rollback", "glasses", *OPERATOR)
    eventually(lambda: status(laptop, number) == "ROLLED_BACK")
    eventually(lambda: is_shifting(laptop))
    acting(laptop, "OperatorRoleArn", "codepipeline").stop_pipeline_execution(
        pipelineName=laptop.outputs["ReleasePipelineName"],
        pipelineExecutionId=item_of(laptop, behind)["execution"]["S"],
        abandon=True,
    )
    eventually(lambda: status(laptop, behind) in ("FAILED", "ROLLED_BACK"))


def is_shifting(laptop: Laptop) -> bool:
    """Whether a canary is under way."""
    found = laptop.client("codedeploy").list_deployments(includeOnlyStatuses=["InProgress"])
    return bool(found["deployments"])


def item_of(laptop: Laptop, number: int) -> dict[str, Any]:
    item: dict[str, Any] = laptop.client("dynamodb").get_item(
        TableName=laptop.outputs["ModelTableName"],
        Key={"model": {"S": "glasses"}, "item": {"S": f"release#{number:06d}"}},
    )["Item"]
    return item


def status(laptop: Laptop, number: int) -> str:
    return str(item_of(laptop, number)["status"]["S"])


def current_action(laptop: Laptop, number: int) -> str:
    """The latest action that the release's promotion came to."""
    found = laptop.client("codepipeline").list_action_executions(
        pipelineName=laptop.outputs["ReleasePipelineName"],
        filter={"pipelineExecutionId": item_of(laptop, number)["execution"]["S"]},
    )
    return str(found["actionExecutionDetails"][0]["actionName"])


def execution_status(pipeline: Any, ended: dict[str, str]) -> str:
    found = pipeline.get_pipeline_execution(
        pipelineName=ended["name"], pipelineExecutionId=ended["id"]
    )
    return str(found["pipelineExecution"]["status"])
