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
import train.together
from contract.key_file import read_head
from contract.paths import Paths
from contract.step import StepError
from tests.support.training_cases import document, rows

PARTS = ("train", "validation", "test", "report")
Run = Callable[..., Paths]


class Bucket:
    """An S3 client over contents by key."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803 - boto3's names
        content = self.contents[Key]
        if Range:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        return {"Body": io.BytesIO(content)}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Preprocess files on some hosts, bring what they wrote together, and train."""

    def run(files: list[Any], hosts: int = 2, plan: Any = None) -> Paths:
        contents = {
            f"{number}.csv": frame.write_csv().encode()
            for number, frame in enumerate(files)
            if isinstance(frame, pl.DataFrame)
        }
        contents |= {
            f"{number}.parquet": content
            for number, content in enumerate(files)
            if isinstance(content, bytes)
        }
        monkeypatch.setattr(preprocess.__main__, "s3_client", lambda: Bucket(contents))
        monkeypatch.delenv("AWS_REGION", raising=False)
        learner = Paths(tmp_path / f"of-{hosts}" / "processing")
        names = [f"algo-{number + 1}" for number in range(hosts)]
        for name in names:
            paths = Paths(tmp_path / f"of-{hosts}-{name}" / "processing")
            write(paths.resources, {"current_host": name, "hosts": names})
            objects = [
                {"key": key, "version_id": "null", "size": len(content)}
                for key, content in contents.items()
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


# ---- Rows shared by bytes and row groups


def forgiving(share: float) -> dict[str, Any]:
    """A plan that lets so many rows be rejected."""
    return document(gate={"maximum_rejected_share": share})


def parquet(frame: pl.DataFrame, group: int) -> bytes:
    """A Parquet file with row groups of so many rows."""
    content = io.BytesIO()
    frame.write_parquet(content, row_group_size=group)
    return content.getvalue()


def rows_of(paths: Paths, name: str = "report") -> list[int]:
    """How many rows each host read."""
    files = sorted(paths.input(name).glob("preprocess*.json"))
    return [json.loads(file.read_text())["rows_read"] for file in files]


def everything(paths: Paths) -> pl.DataFrame:
    """All rows that were written, in an order of their own."""
    frames = [pl.read_parquet(paths.input(part) / "*.parquet") for part in PARTS[:3]]
    frame = pl.concat(frames)
    return frame.sort(frame.columns)


def test_one_large_parquet_file_is_shared_by_its_row_groups(run: Run) -> None:
    large = [parquet(rows(count=6_000), group=100), rows(count=40, seed=9)]
    alone, shared = run(large, hosts=1), run(large, hosts=3)

    assert everything(shared).equals(everything(alone))
    assert sum(rows_of(shared)) == 6_040
    assert min(rows_of(shared)) > 1_600


def test_files_of_very_unequal_size_are_dealt_out_by_bytes(run: Run) -> None:
    sizes = (2_000, 30, 1_000, 10, 500, 400, 60)
    files = [rows(count=count, seed=count) for count in sizes]

    shared = run(files, hosts=2)

    assert sorted(rows_of(shared)) == [2_000, 2_000]


def test_a_problem_names_the_row_of_the_file_and_not_of_the_host(run: Run) -> None:
    frame = rows(count=2_000).with_columns(pl.col("size").cast(pl.String))
    bad = frame.with_row_index().with_columns(
        size=pl.when(pl.col("index") == 1_799).then(pl.lit("large")).otherwise("size")
    )
    plan = forgiving(0.0)

    words = [failure_of(run, [parquet(bad.drop("index"), group=100)], n, plan) for n in (1, 2)]

    assert "0.parquet row 1800, column size: 'large' is not a number" in words[0]
    assert words[0] == words[1]


# ---- Keys and rejected rows of all hosts together


KEYED = document()
KEYED["definition"]["content"]["data"] = {"key": ["id"]}


def keyed(frame: pl.DataFrame, first: int = 0) -> pl.DataFrame:
    """The rows with keys that count up."""
    return frame.with_columns(id=pl.int_range(first, first + frame.height).cast(pl.String))


def failure_of(run: Run, files: list[Any], hosts: int, plan: Any) -> str:
    with pytest.raises(StepError) as failure:
        run(files, hosts, plan)
    return str(failure.value)


def without_value(message: str, value: str) -> str:
    return message.replace(f"'{value}' occurs", "occurs")


def test_a_key_that_rows_of_two_hosts_have_is_found(run: Run) -> None:
    files = [keyed(rows(count=300)), keyed(rows(count=300, seed=2), first=299)]

    alone, shared = (failure_of(run, files, hosts, KEYED) for hosts in (1, 2))

    assert shared == (
        "1.csv row 1, column id: occurs 2 times, first in 0.csv row 300; a key must identify one "
        "row: remove the other rows, or add a column to data.key"
    )
    # The hosts compare hashes, so they do not know the value.
    assert shared == without_value(alone, "299")


def test_many_keys_that_hosts_share_are_counted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.together, "ROWS_AT_ONCE", 100)
    files = [keyed(rows(count=300, seed=seed), first=250 * seed) for seed in range(3)]

    message = failure_of(run, files, 3, KEYED)

    assert message.startswith("100 problems with the data: (1) ")
    assert message.count("occurs 2 times") == 5
    assert message.endswith("(6) and 95 more")


def test_hosts_whose_keys_differ_train(run: Run) -> None:
    files = [keyed(rows(count=300, seed=seed), first=300 * seed) for seed in range(3)]

    shared = run(files, 2, KEYED)

    report = shared.input("report")
    kept = sorted(path.name for path in report.glob("keys*"))
    assert kept == ["keys-001.bin", "keys.bin"]
    assert sum(read_head(report / name).rows for name in kept) == 900


def test_damaged_keys_stop_the_train_step(run: Run) -> None:
    files = [keyed(rows(count=300, seed=seed), first=300 * seed) for seed in range(2)]
    shared = run(files, 2, KEYED)
    path = shared.input("report") / "keys-001.bin"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(
        StepError, match=r"keys-001\.bin: these keys, which Preprocess wrote, are damaged"
    ):
        train.__main__.main(shared)


def spoilt(count: int, bad: int) -> pl.DataFrame:
    """Rows of which the first have no number where one is needed."""
    frame = rows(count=count, seed=count).with_columns(pl.col("size").cast(pl.String))
    return (
        frame.with_row_index()
        .with_columns(size=pl.when(pl.col("index") < bad).then(pl.lit("?")).otherwise("size"))
        .drop("index")
    )


def test_the_share_of_rejected_rows_is_that_of_all_hosts_together(run: Run) -> None:
    # A tenth of the second file is bad, which is 40 of 1,000 rows.
    files = [spoilt(600, 0), spoilt(400, 40)]

    run(files, 2, forgiving(0.04))
    messages = [failure_of(run, files, hosts, forgiving(0.039)) for hosts in (1, 2)]

    assert messages[1] == (
        "1.csv row 1 (line 2), column size: '?' is not a number; correct it, leave it empty if "
        "unknown, or change model.yaml (and 39 more like it)"
    )
    assert messages[0] == messages[1]
