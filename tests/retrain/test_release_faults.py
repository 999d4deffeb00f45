"""What breaks on a release's way into service is told with what to do, and changes nothing else."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from botocore.exceptions import ClientError

from tests.support.releasing import SLOW, Releases, in_service
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults

SHORT = "Canary10Percent5Minutes"


@pytest.fixture(scope="module")
def cups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    """A model whose first release is in service; the slow canary takes longer than its tests."""
    with in_service(tmp_path_factory.mktemp("laptop"), "cups", pace=90) as cups:
        yield cups


def test_a_release_whose_parts_were_changed_is_not_deployed_and_says_which(cups: Releases) -> None:
    faults: dict[str, Callable[[Releases, int], None]] = {
        "the model file is gone": artifact_deleted,
        "the image of train in the registry was changed": image_changed,
        "the bundle's release.json is not the one that was opened": record_replaced,
    }
    numbers = {}
    for says, harm in faults.items():
        number = numbers[says] = cups.open()
        cups.token(number)
        harm(cups, number)
    for number in numbers.values():
        cups.decide(number)
    for says, number in numbers.items():
        assert cups.ended(number, "FAILED")["error"], says
        assert says in cups.advice(number)
        assert "DeployRelease" not in cups.actions(number)
        assert "cups/1 stays in service." in cups.advice(number)
    cups.check()


def artifact_deleted(cups: Releases, number: int) -> None:
    s3, bucket = cups.client("s3"), cups.outputs["DataBucketName"]
    key = f"runs/cups/{cups.release(number)['run']}/train/model.tar.gz"
    (version,) = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def image_changed(cups: Releases, number: int) -> None:
    cups.client("sagemaker").update_model_package(
        ModelPackageArn=cups.release(number)["package_arn"],
        CustomerMetadataProperties={"image_train": "sha256:" + "0" * 64},
    )


def record_replaced(cups: Releases, number: int) -> None:
    s3, bucket = cups.client("s3"), cups.outputs["DataBucketName"]
    key = f"releases/cups/{number}/release.json"
    record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    record["verdict"] = "promote, really"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(record).encode())


def test_a_replaced_bundle_is_neither_used_nor_to_be_smuggled_in(cups: Releases) -> None:
    number = cups.open()
    item = cups.release(number)
    cups.token(number)
    bucket = cups.outputs["DataBucketName"]
    replaced = cups.client("s3").put_object(Bucket=bucket, Key=item["bundle_key"], Body=b"other")
    variables = {"model": "cups", "release": str(number), "review": "manual", "summary": "mine"}
    revisions = {
        "S3_OBJECT_KEY": item["bundle_key"],
        "S3_OBJECT_VERSION_ID": replaced["VersionId"],
    }
    pipeline = cups.client("codepipeline")
    other = pipeline.start_pipeline_execution(
        name=cups.outputs["ReleasePipelineName"],
        variables=[
            {"name": name, "value": value}
            for name, value in {**variables, "purpose": "promotion", "review_url": "-"}.items()
        ],
        sourceRevisions=[
            {"actionName": "Bundle", "revisionType": kind, "revisionValue": value}
            for kind, value in revisions.items()
        ],
    )["pipelineExecutionId"]
    review = eventually(lambda: cups.actions_of(other).get("ApproveRelease"))
    cups.answer(review["output"]["executionResult"]["externalExecutionId"], "Approved")

    assert cups.over(other) == "Failed"
    assert "its bundle was replaced" in str(cups.actions_of(other)["AdmitRelease"])
    assert cups.release(number)["status"] == "WAITING"
    cups.decide(number, "Rejected", "somebody changed its bundle")
    cups.ended(number, "REJECTED")
    cups.check()


def test_a_build_that_may_not_run_is_told_and_a_retry_after_the_mend_promotes(
    cups: Releases,
) -> None:
    number = cups.open()
    with denied(cups, cups.resources["VerifyRole"], "s3:GetObject*"):
        cups.decide(number)
        cups.ended(number, "FAILED")
    assert f"cups/{number} failed at VerifyRelease" in cups.advice(number)
    assert "GetObject" in cups.advice(number)
    assert f"kanmon retry cups/{number}" in cups.advice(number)
    cups.check()

    retried = cups.say("retry", f"cups/{number}")

    assert retried.code == 0, retried
    cups.ended(number, "PROMOTED")
    cups.check()


@contextmanager
def denied(cups: Releases, role: str, action: str) -> Iterator[None]:
    """A role without an action, for a while."""
    iam = cups.client("iam")
    deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=role, PolicyName="Fault", PolicyDocument=document)
    yield
    iam.delete_role_policy(RoleName=role, PolicyName="Fault")


WRONG = """
_right = handler


def handler(event, context):
    answer = _right(event, context)
    for prediction in answer["predictions"]:
        prediction["prediction"] += 1.0
    return answer
"""
FAILING = """
_right = handler


def handler(event, context):
    if not event.get("check"):
        raise RuntimeError("only callers see this")
    return _right(event, context)
