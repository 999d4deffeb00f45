"""What a batch is asked for: words, files, a name, and what is refused before it begins."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.definition.parse import parse_definition
from kanmon.batches.checks import check_columns, check_source
from kanmon.batches.records import find_batch
from kanmon.batches.request import batch_input, resumption, source_of
from kanmon.errors import BadInputError
from tests.support.batch_clients import BATCH, Bucket, Machine, item, stage
from tests.support.standin import refusal


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
