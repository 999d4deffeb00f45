"""What the command line makes of batches: requests, records, progress and downloads."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.parse import parse_definition
from kanmon.batches.checks import check_columns, check_source
from kanmon.batches.fetch import as_text, fetch, write_csv
from kanmon.batches.outcome import describe
from kanmon.batches.progress import Progress, Shards
from kanmon.batches.records import batch_named, batches_of, find_batch, latest_batches
from kanmon.batches.request import batch_input, resumption, source_of
from kanmon.commands import fetch as fetch_command
from kanmon.commands.batches import row
from kanmon.errors import BadInputError, RunFailedError
from kanmon.labels.files import last_report
from kanmon.runs.execution import Ending
from tests.support.standin import Stage, refusal

BATCH = "churn-261122055501-b7h"


# ---- The request


@pytest.mark.parametrize(
    ("words", "prefix", "objects"),
    [
        ([], None, ()),
        (["ours/"], "ours/", ()),
        (["s3://data/ours/"], "ours/", ()),
        (["ours/a.csv", "s3://data/ours/b.csv"], None, ("ours/a.csv", "ours/b.csv")),
    ],
)
def test_what_is_in_the_data_bucket_is_named_by_folder_or_by_file(
    words: list[str], prefix: str | None, objects: tuple[str, ...]
) -> None:
    source = source_of(words, "data")

    assert (source.files, source.prefix, source.objects) == ([], prefix, objects)


def test_local_files_are_uploaded_whatever_the_bucket_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x\n1\n")

    [file] = source_of(["a.csv"], "data").files

    assert file.name == "a.csv"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["missing.csv"], "there is no file missing.csv"),
        (["a.csv", "ours/b.csv"], "ours/b.csv is not there locally, and a.csv is"),
        (["folder/"], "the local folder folder is empty"),
        (["mixed/"], "mixed/notes.txt is not a data file"),
        (["deep"], "deep/er is a folder in a folder"),
        (["/no/such.csv"], "there is no file /no/such.csv"),
        (["/no/such/"], "there is no folder /no/such/"),
        (["_a.csv"], "_a.csv is hidden: no step reads a file whose name begins with . or _"),
        (["runs/churn/"], "runs/ is Kanmon's own and is not scored"),
        (["ours/", "theirs/"], "a batch scores one folder, or files"),
        (["s3://other/ours/"], "s3://other/ours/ is not in the stage's data bucket data"),
        (["empty.csv"], "empty.csv is empty"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    words: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "empty.csv").write_text("")
    for folder in ("folder", "mixed", "deep/er"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("_a.csv", "mixed/a.csv", "mixed/notes.txt"):
        (tmp_path / name).write_text("x\n1\n")

    with pytest.raises(BadInputError) as raised:
        source_of(words, "data")

    assert raised.value.what == problem
    assert raised.value.fix


def test_a_local_folder_is_all_of_its_files_and_s3_names_the_buckets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    for name in ("b.parquet", "a.csv", "_SUCCESS", ".a.csv.crc"):
        (tmp_path / "ours" / name).write_text("x\n1\n")

    local = source_of(["ours/"], "data")
    stored = source_of(["s3://data/ours/"], "data")

    assert ([one.name for one in local.files], local.prefix) == (["a.csv", "b.parquet"], None)
    assert (stored.files, stored.prefix) == ([], "ours/")


def planned(status: str, *executions: str, plan: bytes | None = b"{}") -> Any:
    """A stage with a batch, which these executions worked on and ended so."""
    found = stage(item(BATCH, status="FAILED", execution=BATCH))
    found.stepfunctions = Machine(BATCH, *executions, status=status)
    found.s3 = Bucket({f"batches/churn/{BATCH}/plan.json": plan} if plan else {})
    found.bucket = "data"
    return found


@pytest.mark.parametrize(
    ("executions", "name"),
    [
        ((), f"{BATCH}-r2"),
        # The second was stopped before it took the batch, which counts no attempt of it.
        ((f"{BATCH}-r2",), f"{BATCH}-r3"),
    ],
)
def test_a_batch_is_resumed_under_a_name_that_is_free(
    executions: tuple[str, ...], name: str
) -> None:
    connection = planned("ABORTED", *executions)

    assert resumption(connection, find_batch(connection, BATCH)) == name


@pytest.mark.parametrize(
    ("status", "plan", "problem"),
    [
        ("RUNNING", b"{}", f"batch {BATCH} is still running"),
        ("FAILED", None, f"batch {BATCH} ended before it was planned"),
    ],
)
def test_what_cannot_be_resumed_starts_nothing(
    status: str, plan: bytes | None, problem: str
) -> None:
    connection = planned(status, plan=plan)

    with pytest.raises(BadInputError, match=problem):
        resumption(connection, find_batch(connection, BATCH))


def test_a_request_says_only_what_was_asked() -> None:
    nothing = batch_input("churn", "manual", source_of([], "data"), None, (), None, None)
    everything = batch_input("churn", "why", source_of(["ours/"], "data"), None, ("tenure",), 0, 2)

    assert nothing == {"model": "churn", "reason": "manual"}
    assert everything == {
        "model": "churn",
        "reason": "why",
        "prefix": "ours/",
        "allow_missing": ["tenure"],
        "explain": 0,
        "hosts": 2,
    }


def refusing(**request: Any) -> Any:
    raise refusal("AccessDenied")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nothing/here/"], "there is no folder nothing/here/, locally or in the data bucket data"),
        (["ours/a"], "there is no file ours/a, locally or in the data bucket data"),
        (["ours/"], None),
        (["ours/a.csv"], None),
    ],
)
def test_a_batch_of_nothing_in_the_bucket_is_refused_before_it_begins(
    words: list[str], problem: str | None
) -> None:
    connection: Any = SimpleNamespace(s3=Bucket({"ours/a.csv": b""}), bucket="data")

    if problem is None:
        check_source(connection, source_of(words, "data"))
        return
    with pytest.raises(BadInputError) as raised:
        check_source(connection, source_of(words, "data"))
    assert raised.value.what == problem


def test_who_may_not_list_the_bucket_may_still_ask_for_a_batch() -> None:
    refuses = SimpleNamespace(paginate=refusing)
    s3 = SimpleNamespace(get_paginator=lambda operation: refuses)
    connection: Any = SimpleNamespace(s3=s3, bucket="data")

    check_source(connection, source_of(["ours/"], "data"))


def test_a_column_that_the_release_does_not_read_is_refused_before_a_batch_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = """
        {name: churn, task: binary, target: left, positive: "yes", data: {key: [id]},
         features: [{name: tenure, kind: numeric}], metrics: {primary: auc}}
    """
    definition = parse_definition(text, "model.yaml")
    monkeypatch.setattr("kanmon.batches.checks.definition_of", lambda *asked: definition)
    connection: Any = SimpleNamespace()

    check_columns(connection, "churn", 7, ["tenure"])
    with pytest.raises(BadInputError) as raised:
        check_columns(connection, "churn", 7, ["tenure", "tenur"])

    assert raised.value.what == "--allow-missing 'tenur' is no column that the release reads"
    assert raised.value.fix == "Did you mean tenure?"


# ---- Records


def item(batch: str, **fields: Any) -> dict[str, Any]:
    return {"model": "churn", "item": f"batch#{batch}", **fields}


class Machine:
    """Step Functions' client, which knows these executions."""

    def __init__(self, *names: str, status: str = "RUNNING") -> None:
        self._names, self._status = names, status

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        if request["executionArn"].rpartition(":")[2] not in self._names:
            raise refusal("ExecutionDoesNotExist")
        return {"status": self._status}


