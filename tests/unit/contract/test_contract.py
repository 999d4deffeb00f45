"""The run plan, the folders and the end of a step."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import contract.paths
from contract.paths import Paths
from contract.plan import Fairness, Feature, Plan, Split, Trainer
from contract.step import (
    CRASHED,
    MESSAGE_BYTES,
    REFUSED,
    MachineError,
    StepError,
    run_step,
    shorten,
)

CONTAINERS = Path(contract.paths.__file__).parent.parent


def run_document() -> dict[str, Any]:
    return {
        "format": 1,
        "run": "abalone-261121055501-x7k",
        "model": "abalone",
        "champion": None,
        "definition": {
            "content": {
                "task": "regression",
                "target": "rings",
                "positive": None,
                "data": {"delimiter": ";", "null_values": ["", "?"], "key": ["shell"]},
                "features": [
                    {"name": "sex", "kind": "categorical"},
                    {"name": "length", "kind": "numeric", "minimum": 0, "nullable": False},
                ],
                "ignore": ["remark"],
                "split": {"train": 0.7, "validation": 0.15, "test": 0.15},
                "trainer": {
                    "library": "lightgbm",
                    "rounds": 200,
                    "early_stopping_rounds": 20,
                    "seed": 7,
                    "parameters": {"learning_rate": 0.05},
                },
                "metrics": {"primary": "rmse", "also": ["mae", "rmse"]},
                "gate": {
                    "maximum_rejected_share": 0.1,
                    "minimum_segment_rows": 50,
                    "fairness": [{"column": "sex", "metric": "mae", "max_gap": 1}],
                },
                "segments": ["sex"],
                "resources": {"preprocess": {"memory_mb": 512}},
            }
        },
    }


@pytest.mark.parametrize(
    ("written", "positive"),
    [("1.0", "1"), ("-1.0", "-1"), ("007", "007"), ("1.50", "1.50"), ("yes", "yes"), (None, None)],
)
def test_the_positive_value_is_spelled_as_preprocess_spells_classes(
    written: str | None, positive: str | None
) -> None:
    document = run_document()
    document["definition"]["content"]["positive"] = written

    assert Plan.from_document(document).positive == positive


def test_the_plan_gives_every_value_of_the_definition_a_name(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run_document()))

    assert Plan.read(path) == Plan(
        run="abalone-261121055501-x7k",
        model="abalone",
        task="regression",
        target="rings",
        positive=None,
        features=(
            Feature("sex", "categorical"),
            Feature("length", "numeric", minimum=0, nullable=False),
        ),
        key=("shell",),
        ignore=("remark",),
        delimiter=";",
        null_values=("", "?"),
        split=Split(0.7, 0.15, 0.15),
        trainer=Trainer("lightgbm", 200, 20, 7, {"learning_rate": 0.05}),
        primary="rmse",
        metrics=("rmse", "mae"),
        segments=("sex",),
        fairness=(Fairness("sex", "mae", 1.0),),
        minimum_segment_rows=50,
        maximum_rejected_share=0.1,
        memory_mb=512,
        champion=None,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no run plan"),
        ("{", "is not JSON"),
        (json.dumps({"run": "x"}), "has no 'definition'"),
    ],
)
def test_a_broken_plan_reports_what_is_wrong(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(StepError, match=words):
        Plan.read(path)


def test_a_host_knows_its_place_among_the_hosts(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "processing")

    assert paths.host() == (0, 1)

    paths.resources.parent.mkdir()
    paths.resources.write_text(
        json.dumps({"current_host": "algo-2", "hosts": ["algo-3", "algo-2", "algo-1"]})
    )

    assert paths.host() == (1, 3)


@pytest.mark.parametrize(
    ("error", "message", "status"),
    [
        (StepError("data.csv row 3: bad;\nfix it"), "data.csv row 3: bad; fix it", REFUSED),
        (ZeroDivisionError("by nought"), "ZeroDivisionError: by nought", CRASHED),
        (MachineError("s3://b/k cannot be read"), "s3://b/k cannot be read", CRASHED),
        (ConnectionResetError("by peer"), "ConnectionResetError: by peer", CRASHED),
    ],
)
def test_a_failing_step_leaves_one_line_and_says_whether_it_is_its_own_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    message: str,
    status: int,
) -> None:
    monkeypatch.setenv("PROCESSING_ROOT", str(tmp_path / "processing"))

    def main(paths: Paths) -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        run_step(main)

    assert ended.value.code == status
    assert (tmp_path / "output" / "message").read_text() == message
    assert str(error) in capsys.readouterr().err


def test_a_long_message_is_cut_between_letters() -> None:
    short = shorten("é" * 2000)

    assert len(short.encode()) <= MESSAGE_BYTES
    assert short == "é" * (len(short) - 2) + " …"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
def test_a_step_started_as_root_gives_it_up_and_owns_its_outputs(tmp_path: Path) -> None:
    output = tmp_path / "processing" / "output" / "report"
    output.mkdir(parents=True)
    # Where pytest keeps its folders is closed to others.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o711)
    code = (
        "import os; from contract.step import run_step; "
        "run_step(lambda paths: (paths.output('report') / 'who').write_text(str(os.getuid())))"
    )

    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={
            "PROCESSING_ROOT": str(tmp_path / "processing"),
            "KANMON_STEP_UID": "10001",
            "PYTHONPATH": str(CONTAINERS),
        },
    )

    assert (output / "who").read_text() == "10001"
    assert (output / "who").stat().st_uid == 10001


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
def test_a_step_reads_inputs_that_were_mounted_for_root_alone(tmp_path: Path) -> None:
    # Where pytest keeps its folders is closed to others.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o711)
    shards = tmp_path / "processing" / "input" / "train" / "shards"
    shards.mkdir(parents=True)
    (shards / "part").write_text("rows")
    (tmp_path / "secret").write_text("not an input")
    (shards / "link").symlink_to(tmp_path / "secret")
    for path in (shards / "part", tmp_path / "secret"):
        path.chmod(0o600)
    for folder in (shards, shards.parent, shards.parents[1], shards.parents[2]):
        folder.chmod(0o700)
    code = (
        "from contract.step import run_step; run_step(lambda paths: "
        "(paths.output('report') / 'read').write_text("
        "(paths.input('train') / 'shards/part').read_text()))"
    )

    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={
            "PROCESSING_ROOT": str(tmp_path / "processing"),
            "KANMON_STEP_UID": "10001",
            "PYTHONPATH": str(CONTAINERS),
        },
    )

    assert (tmp_path / "processing" / "output" / "report" / "read").read_text() == "rows"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_folder_the_step_may_not_write_to_is_reported_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCESSING_ROOT", str(tmp_path / "processing"))

    def main(paths: Paths) -> None:
        raise PermissionError(13, "Permission denied", "/opt/ml/processing/output/train")

    with pytest.raises(SystemExit):
        run_step(main)

    assert (tmp_path / "output" / "message").read_text() == (
        f"/opt/ml/processing/output/train: user {os.geteuid()} may not use it "
        "(Permission denied); if the platform mounts folders for root, as SageMaker does, "
        "build the image with --build-arg STEP_USER=0:0"
    )
