"""What a batch wrote, fetched: held to its manifest, and as a spreadsheet that runs no formula."""

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

from kanmon.batches.fetch import as_text, claim, fetch, write_csv
from kanmon.commands import fetch as fetch_command
from kanmon.errors import BadInputError, RunFailedError
from kanmon.project import Project
from kanmon.stage import model_names
from kanmon.terminal.invocation import Invocation
from tests.support.batch_clients import BATCH, Bucket, item, stage


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
        "batch": BATCH,
        "scores": [
            {
                "key": key,
                "rows": 1,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for key, content in objects.items()
        ],
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

    with pytest.raises(RunFailedError, match="is not what the batch wrote") as refused:
        fetch(connection, manifest, tmp_path, "scores", lambda one: None)

    # An earlier version may hold a person who was being forgotten.
    assert "version" not in str(refused.value.fix)
    assert "`kanmon forget` is running, wait for it; if one was interrupted, repeat it" in str(
        refused.value.fix
    )

    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["00000-0000.parquet"]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_scores_of_two_batches_do_not_get_into_one_folder(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    connection, manifest = written
    claim(tmp_path, manifest)
    fetch(connection, manifest, tmp_path, "scores", lambda one: None)
    before = tree(tmp_path)

    # The files of both batches have the same names.
    with pytest.raises(BadInputError, match=f"has batch {BATCH}$"):
        claim(tmp_path, manifest | {"batch": "churn-261123055501-b7h"})

    assert tree(tmp_path) == before


def test_a_folder_that_names_no_batch_is_known_by_its_files(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    """As an older Kanmon left it."""
    connection, manifest = written
    fetch(connection, manifest, tmp_path, "scores", lambda one: None)
    first, second = manifest["scores"]
    before = tree(tmp_path)

    with pytest.raises(BadInputError, match=r"00001-0000\.parquet, which is not of this batch"):
        claim(tmp_path, manifest | {"scores": [first]})
    with pytest.raises(BadInputError, match=r"00001-0000\.parquet, which is not of this batch"):
        claim(tmp_path, manifest | {"scores": [first, second | {"sha256": "0" * 64}]})

    assert tree(tmp_path) == before
    claim(tmp_path, manifest)


def test_rejects_of_another_batch_are_not_kept_beside_scores(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    _, manifest = written
    (tmp_path / "rejects").mkdir()
    (tmp_path / "rejects" / "00000-0000.parquet").write_bytes(part([{"row": 1}]))

    with pytest.raises(BadInputError, match=r"rejects has 00000-0000\.parquet, which is not of"):
        claim(tmp_path, manifest)


def test_a_batch_that_changed_since_is_fetched_into_its_folder_again(
    tmp_path: Path, written: tuple[Any, dict[str, Any]]
) -> None:
    """A row of it was forgotten."""
    connection, manifest = written
    claim(tmp_path, manifest)
    fetch(connection, manifest, tmp_path, "scores", lambda one: None)
    one = manifest["scores"][0]
    content = part([{"id": "8", "file": "a.csv", "row": 2, "prediction": 0.5}])
    connection.s3.objects[one["key"]] = content
    one |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    claim(tmp_path, manifest)
    paths = fetch(connection, manifest, tmp_path, "scores", lambda one: None)

    assert paths[0].read_bytes() == content


@pytest.mark.parametrize("content", [b"{}", b"[]", b"{", b"\xff"])
def test_a_manifest_of_something_else_is_not_replaced(
    tmp_path: Path, written: tuple[Any, dict[str, Any]], content: bytes
) -> None:
    (tmp_path / "manifest.json").write_bytes(content)

    with pytest.raises(BadInputError, match="is not the manifest of a batch"):
        claim(tmp_path, written[1])

    assert (tmp_path / "manifest.json").read_bytes() == content


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
    manifest |= {
        "batch": BATCH,
        "rejects": [],
        "model": "churn",
        "release": {"number": 7},
        "rows": {},
    }
    said: list[str] = []
    documents: list[dict[str, Any]] = []
    screen = SimpleNamespace(
        say=said.append, live=lambda text: None, settle=lambda: None, document=documents.append
    )
    invocation = SimpleNamespace(connection=connection, screen=screen)
    monkeypatch.setattr(fetch_command, "current", lambda: invocation)
    monkeypatch.setattr(fetch_command, "_chosen", lambda invocation, named: named)
    monkeypatch.setattr(fetch_command, "_manifest", lambda invocation, batch: manifest)

    callback = fetch_command.command.callback
    assert callback is not None
    callback(BATCH, tmp_path, True, True)
    with pytest.raises(BadInputError, match=f"has batch {BATCH}"):
        manifest |= {"batch": "churn-261123055501-b7h"}
        callback("churn", tmp_path, True, True)

    assert [path.name for path in tmp_path.glob("*.csv")] == [f"{BATCH}-scores.csv"]
    assert said[-1] == "Rejects   no rows, so no file"
    assert [one["rows"] for one in documents[0]["csv"]] == [2]


def test_of_a_model_it_is_said_which_batch_is_fetched_and_which_are_newer(
    kanmon: Any, project: Project, monkeypatch: pytest.MonkeyPatch, written: Any
) -> None:
    bucket, manifest = written
    manifest |= {"batch": BATCH, "model": "churn", "release": {"number": 7}, "rows": {}}
    bucket.s3.objects[f"batches/churn/{BATCH}/manifest.json"] = json.dumps(manifest).encode()
    connection = stage(
        item(BATCH, status="SUCCEEDED", asked_at="2026-11-22T05:55:01Z"),
        item("churn-later", status="FAILED", asked_at="2026-11-23T05:55:01Z"),
    )
    connection.s3, connection.bucket = bucket.s3, bucket.bucket
    monkeypatch.setattr(Invocation, "connection", connection)
    monkeypatch.setattr(model_names, "known_models", lambda *of: ["churn"])

    fetched = kanmon("fetch", "churn")
    misspelt = kanmon("fetch", "chrun")
    unknown = kanmon("fetch", "wine")

    assert fetched.stdout.splitlines()[0] == f"Batch     {BATCH}, the newest of churn that is done"
    assert "Newer and not done: churn-later." in fetched.stderr
    assert len([*(project.root / BATCH / "scores").iterdir()]) == 2
    assert (misspelt.exit_code, unknown.exit_code) == (2, 2)
    assert "there is no batch or model 'chrun'" in misspelt.stderr
    assert "Did you mean the model churn?" in misspelt.stderr
    assert "`kanmon batches MODEL" in unknown.stderr
    assert "Did you mean" not in unknown.stderr


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