def stage(*items: dict[str, Any], executions: tuple[str, ...] = ()) -> Any:
    found: Any = Stage(list(items))
    found.stepfunctions = Machine(*executions)
    found.outputs = {"ScoreStateMachineArn": "arn"}
    found.batch_execution_arn = lambda name: f"arn:aws:states:execution:score:{name}"
    return found


def test_batches_are_listed_newest_first_without_bookkeeping() -> None:
    older = item(BATCH, asked_at="2026-11-22T05:55:01Z", answer="{}", told="x")
    newer = item("churn-261123055501-b7h", asked_at="2026-11-23T05:55:01Z")

    found = batches_of(stage(older, newer), "churn", 20)

    assert [one.batch[:12] for one in found] == ["churn-261123", "churn-261122"]
    assert found[1].document() == {
        "batch": BATCH,
        "model": "churn",
        "asked_at": "2026-11-22T05:55:01Z",
    }


def test_the_batches_of_all_models_are_one_list() -> None:
    theirs = {"model": "abalone", "item": "batch#abalone-1", "asked_at": "2026-11-23T05:55:01Z"}
    connection = stage(item(BATCH, asked_at="2026-11-22T05:55:01Z"), theirs)

    found = latest_batches(connection, ["abalone", "churn"], 20)

    assert [one.name for one in found] == ["abalone-1", BATCH]


