"""Two hosts preprocess, one trains and evaluates: the same findings as if one had seen all rows."""

import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import evaluate.__main__
import preprocess.__main__
import train.__main__
from contract.paths import Paths
from contract.step import StepError
from tests.support.training_cases import document, rows

PARTS = ("train", "validation", "test", "report")
Run = Callable[..., Paths]


class Bucket:
    """An S3 client over texts by key."""

    def __init__(self, contents: Mapping[str, str]) -> None:
        self.contents = contents

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        return {"Body": io.BytesIO(self.contents[Key].encode())}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Preprocess files on some hosts, bring what they wrote together, and train."""

    def run(files: list[pl.DataFrame], hosts: int = 2, plan: Any = None) -> Paths:
        contents = {f"{number}.csv": frame.write_csv() for number, frame in enumerate(files)}
        monkeypatch.setattr(preprocess.__main__, "s3_client", lambda: Bucket(contents))
        monkeypatch.delenv("AWS_REGION", raising=False)
        learner = Paths(tmp_path / f"of-{hosts}" / "processing")
        names = [f"algo-{number + 1}" for number in range(hosts)]
        for name in names:
            paths = Paths(tmp_path / f"of-{hosts}-{name}" / "processing")
            write(paths.resources, {"current_host": name, "hosts": names})
            objects = [
                {"key": key, "version_id": "null", "size": len(text.encode())}
                for key, text in contents.items()
            ]
            write(paths.input("snapshot") / "s.json", {"bucket": "data", "objects": objects})
            write(paths.run_plan, plan or document())
            preprocess.__main__.main(paths)
            for part in PARTS:
                target = learner.input(part)
                shutil.copytree(paths.output(part), target, dirs_exist_ok=True)
        write(learner.run_plan, plan or document())
        train.__main__.main(learner)
        return learner

    return run


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def evaluated(paths: Paths, champion: Paths) -> dict[str, Any]:
    """Evaluate a run against one that is its champion."""
    shutil.copytree(paths.output("model"), paths.input("model"))
    shutil.copytree(champion.output("model"), paths.input("champion"))
    shutil.copytree(champion.input("report"), paths.input("champion-report"))
    training = json.loads((champion.output("model") / "training.json").read_text())
    digest = {"model_sha256": training["model_sha256"]}
    plan = document(champion={"run": "r-0", "package_arn": "arn:x", "version": 1, **digest})
    write(paths.run_plan, plan)
    evaluate.__main__.main(paths)
    found: dict[str, Any] = json.loads((paths.output("evaluation") / "evaluation.json").read_text())
    return found


def sorted_files() -> list[pl.DataFrame]:
    """Files cut by a feature's values, so that each host sees another part of the distribution."""
    frame = rows(count=900).sort("size")
    return [frame[start : start + 225] for start in (0, 450, 225, 675)]


def test_the_reports_of_two_hosts_say_what_one_would(run: Run) -> None:
    alone, shared = run(sorted_files(), hosts=1), run(sorted_files(), hosts=2)

    evaluation = evaluated(shared, champion=alone)

    assert sorted(path.name for path in shared.input("report").iterdir()) == [
        *("baseline-001.json", "baseline.json"),
        *("census-001.json", "census.json"),
        *("preprocess-001.json", "preprocess.json"),
    ]
    assert evaluation["rows"] == {
        part: pl.read_parquet(alone.input(part) / "*.parquet").height for part in PARTS[:3]
    }
    assert evaluation["data"]["rows_read"] == 900
    assert evaluation["data"]["warnings"] == []
    # The first host saw the lower half of the sizes only.
    drift = {entry["feature"]: entry for entry in evaluation["data"]["drift"]}
    assert drift["colour"]["psi"] == pytest.approx(0, abs=1e-12)
    assert max(entry["psi"] for entry in drift.values()) < 0.01
    assert all(entry["missing_before"] == entry["missing_now"] for entry in drift.values())


def test_a_champion_that_several_hosts_prepared_is_compared_by_all_its_rows(run: Run) -> None:
    alone, shared = run(sorted_files(), hosts=1), run(sorted_files(), hosts=2)

    drift = evaluated(alone, champion=shared)["data"]["drift"]

    assert max(entry["psi"] for entry in drift) < 0.01


def test_a_value_only_one_host_trains_on_is_no_warning_for_the_other(run: Run) -> None:
    red = rows(count=300, seed=1, categories=("red",))
    blue = rows(count=300, seed=2, categories=("blue",))
    alone, shared = run([red, blue], hosts=1), run([red, blue], hosts=2)

    assert evaluated(shared, champion=alone)["data"]["warnings"] == []


CLASSES = document("multiclass", features={"n": "numeric"}, target="y")


def classes(*names: str) -> pl.DataFrame:
    """A file with 60 rows of each class."""
    numbers = range(60 * len(names))
    return pl.DataFrame({"n": numbers, "y": [names[n % len(names)] for n in numbers]})


@pytest.mark.parametrize(
    ("files", "plan", "message"),
    [
        (
            [rows(count=50, missing=False).with_columns(target=pl.lit(7.0))] * 2,
            document(),
            r"^column target: '7' is the target's value in every row, so there is nothing to learn",
        ),
        (
            [classes("a"), classes("a")],
            CLASSES,
            r"^column y: 'a' is the target's value in every row",
        ),
        (
            [classes("a", "b"), pl.concat([classes("a"), pl.DataFrame({"n": [-1], "y": ["c"]})])],
            CLASSES,
            r"^column y: 'c' is a class with one row, which cannot be in both training and test",
        ),
        (
            # Rows with the same features fall to one part, here not to training.
            [classes("a", "b"), pl.DataFrame({"n": [-6] * 5, "y": ["c"] * 5})],
            CLASSES,
            r"^column y: 'c' is a class with 5 rows, none of them in training",
        ),
        (
            [pl.DataFrame({"n": [1, 1], "y": ["a", "b"]})] * 2,
            CLASSES,
            r"none of the 4 rows is in \w+ or \w+; add rows",
        ),
        (
            [rows(count=50).with_columns(size=pl.lit(None, pl.Float32))] * 2,
            document(),
            r"^column size: is missing in every row; fill it in",
        ),
    ],
)
def test_what_only_all_rows_together_show_stops_the_train_step(
    run: Run, files: list[pl.DataFrame], plan: Any, message: str
) -> None:
    with pytest.raises(StepError, match=message) as failure:
        run(files, plan=plan)

    assert failure.traceback[-1].name == "check_dataset"


def test_every_class_may_live_on_one_host(run: Run) -> None:
    run([classes("a"), classes("b")], plan=CLASSES)


def test_a_part_without_rows_still_has_a_file_so_that_the_next_job_starts(run: Run) -> None:
    with pytest.raises(StepError, match="none of the 3 rows is in") as failure:
        run([pl.DataFrame({"n": [1], "y": ["a"]})] * 3, plan=CLASSES)

    report = failure.traceback[-1].frame.f_locals["report"]
    empty = [part for part in PARTS if not list((report.parent / part).iterdir())]
    assert empty == []


def test_more_hosts_than_files_is_no_problem(run: Run) -> None:
    run([rows(count=300)], hosts=3)
