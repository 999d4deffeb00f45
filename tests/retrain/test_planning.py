"""What starts by itself on a stage: new data, a schedule that fires; and what a pause stops."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.laptop import TINY, Laptop, deployed, rows
from tests.support.waiting import eventually

ON_DATA = TINY.format(name="fresh", floor=5.0) + "retrain: {on: [data], quiet_minutes: 10}\n"


@pytest.fixture(scope="module")
def laptop(shared: Laptop) -> Laptop:
    return shared


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Laptop]:
    """A stage on which five minutes of the schedule are a second."""
    with deployed(tmp_path, pace=300.0) as laptop:
        yield laptop


def at(minutes: float) -> str:
    return f"{datetime.now(UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def test_data_that_is_put_retrains_the_model_once_and_the_reason_travels(laptop: Laptop) -> None:
    laptop.add_model("fresh", ON_DATA)
    laptop.must("publish")
    laptop.must("tick")
    laptop.put_object("fresh", rows(300))

    arrived = eventually(lambda: fresh(laptop.must("tick")))
    assert arrived["code"] == "data arrives"
    done = laptop.must("tick", "--at", at(11))
    again = laptop.must("tick", "--at", at(16))

    [start] = [one for one in done["starts"] if one["model"] == "fresh"]
    assert done["started"] == [start["name"]]
    assert again["started"] == []
    machine = laptop.outputs["RetrainStateMachineArn"].replace(":stateMachine:", ":execution:")
    ended = laptop.ended(f"{machine}:{start['name']}")
    assert ended["status"] == "SUCCEEDED", ended
    [run] = laptop.must("runs", "fresh")
    assert run["run"] == start["name"]
    assert run["reason"].startswith("new data: 1 file")
    told(laptop, run)


def fresh(done: dict[str, Any]) -> dict[str, Any] | None:
    """Why the model is not retrained yet, once its data has arrived."""
    found = [one for one in done["waits"] if (one["model"], one["work"]) == ("fresh", "retrain")]
    return found[0] if found and found[0]["code"] == "data arrives" else None


def told(laptop: Laptop, run: dict[str, Any]) -> None:
    """The reason is on the review page, in the registry and in the mail."""
    page = laptop.client("s3").get_object(
        Bucket=laptop.outputs["DataBucketName"], Key=f"runs/fresh/{run['run']}/review.html"
    )
    assert "new data: 1 file" in page["Body"].read().decode()
    [package] = laptop.packages("fresh")
    described = laptop.client("sagemaker").describe_model_package(
        ModelPackageName=package["ModelPackageArn"]
    )
    assert "new data: 1 file" in str(described["CustomerMetadataProperties"])
    notices = eventually(
        lambda: (
            run["run"] in (laptop.home / "logs/notifications.jsonl").read_text()
            and (laptop.home / "logs/notifications.jsonl").read_text()
        )
    )
    assert "new data: 1 file" in notices


def test_a_paused_model_says_so_everywhere_until_it_is_resumed(laptop: Laptop) -> None:
    laptop.add_model("resting")
    laptop.must("publish")

    laptop.must("pause", "resting", "--reason", "the new shop")

    [shown] = [one for one in laptop.must("models") if one["model"] == "resting"]
    assert shown["paused"]["reason"] == "the new shop"
    plan = laptop.must("plan", "resting")
    assert {one["code"] for one in plan["work"]} == {"paused"}
    assert "already" not in laptop.kanmon("history", "resting").out
    refused = laptop.kanmon("pause", "resting", "--reason", "again")
    assert (refused.code, "paused since" in refused.err) == (2, True)
    laptop.must("resume", "resting", "--reason", "it is live")
    assert [one["event"] for one in laptop.must("history", "resting")] == ["paused", "resumed"]
    assert laptop.kanmon("resume", "resting", "--reason", "again").code == 2


def test_what_was_decided_is_shown_again_later(laptop: Laptop) -> None:
    laptop.add_model("monthly", TINY.format(name="monthly", floor=5.0) + MONTHLY)
    laptop.must("publish")
    laptop.must("tick")
    before = at(0)
    laptop.add_model("monthly", TINY.format(name="monthly", floor=6.0))
    laptop.must("publish")

    then, now = laptop.must("plan", "monthly", "--at", before), laptop.must("plan", "monthly")

    assert then["recorded"] <= before
    assert then["work"][0]["next"] is not None
    assert now["work"][0]["next"] is None
    shutil.rmtree(laptop.root / "models" / "monthly")
    laptop.must("remove", "monthly", "--yes")
    assert laptop.must("plan", "monthly", "--at", before) == then
    assert laptop.kanmon("plan", "monthly").code == 2


MONTHLY = 'retrain: {schedule: {cron: "0 6 1 * *", time_zone: Europe/Berlin}}\n'


def test_the_schedule_itself_makes_the_planner_tick(fast: Laptop) -> None:
    fast.add_model("often", TINY.format(name="often", floor=5.0) + MONTHLY)
    fast.must("publish")

    record = eventually(lambda: recorded(fast))

    assert record.startswith("plans/dt=")


def recorded(laptop: Laptop) -> str | None:
    """Where a tick was recorded that nobody called."""
    listed = laptop.client("s3").list_objects_v2(
        Bucket=laptop.outputs["DataBucketName"], Prefix="plans/"
    )
    return next((one["Key"] for one in listed.get("Contents", [])), None)
