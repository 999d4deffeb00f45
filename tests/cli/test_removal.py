"""Removing a stage, or a model of it: whole, in order, interrupted anywhere, and then nothing left.

The stages have the settings of dev: a table that is protected, a repository that is not emptied.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kanmon.removal import deletion
from kanmon.removal.deletion import Removal
from kanmon.removal.things import Kind, Thing
from tests.support.laptop import LONG_TRAINING, TINY, Laptop, deployed, rows
from tests.support.removing import items_of, left_of, remaining_objects, somebody
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults  # for its time: most tests remove a stage of their own

SETTINGS = "Stage=dev LogRetentionDays=30"
PROCESSING = "logs: /aws/sagemaker/ProcessingJobs"


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with deployed(tmp_path, parameters=SETTINGS) as laptop:
        yield laptop


# Its run leaves the log of a job, and below attempts/ what steps wrote as functions.
ON_BOTH_RUNGS = TINY + "compute: {{train: processing}}\n"


def put_into_service(laptop: Laptop, model: str) -> None:
    laptop.add_model(model, ON_BOTH_RUNGS.format(name=model, floor=5.0))
    assert laptop.put(model, rows(300)).code == 0
    laptop.must("run", model)
    laptop.must("approve", model, "--reason", "fine", "--watch")


def until_it_is_done(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[list[str], Any]:
    """Run a command that is interrupted behind each thing it removes, again and again."""
    remove, gone = Removal.remove, []

    def interrupted(removal: Removal, thing: Thing) -> None:
        remove(removal, thing)
        title = f"{thing.kind} {thing.name}"
        if title not in gone:  # an empty repository is listed until its stack is gone
            gone.append(title)
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Removal, "remove", interrupted)
        for _ in range(60):
            said = laptop.kanmon(*words, "--json")
            if said.code != 130:
                return gone, said
    raise AssertionError(gone)


def test_a_stage_goes_whole_though_it_is_interrupted_behind_every_thing(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_service(laptop, "toys")
    topic = laptop.outputs["NotificationsTopicArn"]
    laptop.client("sns").subscribe(
        TopicArn=topic, Protocol="email", Endpoint="ada@example.com", ReturnSubscriptionArn=True
    )
    for group in ("/aws/lambda/kanmon-local-Old", "/aws/lambda/kanmon-other-Old"):
        laptop.client("logs").create_log_group(logGroupName=group)
    table = laptop.outputs["ModelTableName"]
    protected = laptop.client("dynamodb").describe_table(TableName=table)["Table"]
    listed = laptop.must("uninstall", "--list")

    gone, said = until_it_is_done(laptop, monkeypatch, "uninstall", "--with-data", "--yes")

    assert protected["DeletionProtectionEnabled"]
    assert said.code == 0, said
    assert [one.split()[0] for one in gone] == [
        *(
            "schedule",  # of the planner
            "schedule",  # of the digest
            "serving",
            "package",
            "image",
            "builds",
            "subscription",
            "stack",
            "log",
            "job",
        ),
        *("deployment", "pipeline", "model", "data", "access"),
    ]
    assert {one["name"] for one in listed["kept"]} <= {one.split()[-1] for one in gone}
    assert left_of(laptop) == []
    assert "/aws/lambda/kanmon-other-Old" in str(laptop.client("logs").describe_log_groups())


def test_without_data_the_bucket_and_the_table_stay_and_go_later_with_those_of_a_new_stage(
    laptop: Laptop,
) -> None:
    laptop.add_model("toys")
    laptop.put("toys", rows(20))
    bucket, table = laptop.outputs["DataBucketName"], laptop.outputs["ModelTableName"]
    words = [sys.executable, "-m", "kanmon", "uninstall", "--yes"]
    environment = {**os.environ, **laptop.environment}
    removing = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    status = {"StackName": "kanmon-local"}
    stacks = laptop.client("cloudformation")

    eventually(lambda: being_deleted(stacks, status), pause_seconds=0.005)
    removing.send_signal(signal.SIGKILL)
    removing.wait()
    resumed = laptop.must("uninstall", "--yes")

    assert {one["name"] for one in resumed["kept"]} >= {bucket, table}
    kept = [one for one in left_of(laptop) if one != PROCESSING]
    assert len(kept) == 3
    assert remaining_objects(laptop, bucket, "datasets") == ["datasets/toys/data.csv"]
    laptop.must("deploy")
    laptop.must("uninstall", "--with-data", "--yes")
    assert left_of(laptop) == []


def being_deleted(stacks: Any, stack: dict[str, str]) -> bool:
    try:
        return str(stacks.describe_stacks(**stack)["Stacks"][0]["StackStatus"]).startswith("DELETE")
    except stacks.exceptions.ClientError:
        return True


def test_a_stage_where_a_run_trains_is_stopped_first(laptop: Laptop) -> None:
    laptop.add_model("toys", LONG_TRAINING.format(name="toys", floor=5.0))
    laptop.put("toys", rows(300))
    started = laptop.must("run", "toys", "--no-wait")
    laptop.entered(started["execution_arn"], "Train")

    said = laptop.must("uninstall", "--with-data", "--yes")

    assert f"run {started['run']}" in [one["name"] for one in said["things"]]
    assert said["left"] == []
    jobs = laptop.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
    assert "InProgress" not in {one["ProcessingJobStatus"] for one in jobs}


def test_a_stage_with_a_canary_under_way_undoes_it_and_goes_whole(laptop: Laptop) -> None:
    put_into_service(laptop, "toys")
    slow = TINY.format(name="toys", floor=5.0) + "serving: {canary: Linear10PercentEvery10Minutes}"
    laptop.add_model("toys", slow)
    laptop.must("run", "toys")
    laptop.must("approve", "toys", "--reason", "fine")
    deployments = laptop.client("codedeploy").list_deployments
    eventually(lambda: deployments(includeOnlyStatuses=["InProgress"])["deployments"])

    said = laptop.must("uninstall", "--with-data", "--yes")

    assert "release toys/2" in [one["name"] for one in said["things"]]
    assert left_of(laptop) == []


def test_what_is_not_allowed_is_one_line_and_the_rest_goes_on_later(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with somebody(laptop, monkeypatch, {"Action": "ecr:BatchDeleteImage"}):
        no_images = laptop.kanmon("uninstall", "--yes")
    with somebody(laptop, monkeypatch, {"Action": "s3:ListAllMyBuckets"}):
        no_list = laptop.kanmon("uninstall", "--yes")
    as_operator = laptop.kanmon("uninstall", "--yes", "--as", "operator")

    assert (no_images.code, no_list.code, as_operator.code) == (3, 3, 3)
    assert last(no_images.err).startswith("kanmon: BatchDeleteImage is not allowed: ")
    assert last(no_list.err).startswith("kanmon: ListBuckets is not allowed: ")
    assert last(as_operator.err).startswith("kanmon: DescribeStacks is not allowed: ")
    with somebody(laptop, monkeypatch):
        assert laptop.kanmon("uninstall", "--with-data", "--yes").code == 0
    assert left_of(laptop) == []


def last(said: str) -> str:
    return said.splitlines()[-1]


def test_a_stack_that_cannot_be_deleted_says_why_and_is_deleted_when_that_is_corrected(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:  # as if somebody pushed an image meanwhile
        patched.setitem(deletion.ACTIONS, Kind.IMAGES, lambda removal, thing: None)
        refused = laptop.kanmon("uninstall", "--yes")
    half = laptop.kanmon("remove", "toys")
    again = laptop.kanmon("uninstall", "--with-data", "--yes")

    assert refused.code == 1
    assert last(refused.err).startswith(
        "kanmon: stack kanmon-local could not be deleted: StepsRepository: "
    )
    assert last(refused.err).endswith("Correct that, and run the same command again.")
    assert (half.code, half.err) == (
        3,
        "kanmon: stage local is half removed (stack kanmon-local: DELETE_FAILED). "
        "Finish with `kanmon uninstall`.\n",
    )
    assert again.code == 0, again
    assert left_of(laptop) == []


def test_an_empty_stage_is_no_error_and_nobody_is_asked(laptop: Laptop) -> None:
    first = laptop.kanmon("uninstall")
    laptop.must("uninstall", "--with-data", "--yes")
    again = laptop.kanmon("uninstall", "--with-data")

    assert (first.code, last(first.err)) == (
        2,
        "kanmon: nobody is here to agree; nothing was removed. Add --yes, or --list to see only.",
    )
    assert (again.code, again.out.splitlines()[-2:]) == (
        0,
        [
            "There is nothing to remove",
            "What AWS keeps of a removed stage for some time: docs/operations.md",
        ],
    )


def test_a_model_goes_whole_and_the_other_one_stays(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in ("toys", "toys-two"):
        put_into_service(laptop, model)
    bucket, table = laptop.outputs["DataBucketName"], laptop.outputs["ModelTableName"]
    policy = laptop.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    others = (remaining_objects(laptop, bucket, "toys-two"), items_of(laptop, table, "toys-two"))
    (laptop.root / "models" / "toys" / "model.yaml").unlink()
    cost, budget = laptop.must("cost"), laptop.must("budget")

    in_service = laptop.kanmon("remove", "toys", "--yes")
    unknown = laptop.kanmon("remove", "toy", "--yes")
    with somebody(laptop, monkeypatch):
        gone, said = until_it_is_done(
            laptop, monkeypatch, "remove", "toys", "--in-service", "--yes"
        )
        kept = remaining_objects(laptop, bucket, "toys")
        laptop.must("remove", "toys", "--with-data", "--yes")
        again = laptop.kanmon("remove", "toys", "--yes")

    assert last(in_service.err).startswith("kanmon: toys/1 is in service: ")
    assert last(unknown.err).startswith("kanmon: stage local has nothing of a model 'toy'. ")
    assert (in_service.code, unknown.code, said.code, again.code) == (2, 2, 0, 2)
    assert "releases releases/toys/" in gone
    assert kept == ["datasets/toys/data.csv"]
    assert remaining_objects(laptop, bucket, "toys") == items_of(laptop, table, "toys") == []
    assert not [one for one in left_of(laptop) if one.endswith(("local-toys", "serving-toys"))]
    assert others == (
        remaining_objects(laptop, bucket, "toys-two"),
        items_of(laptop, table, "toys-two"),
    )
    assert laptop.client("s3").get_bucket_policy(Bucket=bucket)["Policy"] == policy
    scored = laptop.kanmon("models", "--json").document
    assert [one["champion"] for one in scored if one["model"] == "toys-two"] == [1]
    now = laptop.must("cost")
    assert now["usd"] == cost["usd"] > 0
    assert now["removed"]["by_work"]["retrain"]["count"] == 1
    assert laptop.must("budget") == budget


def test_what_the_stage_keeps_of_a_model_beside_its_own_items_goes_too(laptop: Laptop) -> None:
    table, dynamodb = laptop.outputs["ModelTableName"], laptop.client("dynamodb")
    for model in ("toys", "toys-two"):
        queued = {"model": "releases to start", "item": f"to-start#{model}", "of": model}
        fact = {"fact": json.dumps({"event": "run failed", "model": model})}
        noted = {"model": "#notices", **fact}
        for item in (
            queued,
            {"model": "#plan", "item": model},
            {**noted, "item": f"fact#{model}"},
            {**noted, "item": f"2026-11-30T03:00:00.000000Z#{model}"},
        ):
            written = {name: {"S": value} for name, value in item.items()}
            dynamodb.put_item(TableName=table, Item=written)

    said = laptop.must("remove", "toys", "--yes")

    assert said["things"] == [{"kind": "table items", "name": "toys", "items": 4}]
    assert items_of(laptop, table, "#plan") == ["toys-two"]
    assert items_of(laptop, table, "releases to start") == ["to-start#toys-two"]
    assert items_of(laptop, table, "#notices") == [
        "2026-11-30T03:00:00.000000Z#toys-two",
        "fact#toys-two",
    ]


def test_what_a_function_writes_while_a_model_is_removed_is_found_at_the_end(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop.add_model("toys")
    laptop.put("toys", rows(20))
    laptop.must("publish")
    bucket, table = laptop.outputs["DataBucketName"], laptop.outputs["ModelTableName"]

    def late(connection: Any, bucket_name: str) -> None:
        laptop.client("s3").put_object(Bucket=bucket, Key="capture/toys/1/a", Body=b"x")
        item = {"model": {"S": "toys"}, "item": {"S": "history#late"}}
        laptop.client("dynamodb").put_item(TableName=table, Item=item)

    with monkeypatch.context() as patched:
        patched.setattr("kanmon.removal.write_once.restore", late)
        left = laptop.kanmon("remove", "toys", "--yes", "--json")
    again = laptop.kanmon("remove", "toys", "--yes")

    assert (left.code, left.document["left"]) == (
        1,
        ["objects capture/toys/", "table items toys"],
    )
    assert "is still there. Run the same command again." in last(left.err)
    assert again.code == 0
    assert "Its folder models/toys/ is still here" in again.err
    assert remaining_objects(laptop, bucket, "toys") == ["datasets/toys/data.csv"]


def test_a_model_whose_versions_or_policy_may_not_be_touched_is_one_line(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop.add_model("toys")
    laptop.put("toys", rows(300))
    laptop.must("run", "toys")
    laptop.must("reject", "toys", "--reason", "only a test")
    words = ("remove", "toys", "--yes")

    with somebody(laptop, monkeypatch, {"Action": "s3:DeleteObjectVersion"}):
        no_versions = laptop.kanmon(*words)
    with somebody(laptop, monkeypatch, {"Action": "s3:PutBucketPolicy"}):
        no_policy = laptop.kanmon(*words)
    with somebody(laptop, monkeypatch):
        allowed = laptop.kanmon(*words)

    assert (no_versions.code, no_policy.code, allowed.code) == (3, 3, 0)
    # Here the whole request is refused, by AWS each object of it.
    assert last(no_versions.err).startswith("kanmon: DeleteObjects is not allowed: ")
    assert last(no_policy.err).startswith("kanmon: PutBucketPolicy is not allowed: ")


def test_a_model_that_is_worked_on_is_not_removed(laptop: Laptop) -> None:
    laptop.add_model("toys")
    laptop.put("toys", rows(300))
    run = laptop.must("run", "toys")
    waits = laptop.kanmon("remove", "toys", "--yes")
    laptop.must("reject", "toys", "--reason", "only a test")
    laptop.add_model("toys", LONG_TRAINING.format(name="toys", floor=5.0))
    started = laptop.must("run", "toys", "--no-wait")

    runs = laptop.kanmon("remove", "toys", "--yes")

    assert run["release"] == 1
    assert "model toys is being worked on: release toys/1. Decide (`kanmon reject" in waits.err
    assert f"model toys is being worked on: run {started['run']}. Wait for its end" in runs.err
    assert (waits.code, runs.code) == (2, 2)
    assert laptop.kanmon("remove", "toys", "--list").code == 0