@pytest.mark.parametrize(
    ("execution", "word"),
    [("RUNNING", "running"), ("ABORTED", "stopped"), ("TIMED_OUT", "took too long")],
)
def test_a_batch_whose_execution_ended_unseen_is_not_listed_as_running(
    execution: str, word: str
) -> None:
    connection = stage(item(BATCH, status="RUNNING", asked_at="2026-11-22T05:55:01Z"))
    connection.stepfunctions = Machine(BATCH, status=execution)

    [listed] = batches_of(connection, "churn", 20)

    assert row(listed)[2] == word


def test_a_name_is_a_batchs_by_its_record_or_by_its_execution() -> None:
    assert batch_named(stage(item(BATCH, status="FAILED")), BATCH).status == "FAILED"
    assert batch_named(stage(executions=(BATCH,)), BATCH).model == "churn"
    assert batch_named(stage(), BATCH) is None
    assert batch_named(stage(), "churn") is None


def test_a_line_shows_counts_or_why_there_are_none() -> None:
    fields = {"asked_at": "2026-11-22T05:55:01Z", "release": 7}
    [scored] = batches_of(
        stage(item(BATCH, status="SUCCEEDED", rows=1204, rejected=0, **fields)), "churn", 1
    )
    [failed] = batches_of(
        stage(item(BATCH, status="FAILED", summary="no\nrows", **fields)), "churn", 1
    )

    assert row(scored)[3:] == ["1,204", "0", "7", ""]
    assert row(failed)[3:] == ["", "", "7", "no rows"]


# ---- Progress


