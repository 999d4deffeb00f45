"""A run whose data a job gathers: Open Run, then Take Snapshot, against a stage in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import take_snapshot
from core.definition.parse import parse_definition
from core.runs.gathering_job import NoGatherError
from core.runs.open_run import seconds_needed
from core.runs.snapshot import EmptyDatasetError
from core.stage import gateways
from tests.support.control_cases import DEFINITION, MODEL_YAML
from tests.support.stage_in_memory import BUCKET, RUN, Context, Stage

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:crm-1a2B3c"
GATHERED_YAML = MODEL_YAML + f"gather: {{secret: '{ARN}', timeout_minutes: 45}}\n"
LATER = "churn-261121060000-a1b"
SAID = {"program": "0a1b2c3d4e5f", "files": 2, "bytes": 12, "written": 1, "names": ["b.csv"]}
Open = Callable[..., dict[str, Any]]


@pytest.fixture
def stage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("GATHER_MODELS", "abalone,churn")
    stage.push_image("gather")
    for each in stage.s3.list_objects_v2(Bucket=BUCKET, Prefix="datasets/").get("Contents", []):
        stage.s3.delete_object(Bucket=BUCKET, Key=each["Key"])
    stage.publish(GATHERED_YAML)
    gateways.stage.cache_clear()
    yield stage
    gateways.stage.cache_clear()


def take(context: Context, run: str = RUN, said: str = json.dumps(SAID)) -> dict[str, Any]:
    gathered = {"job": f"kanmon-test-{run}-gather-0", "said": said}
    event = {"run": run, "request": {"model": "churn"}, "gathered": gathered}
    return take_snapshot.handler(event, context)


def test_open_run_asks_for_a_job_before_anything_else(stage: Stage, opened: Open) -> None:
    answer = opened()
    asked = answer["gather"]

    assert (answer["outcome"], answer["run"], answer["behind"]) == ("gather", RUN, None)
    assert answer["summary"] == "gather.py runs first, in a job of its own"
    assert "@sha256:" in asked.pop("image")
    assert f"/definitions/churn/{stage.item('definition')['sha256']['S']}/" in asked.pop(
        "definition_uri"
    )
    assert asked == {
        "by": "job",
        "job_prefix": f"kanmon-test-{RUN}",
        "data": f"s3://{BUCKET}/datasets/churn/",
        "secret": ARN,
        "instance_type": "ml.t3.medium",
        "volume_gb": 30,
        "timeout_seconds": 2700,
    }
    assert stage.holder() == RUN
    assert opened() == opened()


def test_the_machine_and_its_volume_are_those_of_the_definition(stage: Stage, opened: Open) -> None:
    stage.publish(MODEL_YAML + "gather: {instance_type: ml.m5.xlarge, volume_gb: 200}\n")
    asked = opened()["gather"]

    assert (asked["instance_type"], asked["volume_gb"], asked["secret"]) == (
        "ml.m5.xlarge",
        200,
        None,
    )


def test_what_is_there_after_the_job_is_the_snapshot_and_the_run_goes_on(
    stage: Stage, opened: Open, context: Context
) -> None:
    opened()
    stage.put("datasets/churn/a.csv", "by hand")
    stage.put("datasets/churn/b.csv", "gathered")
    answer = take(context)

    assert answer["outcome"] == "new"
    objects = stage.get_json(f"snapshots/churn/{answer['snapshot']}.json")["objects"]
    assert [each["key"] for each in objects] == ["datasets/churn/a.csv", "datasets/churn/b.csv"]
    plan = stage.get_json(f"runs/churn/{RUN}/run.json")
    assert "@sha256:" in plan["gather"].pop("image")
    assert plan["gather"] == {
        "by": "job",
        "job": f"kanmon-test-{RUN}-gather-0",
        "secret": ARN,
        **SAID,
    }
    assert set(plan["images"]) == {"preprocess", "train", "evaluate"}  # of the fingerprint
    assert take(context) == answer
    assert opened() == answer


@pytest.mark.parametrize("said", ["", "not JSON", "[]", '{"files": "many", "names": 7}'])
def test_last_words_that_cannot_be_read_are_no_reason_to_fail(
    stage: Stage, opened: Open, context: Context, said: str
) -> None:
    opened()
    stage.put("datasets/churn/a.csv", "gathered")
    take(context, said=said)

    made = stage.get_json(f"runs/churn/{RUN}/run.json")["gather"]
    assert (made["files"], made["bytes"], made["written"], made["names"]) == (1, 8, 0, [])


def test_where_nothing_is_there_the_run_fails(stage: Stage, opened: Open, context: Context) -> None:
    opened()

    with pytest.raises(EmptyDatasetError):
        take(context)


def test_a_model_that_the_stage_does_not_name_is_refused(
    stage: Stage, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATHER_MODELS", "abalone,churn-2")

    with pytest.raises(
        NoGatherError,
        match=r"model churn: stage dev runs no gather.py of it, because its parameter GatherModel",
    ):
        opened()


@pytest.mark.parametrize(
    ("region", "account"), [("eu-west-1", "123456789012"), ("us-east-1", "210987654321")]
)
def test_a_secret_of_another_region_or_account_is_refused(
    stage: Stage, opened: Open, region: str, account: str
) -> None:
    secret = f"arn:aws:secretsmanager:{region}:{account}:secret:crm-1a2B3c"
    stage.publish(MODEL_YAML + f"gather: {{secret: '{secret}'}}\n")

    with pytest.raises(NoGatherError) as refused:
        opened()
    assert str(refused.value) == (
        f"model churn: the secret of gather.secret is in account {account}, {region}, and the "
        "stage reads those in account 123456789012, us-east-1; store it there, and name that one "
        "in model.yaml"
    )


def test_the_lock_outlives_the_job_and_its_repeats() -> None:
    gathering = parse_definition(MODEL_YAML + "gather: {timeout_minutes: 240}\n", "model.yaml")
    longest = max(
        getattr(DEFINITION.resources, step).timeout_minutes
        for step in ("preprocess", "train", "evaluate")
    )

    more = seconds_needed(gathering) - seconds_needed(DEFINITION)
    assert more >= 240 * 60 + 2 * (240 - longest) * 60 + 3600
