"""Runs of a local stage in a real MLflow server, read back with MLflow's own client."""

from __future__ import annotations

import getpass
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kanmon.project import Project
from kanmon.stage import tracking
from tests.support.grants import unused
from tests.support.laptop import ROOT, Laptop, deployed, rows
from tests.support.waiting import eventually

pytestmark = pytest.mark.mlflow
READER = Path(__file__).with_name("read_back.py")
ROLE = "RecordExperimentRole"


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage that records its runs on this machine, with one model and its data."""
    root = tmp_path_factory.mktemp("laptop")
    (root / ".venv-mlflow").symlink_to(ROOT / ".venv-mlflow")
    with deployed(root, "--mlflow") as laptop:
        laptop.add_model("calm")
        laptop.put("calm", rows())
        laptop.must("publish")
        yield laptop


@pytest.fixture(scope="module")
def run(laptop: Laptop) -> str:
    """A run with a note, whose release waits."""
    done = laptop.must("run", "calm", "--note", "are <small> trees enough?")
    return str(done["run"])


def address(laptop: Laptop) -> str:
    return str(tracking.choice(laptop.home).uri)


def recorded(laptop: Laptop) -> list[dict[str, Any]]:
    """What MLflow's client reads."""
    python = ROOT / ".venv-mlflow/bin/python"
    done = subprocess.run(
        [str(python), str(READER), address(laptop)], capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


def awaited(laptop: Laptop, run: str, *tags: str) -> dict[str, Any]:
    """The run once it has these tags."""

    def known() -> dict[str, Any] | None:
        found = [one for one in recorded(laptop) if one["name"] == run]
        return next((one for one in found if one["tags"].keys() >= set(tags)), None)

    found: dict[str, Any] = eventually(known, 0.5)
    return found


def again(laptop: Laptop) -> dict[str, Any]:
    """What the schedule does every quarter of an hour."""
    stack = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId="RecordExperimentFunction"
    )
    name = stack["StackResourceDetail"]["PhysicalResourceId"]
    answer = laptop.client("lambda").invoke(FunctionName=name, Payload=b'{"waiting": true}')
    return dict(json.loads(answer["Payload"].read()))


def test_a_run_is_there_with_all_that_is_known_of_it(laptop: Laptop, run: str) -> None:
    found = awaited(laptop, run, "kanmon.release.waits", "kanmon.verdict")
    shown = laptop.must("show", run)

    assert (found["experiment"], found["status"]) == ("kanmon-local/calm", "FINISHED")
    assert found["started"] < found["ended"]
    assert found["params"]["trainer.parameters.num_leaves"] == "7"
    assert found["params"]["trainer.rounds"] == "30"
    tags = found["tags"]
    assert tags["kanmon.verdict"] == "promote"
    assert tags["kanmon.release"] == "calm/1"
    assert tags["kanmon.note"] == tags["mlflow.note.content"] == "are <small> trees enough?"
    assert tags["mlflow.user"] == getpass.getuser()
    record = shown["record"]
    assert (tags["kanmon.data"], tags["kanmon.definition"], tags["kanmon.fingerprint"]) == (
        *(record["snapshot"], record["definition"], record["fingerprint"]),
    )
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", tags["kanmon.image.train"])
    assert tags["kanmon.artifacts"].endswith(f"/runs/calm/{run}/")
    [line] = laptop.objects(f"metrics/model=calm/{run}.json").values()
    measured = {one["name"]: one for one in json.loads(line)["metrics"]}
    for name, one in measured.items():
        assert found["metrics"][name] == [[one["value"], 0]]
        assert found["metrics"][f"{name}.low"] == [[one["low"], 0]]
        assert found["metrics"][f"{name}.high"] == [[one["high"], 0]]


def test_the_command_line_and_the_settings_lead_there(laptop: Laptop, run: str) -> None:
    found = awaited(laptop, run, "kanmon.verdict")
    shown = laptop.must("show", run)

    assert shown["mlflow"].startswith(f"{address(laptop)}/#/experiments/")
    assert shown["mlflow"].endswith(f"/runs/{found['id']}")
    assert laptop.must("env")["MLFLOW_TRACKING_URI"] == address(laptop)


