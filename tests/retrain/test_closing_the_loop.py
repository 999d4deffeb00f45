"""What closes the loop while nobody looks: labels that come late, and ticks during a deployment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.laptop import TINY, Laptop, deployed, rows
from tests.support.waiting import eventually

PLAN = """
data: {key: [id]}
retrain: {on: [data, quality], quiet_minutes: 10, cool_down_hours: 0}
"""
TEXT = TINY.format(name="tides", floor=5.0) + PLAN


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    parameters = "Stage=local LogRetentionDays=1"
    with deployed(tmp_path_factory.mktemp("loop"), parameters=parameters) as laptop:
        laptop.add_model("tides", TEXT)
        laptop.put_object("tides", keyed(rows(400)))
        laptop.must("run", "tides")
        laptop.must("approve", "tides", "--as", "approver", "--reason", "fine", "--watch")
        laptop.must("tick", "--at", at(0))
        yield laptop


def at(minutes: float) -> str:
    return f"{datetime.now(UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def keyed(table: str, moved: float = 0.0) -> str:
    """With an id for each row, and targets that are so much more."""
    lines = ["id,a,b,y"]
    for number, line in enumerate(table.splitlines()[1:]):
        a, b, y = line.split(",")
        lines.append(f"{number},{a},{b},{float(y) + moved:.4f}")
    return "\n".join(lines) + "\n"


def started(laptop: Laptop, done: dict[str, Any]) -> list[dict[str, Any]]:
    """What it started, once that has ended well."""
    starts: list[dict[str, Any]] = done["starts"]
    machine = laptop.outputs["RetrainStateMachineArn"].replace(":stateMachine:", ":execution:")
    for start in starts:
        ended = laptop.ended(f"{machine}:{start['name']}")
        assert ended["status"] == "SUCCEEDED", ended
    return starts


def test_labels_that_show_lost_quality_retrain_the_model(laptop: Laptop, tmp_path: Path) -> None:
    asked, truth = tmp_path / "asked.csv", tmp_path / "truth.csv"
    asked.write_text(keyed(rows(400, seed=2)))
    truth.write_text(keyed(rows(400, seed=2), moved=4.0))
    laptop.must("score-batch", "tides", str(asked))
    assert laptop.kanmon("monitor", "tides").code == 0
    assert started(laptop, laptop.must("tick", "--at", at(1))) == []

    laptop.must("put-labels", "tides", str(truth))
    assert laptop.kanmon("monitor", "tides").code == 4

    [start] = started(laptop, laptop.must("tick", "--at", at(2)))
    assert start["kinds"] == ["alarm"]
    [fact] = eventually(lambda: laptop.must("notices", "--event", "quality dropped"))
    assert fact["model"] == "tides"
    assert laptop.must("runs", "tides")[0]["reason"].startswith("lost quality found")


def test_ticks_during_a_deployment_start_what_is_due_once(laptop: Laptop) -> None:
    before = {run["run"] for run in laptop.must("runs", "tides")}
    laptop.put_object("tides", keyed(rows(400, seed=3)), name="more.csv")
    eventually(lambda: arrived(laptop.must("tick", "--at", at(0))))
    config = laptop.root / "samconfig.toml"
    config.write_text(config.read_text().replace("Stage=local", "Stage=local PlannedAtOnce=3"))

    with ThreadPoolExecutor(1) as pool:
        deployment = pool.submit(laptop.shell, "deploy")
        ticks = 0
        while not deployment.done():
            laptop.kanmon("tick", "--at", at(11))  # one that fails is one that did not come
            ticks += 1
        assert deployment.result().code == 0
    laptop.must("tick", "--at", at(11))

    assert ticks > 0
    eventually(lambda: all(run["status"] != "RUNNING" for run in laptop.must("runs", "tides")))
    new = [run for run in laptop.must("runs", "tides") if run["run"] not in before]
    assert [run["reason"].partition(":")[0] for run in new] == ["new data"]


def arrived(done: dict[str, Any]) -> bool:
    return any(one["code"] == "data arrives" for one in done["waits"] if one["model"] == "tides")
