"""Open Run against a stage in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import close_run
import open_run
from contract.plan import Plan
from core.definition.parse import parse_definition
from core.runs.open_run import seconds_needed
from core.stage import gateways
from tests.support.control_cases import DEFINITION, MODEL_YAML
from tests.support.stage_in_memory import MACHINE, RUN, Context, Stage

Load = Callable[[str], dict[str, Any]]
ONE = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
RESOURCES = {
    "preprocess": {
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "volume_gb": 30,
        "timeout_minutes": 60,
        "timeout_seconds": 3600,
        "memory_mb": 2048,
        "machines": ONE,
    },
    "train": {
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "volume_gb": 30,
        "timeout_minutes": 120,
        "timeout_seconds": 7200,
        "machines": ONE,
        "wait_seconds": 1800,
    },
    "evaluate": {
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "volume_gb": 30,
        "timeout_minutes": 60,
        "timeout_seconds": 3600,
        "machines": ONE,
    },
}
LATER = "churn-261121060000-a1b"


def close(stage: Stage, context: Context, answer: dict[str, Any]) -> None:
    close_run.handler({**answer, "package_arn": "arn", "review_uri": "s3://r"}, context)


def image(step: str) -> str:
    digest = step.encode().hex().ljust(64, "0")
    repository = "123456789012.dkr.ecr.us-east-1.amazonaws.com/kanmon-test-steps"
    return f"{repository}@sha256:{digest}"


def test_a_first_run_gets_everything_it_needs(
    stage: Stage, context: Context, load_event: Load
) -> None:
    answer = open_run.handler(load_event("open_run"), context)

    snapshot, fingerprint = answer["snapshot"], answer["fingerprint"]
    definition = stage.item("definition")["sha256"]["S"]
    assert answer == {
        "outcome": "new",
        "run": RUN,
        "model": "churn",
        "equals": None,
        "behind": None,
        "summary": "new: 1 file, 28 B; reason: manual",
        "bucket": "kanmon-test-data",
        "prefix": f"s3://kanmon-test-data/runs/churn/{RUN}",
        "snapshot": snapshot,
        "snapshot_uri": f"s3://kanmon-test-data/snapshots/churn/{snapshot}.json",
        "definition_uri": f"s3://kanmon-test-data/definitions/churn/{definition}/",
        "fingerprint": fingerprint,
        "images": {step: image(step) for step in ("preprocess", "train", "evaluate")},
        "job_prefix": f"kanmon-test-{RUN}",
        "resources": RESOURCES,
        "rungs": dict.fromkeys(RESOURCES, "processing"),
        "rungs_why": dict.fromkeys(RESOURCES, "no function"),
        "outgrew_mb": {},
        "attempts": f"s3://kanmon-test-data/attempts/churn/{RUN}",
        "candidate": None,
        "champion": None,
        "reference": None,
        "package_group": "kanmon-test-churn",
        "package_group_exists": False,
    }
    assert stage.holder() == RUN
    assert stage.record()["status"] == "RUNNING"
    assert stage.record()["fingerprint"] == fingerprint


def test_the_plan_is_what_the_steps_read(
    stage: Stage, context: Context, load_event: Load, tmp_path: Path
) -> None:
    answer = open_run.handler(load_event("open_run"), context)

    document = stage.get_json(f"runs/churn/{RUN}/run.json")
    (tmp_path / "run.json").write_text(json.dumps(document))
    plan = Plan.read(tmp_path / "run.json")
    assert (plan.run, plan.model, plan.target, plan.positive) == (RUN, "churn", "churn", "yes")
    assert plan.trainer.parameters == {"learning_rate": 0.05}
    assert plan.metrics[0] == plan.primary == "auc"
    assert document["parameters"] == {"learning_rate": 0.05}
    assert document["fingerprint"] == answer["fingerprint"]
    assert document["snapshot"] == {
        "id": answer["snapshot"],
        "uri": answer["snapshot_uri"],
        "objects": 1,
        "bytes": 28,
        "text_mb": 0.0,
    }


def test_the_snapshot_names_the_exact_versions(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    name = "datasets/churn/a 'quoted\" ünï+name.csv"
    stage.put(name, "gender,tenure,churn\n")
    stage.put("datasets/churn/gone.csv", "x")
    stage.s3.delete_object(Bucket="kanmon-test-data", Key="datasets/churn/gone.csv")
    current = stage.s3.head_object(Bucket="kanmon-test-data", Key=name)

    snapshot = opened()["snapshot"]

    document = stage.get_json(f"snapshots/churn/{snapshot}.json")
    assert [each["key"] for each in document["objects"]] == [name, "datasets/churn/customers.csv"]
    assert document["objects"][0] == {
        "key": name,
        "version_id": current["VersionId"],
        "size": 20,
        "checksum": current["ETag"].strip('"'),
    }


def test_opening_a_run_twice_gives_the_same_answer_even_if_the_data_changed_between(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    first = opened()
    stage.put("datasets/churn/customers.csv", "gender,tenure,churn\nm,2,no\n")

    assert opened() == first


def test_the_same_run_again_is_nothing_new(
    stage: Stage, context: Context, opened: Callable[..., dict[str, Any]]
) -> None:
    close(stage, context, opened(commit="a" * 40))
    # The same bytes, as a new version of the object, and asked for from another commit.
    stage.put("datasets/churn/customers.csv", "gender,tenure,churn\nf,1,yes\n")

    again = opened(LATER, commit="b" * 40 + "-dirty")

    assert (again["outcome"], again["equals"]) == ("nothing new", RUN)
    assert again["summary"] == (
        f"nothing new: data, definition, step code and parameters are those of run {RUN}"
    )


def test_anything_that_changes_the_model_is_new(
    stage: Stage, context: Context, opened: Callable[..., dict[str, Any]]
) -> None:
    close(stage, context, opened())

    def outcome(number: int, **request: Any) -> str:
        answer = opened(f"churn-26112106000{number}-a1b", **request)
        close(stage, context, answer)
        return str(answer["outcome"])

    assert outcome(1, parameters={"rounds": 9}) == "new"
    assert outcome(2, force=True) == "new"
    assert outcome(3) == "nothing new"
    stage.put("datasets/churn/more.csv", "gender,tenure,churn\nm,2,no\n")
    assert outcome(4) == "new"
    stage.push_image("train", "-changed")
    assert outcome(5) == "new"
    stage.publish(MODEL_YAML + "trainer: {seed: 8}\n")
    assert outcome(6) == "new"
    assert outcome(7) == "nothing new"


def test_a_rebuilt_image_is_used_and_makes_no_run_new_but_another_content_does(
    stage: Stage, context: Context, opened: Callable[..., dict[str, Any]]
) -> None:
    def built(digest: str, content: str) -> None:
        stage.push_image("train", digest)
        known = ("train" + digest).encode().hex().ljust(64, "0")[:64]
        stage.put(f"images/{known}.json", {"format": 1, "content": f"sha256:{content}"})

    built("-first", "tree")
    first = opened()
    close(stage, context, first)
    built("-again", "tree")
    again = opened(LATER)
    close(stage, context, again)
    forced = opened("churn-261121060100-a1b", force=True)
    close(stage, context, forced)
    built("-other", "another tree")
    other = opened("churn-261121060200-a1b")

    assert (again["outcome"], again["equals"]) == ("nothing new", RUN)
    assert forced["fingerprint"] == first["fingerprint"] != other["fingerprint"]
    assert forced["images"]["train"] == image("train-again") != first["images"]["train"]
    assert other["outcome"] == "new"


def test_a_run_killed_after_it_registered_is_not_registered_twice(
    stage: Stage, context: Context, opened: Callable[..., dict[str, Any]]
) -> None:
    fingerprint = opened()["fingerprint"]
    stage.sagemaker.create_model_package_group(ModelPackageGroupName="kanmon-test-churn")
    arn = stage.register("PendingManualApproval", run=RUN, fingerprint=fingerprint, verdict="hold")
    # Others registered theirs since.
    stage.register("PendingManualApproval", run="churn-261121055900-b2c", fingerprint="f" * 64)
    stage.register("Rejected", run="churn-261121055930-b2c", fingerprint="e" * 64)
    expire_lock(stage)

    again = opened(LATER)

    assert (again["outcome"], again["equals"]) == ("nothing new", RUN)
    # And its candidate gets the release that nothing else would open, also at the third try.
    candidate = {"run": RUN, "package_arn": arn, "verdict": "hold"}
    assert again["summary"].endswith("; its candidate has no release yet, which is opened now")
    assert again["candidate"] == candidate
    close(stage, context, again)
    assert opened("churn-261121060100-a1b")["candidate"] == candidate


@pytest.mark.parametrize("how", ["released", "rejected"])
def test_a_run_whose_candidate_needs_no_release_any_more_is_just_nothing_new(
    stage: Stage, opened: Callable[..., dict[str, Any]], how: str
) -> None:
    fingerprint = opened()["fingerprint"]
    stage.sagemaker.create_model_package_group(ModelPackageGroupName="kanmon-test-churn")
    verdict = "reject" if how == "rejected" else "promote"
    stage.register("Rejected", run=RUN, fingerprint=fingerprint, verdict=verdict)
    if how == "released":
        stage.write_item(f"run#{RUN}", release="7")
        stage.write_item("release#000007", release="7", status="WAITING", execution="e-7")
    expire_lock(stage)

    answer = opened(LATER)

    assert answer["candidate"] is None
    assert answer["summary"].endswith(
        f"(took over the lock of run {RUN}, which has expired or ended)"
    )


# ---- the lock


def expire_lock(stage: Stage) -> None:
    stage.dynamodb.update_item(
        TableName="kanmon-test-models",
        Key={"model": {"S": "churn"}, "item": {"S": "retrain-lock"}},
        UpdateExpression="SET #u = :past",
        ExpressionAttributeNames={"#u": "until"},
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def test_a_run_waits_behind_the_one_that_holds_the_lock(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    opened()

    waiting = opened(LATER, reason="drift")

    assert waiting == {
        "outcome": "queued",
        "run": LATER,
        "model": "churn",
        "equals": None,
        "behind": RUN,
        "summary": f"queued: run {RUN} holds the lock of churn; this is run after it",
        "fingerprint": None,
    }
    assert stage.holder() == RUN
    assert stage.record(LATER)["status"] == "QUEUED"
    assert stage.record(LATER)["behind"] == RUN


def test_a_request_whose_settings_are_replaced_while_it_waits_is_not_lost_silently(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    opened()
    opened(LATER)

    waiting = opened("churn-261121060001-a1b", parameters={"rounds": 9})

    assert waiting["summary"].endswith(
        ", with these settings instead of those that were queued before"
    )


def test_an_expired_lock_is_taken_over_aloud(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    opened()
    expire_lock(stage)

    answer = opened(LATER)

    assert answer["outcome"] == "new"
    assert answer["summary"].endswith(
        f"(took over the lock of run {RUN}, which has expired or ended)"
    )
    assert stage.holder() == LATER


def test_a_lock_whose_run_was_stopped_after_its_failure_was_reported_is_taken_over(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    execution = stage.states.start_execution(stateMachineArn=MACHINE, name=RUN)["executionArn"]
    opened()
    waiting = opened(LATER)
    stage.states.stop_execution(executionArn=execution)

    answer = opened("churn-261121060001-a1b")

    assert waiting["outcome"] == "queued"
    assert answer["outcome"] == "new"
    assert stage.holder() == "churn-261121060001-a1b"


def test_a_run_waits_where_step_functions_does_not_say_whether_another_is_over(
    stage: Stage, opened: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    monkeypatch.setenv("RETRAIN_MACHINE_ARN", "no machine")
    gateways.stage.cache_clear()

    waiting = opened(LATER)

    gateways.stage.cache_clear()
    assert waiting["outcome"] == "queued"


def test_the_lock_outlasts_every_step_at_its_limit_and_two_jobs_lost_to_the_platform(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    opened()

    jobs = (60 + 120 + 60 + 2 * 120) * 60
    quota_and_machines = 5 * (15 + 15) * 60
    functions = 3 * (930 + 75)
    assert seconds_needed(DEFINITION) == jobs + functions + quota_and_machines + 2 * 180 + 15 * 60


def test_the_lock_also_outlasts_a_wait_for_a_spot_machine() -> None:
    keys = "compute: {train: spot}\nresources: {train: {spot_wait_minutes: 45}}\n"
    spot = parse_definition(MODEL_YAML + keys, "model.yaml")
    functions = 930 + 75  # Train is none

    more = (120 + 45 + 15) * 60
    assert seconds_needed(spot) == seconds_needed(DEFINITION) + more - functions