class Bucket:
    """S3's client over objects in memory."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.read: list[str] = []

    def get_object(self, **request: Any) -> dict[str, Any]:
        key = request["Key"]
        if key not in self.objects:
            raise refusal("NoSuchKey")
        self.read.append(key)
        body = io.BytesIO(self.objects[key])
        chunks = SimpleNamespace(read=body.read, iter_chunks=lambda size: [body.read()])
        return {"Body": chunks}

    def get_paginator(self, operation: str) -> Any:
        def pages(**request: Any) -> list[Any]:
            keys = [key for key in self.objects if key.startswith(request["Prefix"])]
            return [{"Contents": [{"Key": key} for key in keys]}]

        return SimpleNamespace(paginate=pages)


def test_shards_are_counted_as_their_records_come_and_each_is_read_once() -> None:
    folder = f"batches/churn/{BATCH}"
    bucket = Bucket({})
    connection: Any = SimpleNamespace(s3=bucket, bucket="data")
    shards = Shards(connection, "churn", BATCH)
    assert shards.look() is None

    bucket.objects[f"{folder}/shards.json"] = b'{"shards": [{}, {}, {}]}'
    assert shards.look() == "shard 0 of 3, 0 rows"
    for number in (0, 2):
        name = f"{folder}/done/0000{number}.json"
        bucket.objects[name] = b'{"files": [{"rows_in": 600}, {"rows_in": 2}]}'
        shards.look()

    assert shards.look() == "shard 2 of 3, 1,204 rows"
    assert len(bucket.read) == len(set(bucket.read)) == 3


def test_progress_off_a_terminal_reads_no_records() -> None:
    screen: Any = SimpleNamespace(watched=lambda: False, live=lambda text: None)
    shards: Any = SimpleNamespace(look=lambda: pytest.fail("it looked"))
    visit: Any = SimpleNamespace(
        state="Score Rows", seconds=lambda now: 1.0, ended=None, attempts=1
    )

    Progress(screen, shards)([visit])


# ---- The end


@pytest.mark.parametrize("planned", [True, False])
def test_a_batch_that_was_stopped_says_so_and_is_resumed_only_if_it_was_planned(
    planned: bool,
) -> None:
    ending = Ending("ABORTED", {}, "Stopped", "enough", 3.0)
    bucket = Bucket({f"batches/churn/{BATCH}/plan.json": b"{}"} if planned else {})
    connection: Any = SimpleNamespace(name="local", s3=bucket, bucket="data")

    outcome = describe(connection, "churn", BATCH, ending)

    assert outcome.exit_code == 1
    assert outcome.problem.startswith(f"batch {BATCH} was stopped: enough.")
    assert (f"`kanmon logs {BATCH}`" in outcome.problem) is planned
    assert (f"`kanmon score-batch churn --resume {BATCH}`" in outcome.problem) is planned


LACKS = "score: a.csv, column age: is missing; score without it with `--allow-missing age`"
CORRECT = "Correct the files and start a new batch: a resume fails again."
ALLOW = (
    "Correct the files, or allow what they lack with --allow-missing NAME, and start a new batch: "
    "a resume fails again."
)
RESUME = f"`kanmon score-batch churn --resume {BATCH}` scores what is missing."


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        (LACKS, ALLOW),
        ("score: a.csv is damaged Parquet; write it again", CORRECT),
        ("score: a.csv row 3 (line 4): has 2 cells; give it 3", CORRECT),
        ("score: 2 problems with the data: (1) a.csv, column size: is missing", CORRECT),
        ("score: the plan is damaged; start a new batch", "shows its job's log."),
        ("score: the disk is full; raise volume_gb of this step", RESUME),
        # A file named like the beginning of the platform's own words, and the words.
        ("a.csv is what stopped it", RESUME),
    ],
)
def test_a_failed_batch_says_what_helps(cause: str, advice: str) -> None:
    plan = b'{"objects": [{"key": "ours/a.csv"}, {"key": "ours/b.csv"}]}'
    bucket = Bucket({f"batches/churn/{BATCH}/plan.json": plan})
    connection: Any = SimpleNamespace(name="local", s3=bucket, bucket="data")

    outcome = describe(connection, "churn", BATCH, Ending("FAILED", {}, "x", cause, 3.0))

    assert outcome.problem.endswith(f" {advice}")
    assert ("--resume" in outcome.problem) is (advice == RESUME)


# ---- Reports


def test_the_newest_report_is_that_of_the_last_monitoring_whatever_its_name() -> None:
    contents = {f"monitoring/churn/{name}/report.json": {"monitoring": name} for name in "ab"}
    bucket = Bucket({key: json.dumps(one).encode() for key, one in contents.items()})
    stored = [{"Key": key, "LastModified": -at} for at, key in enumerate(contents)]
    pages = SimpleNamespace(paginate=lambda **request: [{"Contents": stored}])
    bucket.get_paginator = lambda operation: pages  # type: ignore[method-assign]
    connection: Any = SimpleNamespace(s3=bucket, bucket="data")

    assert last_report(connection, "churn") == {"monitoring": "a"}


# ---- Downloads


def part(rows: list[dict[str, Any]]) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(rows).write_parquet(content)
    return content.getvalue()


@pytest.fixture
def written() -> tuple[Any, dict[str, Any]]:
    """A connection to what a batch wrote, and its manifest."""
    rows = [
        [{"id": "=1+1", "file": "a.csv", "row": 1, "prediction": -0.5}],
        [{"id": "-7", "file": "b.csv", "row": 1, "prediction": 0.25}],
    ]
    objects = {f"batches/churn/{BATCH}/scores/0000{at}-0000.parquet": part(one)
               for at, one in enumerate(rows)}  # fmt: skip
    manifest = {
        "scores": [
            {
                "key": key,
                "rows": 1,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for key, content in objects.items()
        ]
    }
    return SimpleNamespace(s3=Bucket(objects), bucket="data"), manifest


def test_a_batch_is_fetched_once_and_held_to_its_manifest(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    connection, manifest = written
    seen: list[str] = []

    first = fetch(connection, manifest, tmp_path, "scores", lambda one: seen.append(one.what))
    again = fetch(connection, manifest, tmp_path, "scores", lambda one: seen.append(one.what))

    assert first == again == sorted((tmp_path / "scores").iterdir())
    assert seen == ["downloaded", "downloaded", "unchanged", "unchanged"]


def test_what_is_not_what_the_batch_wrote_is_refused_and_not_kept(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    connection, manifest = written
    manifest["scores"][1]["sha256"] = "0" * 64

    with pytest.raises(RunFailedError, match="is not what the batch wrote"):
        fetch(connection, manifest, tmp_path, "scores", lambda one: None)

    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["00000-0000.parquet"]


def test_scores_of_two_batches_do_not_get_into_one_folder(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    connection, manifest = written
    fetch(connection, manifest, tmp_path, "scores", lambda one: None)
    manifest["scores"].pop()

    with pytest.raises(BadInputError, match=r"00001-0000\.parquet, which is not of this batch"):
        fetch(connection, manifest, tmp_path, "scores", lambda one: None)


def test_what_has_expired_is_said_so(tmp_path: Path, written: tuple[Any, dict[str, Any]]) -> None:
    connection, manifest = written
    connection.s3.objects.clear()

    with pytest.raises(RunFailedError, match="does not exist any more"):
        fetch(connection, manifest, tmp_path, "scores", lambda one: None)


def test_a_spreadsheet_has_every_row_and_runs_no_formula(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    connection, manifest = written
    paths = fetch(connection, manifest, tmp_path, "scores", lambda one: None)

    rows = write_csv(paths, tmp_path / "all.csv")

    with (tmp_path / "all.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.reader(file))
    assert rows == 2
    assert found == [
        ["id", "file", "row", "prediction"],
        ["'=1+1", "a.csv", "1", "-0.5"],
        ["-7", "b.csv", "1", "0.25"],
    ]


def test_a_spreadsheet_of_files_without_and_with_a_key_keeps_their_columns_apart(
    tmp_path: Path,
) -> None:
    earlier, later = tmp_path / "0.parquet", tmp_path / "1.parquet"
    pl.DataFrame({"file": ["a.csv"], "row": [1]}).write_parquet(earlier)
    pl.DataFrame({"id": ["7"], "file": ["b.csv"], "row": [2]}).write_parquet(later)

    write_csv([earlier, later], tmp_path / "all.csv")

    text = (tmp_path / "all.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["id,file,row", ",a.csv,1", "7,b.csv,2"]


def test_where_no_row_was_rejected_there_is_no_empty_spreadsheet(
    written: tuple[Any, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, manifest = written
    manifest |= {"rejects": [], "model": "churn", "release": {"number": 7}, "rows": {}}
    said: list[str] = []
    documents: list[dict[str, Any]] = []
    screen = SimpleNamespace(
        say=said.append, live=lambda text: None, settle=lambda: None, document=documents.append
    )
    invocation = SimpleNamespace(connection=connection, screen=screen)
    monkeypatch.setattr(fetch_command, "current", lambda: invocation)
    monkeypatch.setattr(fetch_command, "_manifest", lambda invocation, batch: manifest)

    callback = fetch_command.command.callback
    assert callback is not None
    callback(BATCH, tmp_path, True, True)

    assert [path.name for path in tmp_path.glob("*.csv")] == [f"{BATCH}-scores.csv"]
    assert said[-1].strip() == "no rows, so no CSV file"
    assert [one["rows"] for one in documents[0]["csv"]] == [2]


@given(text=st.text())
def test_no_text_begins_like_a_formula_unless_it_is_a_number(text: str) -> None:
    shown = as_text(text)

    assert shown.replace("'", "") == text.replace("'", "")
    if any(cell.startswith(("=", "+", "-", "@")) for cell in cells_anywhere(shown)):
        float(shown.replace(",", "."))


@pytest.mark.parametrize("before", ["", " ", "x;", "x; ", 'x;"";', "x\n", "x\t", "x\r\n"])
def test_no_cell_within_a_text_begins_like_a_formula(before: str) -> None:
    """A program that takes semicolons for the ends of cells ignores quotes in the middle of one."""
    shown = as_text(f"{before}=HYPERLINK(A1)")

    assert not [cell for cell in cells_anywhere(shown) if cell.startswith("=")]


def cells_anywhere(text: str) -> list[str]:
    """The cells as any of these programs may see them."""
    return [cell.lstrip(" ") for cell in re.split("[;\t\r\n]", text)]