"""


def test_a_new_version_that_scores_otherwise_never_gets_traffic(cups: Releases) -> None:
    serving, number = cups.champion, cups.open(canary=SLOW)

    with cups.scoring_with(WRONG):
        cups.decide(number)
        cups.ended(number, "ROLLED_BACK")

    said = cups.advice(number)
    assert "the check before traffic failed" in said
    assert "golden record" in said or "record 0" in said, said
    assert f"cups/{serving} stays in service." in said
    cups.check()


def test_errors_of_real_requests_during_the_canary_bring_the_release_before_back(
    cups: Releases,
) -> None:
    serving, number = cups.champion, cups.open(canary=SLOW)
    alias, functions = cups.item("champion")["alias_arn"], cups.client("lambda")
    request = json.dumps({"row": {"a": 3, "b": "u"}}).encode()

    with cups.scoring_with(FAILING):
        cups.decide(number)
        eventually(lambda: number in cups.traffic())
        failed = 0
        while cups.release(number)["status"] == "APPROVED":
            failed += "FunctionError" in functions.invoke(FunctionName=alias, Payload=request)
        cups.ended(number, "ROLLED_BACK")

    assert failed
    assert "alarms have been activated" in cups.advice(number)
    assert cups.champion == serving
    cups.check()


def test_a_second_release_waits_for_the_canary_of_the_first_which_a_rollback_ends(
    cups: Releases,
) -> None:
    serving, first, second = cups.champion, cups.open(canary=SLOW), cups.open(canary=SLOW)
    cups.decide(first)
    eventually(lambda: first in cups.traffic())
    cups.decide(second)
    cups.status(second, "APPROVED")
    cups.reached(second, "AdmitRelease")
    eventually(lambda: f"cups/{first} is being promoted" in cups.advice(second))
    back = cups.say("rollback", "cups", "--to", "1", "--no-wait", "--json").document["execution"]
    eventually(lambda: cups.actions_of(back).get("AdmitRelease"))
    stop(cups, back, abandon=True)  # it waits for the lock, too

    went = cups.say("rollback", "cups", "--reason", "not this one")

    assert went.code == 0 and f"cups/{serving} stays in service" in went.out
    cups.status(first, "ROLLED_BACK")
    assert "was rolled back during its canary" in cups.advice(first)
    assert "not this one" in cups.advice(first)
    assert "not this one" in cups.say("history", "cups").out
    eventually(lambda: second in cups.traffic())

    def is_heard() -> bool:  # the alarm's own data set it right again
        cups.client("cloudwatch").set_alarm_state(
            AlarmName=cups.serving("ScoreShiftAlarm"), StateValue="ALARM", StateReason="a drill"
        )
        return bool(cups.release(second)["status"] != "APPROVED")

    eventually(is_heard)
    cups.ended(second, "ROLLED_BACK")
    assert cups.champion == serving
    cups.check()


def stop(cups: Releases, execution: str, *, abandon: bool) -> None:
    cups.client("codepipeline").stop_pipeline_execution(
        pipelineName=cups.outputs["ReleasePipelineName"],
        pipelineExecutionId=execution,
        abandon=abandon,
        reason="a drill",
    )


def test_a_release_whose_canary_was_undone_is_promoted_by_a_retry(cups: Releases) -> None:
    """Lambda has a version of just this code by then, and publishes no second one like it."""
    number = cups.open(canary=SLOW)
    cups.decide(number)
    eventually(lambda: len(cups.traffic()) == 2)
    assert cups.say("rollback", "cups", "--reason", "not yet").code == 0
    cups.ended(number, "ROLLED_BACK")

    assert cups.say("retry", f"cups/{number}", "--no-wait").code == 0

    eventually(lambda: len(cups.traffic()) == 2)
    assert cups.say("rollback", "cups", "--reason", "never").code == 0
    ended = cups.ended(number, "ROLLED_BACK")
    assert "A version for this Lambda function exists" not in ended["error"]
    cups.check()


def test_a_pipeline_that_stops_after_the_deployment_has_its_record_completed(
    cups: Releases,
) -> None:
    number = cups.open(canary=SHORT)
    cups.decide(number)
    eventually(lambda: number in cups.traffic())

    stop(cups, cups.release(number)["execution"], abandon=False)

    ended = cups.ended(number, "PROMOTED")
    assert cups.execution(ended["execution"])["status"] == "Stopped"
    assert f"cups/{number} has been in service" in cups.advice(number)
    cups.check()


def test_an_abandoned_deployment_is_undone(cups: Releases) -> None:
    serving, number = cups.champion, cups.open(canary=SLOW)
    cups.decide(number)
    eventually(lambda: number in cups.traffic())

    stop(cups, cups.release(number)["execution"], abandon=True)

    ended = cups.ended(number, "FAILED", "ROLLED_BACK")
    assert "a drill" in ended["error"]
    assert "was stopped at DeployRelease" in cups.advice(number)
    eventually(lambda: cups.traffic() == {serving: 1.0})
    cups.check()


def test_an_abandoned_first_deployment_ends_recorded(cups: Releases) -> None:
    mugs = Releases(cups.laptop, "mugs")
    mugs.run()
    mugs.decide(1)
    mugs.reached(1, "DeployRelease")
    with suppress(ClientError):  # it may have ended by now
        stop(mugs, mugs.release(1)["execution"], abandon=True)

    mugs.ended(1, "PROMOTED")

    mugs.check()