def test_an_event_that_comes_again_changes_nothing(laptop: Laptop, run: str) -> None:
    before = awaited(laptop, run, "kanmon.release.waits", "kanmon.verdict")
    facts = [one for one in laptop.must("notices", "--model", "calm") if one["run"] == run]
    detail = {name: facts[0][name] for name in facts[0] if name not in ("listed_at", "sent")}
    laptop.client("events").put_events(
        Entries=[
            {
                "EventBusName": "kanmon-local",
                "Source": "kanmon",
                "DetailType": detail["event"],
                "Detail": json.dumps(detail),
            }
        ]
    )
    assert again(laptop) == {"recorded": 0, "problem": None}

    assert awaited(laptop, run, "kanmon.release.waits") == before


def test_a_promotion_and_a_monitoring_come_to_the_same_run(laptop: Laptop, run: str) -> None:
    laptop.must("approve", "calm/1", "--watch", "--reason", "good", "--as", "approver")
    promoted = awaited(laptop, run, "kanmon.release.promoted")
    laptop.must("monitor", "calm")
    watched = awaited(laptop, run, "kanmon.monitoring.state")

    assert promoted["tags"]["kanmon.release.status"] == "PROMOTED"
    assert watched["tags"]["kanmon.monitoring.state"] == "no data"
    assert watched["metrics"]["monitoring.rows_captured"] == [[0.0, 0]]
    assert watched["id"] == promoted["id"]


def test_a_server_that_was_down_loses_no_record_and_fails_no_run(laptop: Laptop, run: str) -> None:
    awaited(laptop, run, "kanmon.verdict")
    # So that what waits is taken again at once, and not minutes after it was taken in vain.
    queue = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId="ExperimentsWaiting"
    )["StackResourceDetail"]["PhysicalResourceId"]
    laptop.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    assert tracking.stop(laptop.home)
    missed = laptop.must("run", "calm", "--set", "rounds=20")
    assert missed["status"] == "SUCCEEDED"
    tried = eventually(lambda: (found := again(laptop))["problem"] and found, 0.5)
    assert (tried["recorded"], "did not answer" in tried["problem"]) == (0, True)

    # The same address, and the records of before.
    was = address(laptop)
    assert laptop.must("up")["mlflow"] == was
    eventually(lambda: again(laptop)["recorded"] or _there(laptop, missed["run"]), 0.5)

    found = awaited(laptop, missed["run"], "kanmon.verdict")
    assert found["params"]["trainer.rounds"] == "20"
    assert [one["name"] for one in recorded(laptop)].count(run) == 1
    # All that it may on a stage like this it has done by now.
    of_other_stages = {"sagemaker:CallMlflowAppApi", "secretsmanager:GetSecretValue"}
    left = unused(laptop.home / "state/authorizations.jsonl", [ROLE])
    assert left[ROLE] == of_other_stages


def _there(laptop: Laptop, run: str) -> bool:
    return any(one["name"] == run for one in recorded(laptop))


def test_no_page_of_another_site_may_ask_the_server(laptop: Laptop) -> None:
    asked = urllib.request.Request(  # noqa: S310 - of this machine
        f"{address(laptop)}/api/2.0/mlflow/experiments/get?experiment_id=0",
        headers={"Host": "evil.example.com"},
    )

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(asked, timeout=10)  # noqa: S310


def test_the_server_stops_with_the_stage_and_its_records_go_only_when_all_goes(
    tmp_path: Path,
) -> None:
    (tmp_path / "template.yaml").touch()
    (tmp_path / ".venv-mlflow").symlink_to(ROOT / ".venv-mlflow")
    project = Project(tmp_path)
    laptop = Laptop(tmp_path)
    (tmp_path / "kanmon").mkdir()
    (tmp_path / "samconfig.toml").write_text("[local.deploy.parameters]\n")
    try:
        first = laptop.must("up", "--mlflow")
        assert first["mlflow"] == tracking.choice(project.root / ".kanmon").uri
        laptop.must("down")
        assert (tmp_path / ".kanmon/mlflow/mlflow.db").is_file()
        assert not tracking.stop(tmp_path / ".kanmon")
    finally:
        laptop.must("down", "--erase")
    assert not (tmp_path / ".kanmon").exists()
