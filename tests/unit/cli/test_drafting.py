"""A table becomes a definition that validates, with reasons."""

import csv
import gzip
import json
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.plan import Plan
from core.definition.parse import parse_definition
from core.definition.yaml_lines import read_marked
from core.words.widths import width
from kanmon.errors import BadInputError
from kanmon.models.drafting import model_file, yaml_text
from kanmon.models.drafting.columns import Column, Ignored
from kanmon.models.drafting.draft import draft_model
from preprocess.pipeline import preprocess
from reading.source import SourceFile


def write(path, columns, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def leads(tmp_path):
    """100 rows with a key, numbers with holes, a category, a constant and free text."""
    count = range(100)
    return write(
        tmp_path / "leads.csv",
        {
            "lead_id": [f"L{i}" for i in count],
            "age": ["?" if i % 10 == 0 else str(20 + i % 50) for i in count],
            "region": [("north", "south", "east")[i % 3] for i in count],
            "source": ["web"] * 100,
            "remark": [f"called on day {i}" for i in count],
            "bought": ["yes" if i % 4 == 0 else "no" for i in count],
        },
        delimiter=";",
    )


def test_a_table_is_drafted_whole(leads):
    draft = draft_model("leads", leads, "bought")

    assert (draft.delimiter, draft.null_values, draft.key) == (";", ["", "NA", "?"], ["lead_id"])
    assert (draft.task, draft.target.positive, draft.target.primary) == ("binary", "yes", "auc")
    assert draft.features == [
        Column("age", "numeric", "21 to 69, 10 % missing"),
        Column("region", "categorical", draft.features[1].seen),
    ]
    assert draft.ignored == [
        Ignored("source", "always web"),
        Ignored("remark", "100 different texts: more like names than categories"),
    ]
    assert draft.segments == ["region"]


@pytest.mark.parametrize("name", ["物件番号", "顧客ID", "customerId", "order_no"])
def test_a_column_named_like_an_identifier_is_the_key_where_it_is_one(tmp_path, name):
    table = {name: [f"k{row}" for row in range(60)], "x": [str(row % 9) for row in range(60)]}
    path = write(tmp_path / "t.csv", {**table, "y": [str(row % 7) for row in range(60)]})

    assert draft_model("some", path, "y").key == [name]


def test_what_is_written_is_a_valid_definition_with_every_part_commented(leads):
    text = model_file.write(draft_model("leads", leads, "bought"))

    definition = parse_definition(text, "model.yaml")
    assert (definition.data.key, definition.positive) == (["lead_id"], "yes")
    for part in ("task:", "data:", "features:", "split:", "metrics:", "gate:", "resources:"):
        before, _, line = text.partition(f"\n{part}")
        assert "#" in before.splitlines()[-1] or "#" in line.splitlines()[0], part


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([str(i % 7 + 0.5) for i in range(40)], "regression"),
        ([str(i) for i in range(40)], "regression"),
        ([str(i % 5) for i in range(40)], "multiclass"),  # few whole numbers: grades
        ([("a", "b", "c")[i % 3] for i in range(40)], "multiclass"),
        ([str(i % 2) for i in range(40)], "binary"),
    ],
)
def test_the_task_follows_from_the_target(tmp_path, values, task):
    path = write(tmp_path / "t.csv", {"x": [str(i) for i in range(40)], "y": values})

    draft = draft_model("some", path, "y")

    assert draft.task == task
    assert parse_definition(model_file.write(draft), "model.yaml").task == task


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": ["1", "2"] * 20, "y": ["5"] * 40}, "the target y is constant"),
        (
            {"x": ["1"] * 40, "y": ["5", "6"] * 20},
            "has no column that could be a feature, besides y",
        ),
        ({"x": ["1", "2"] * 5, "y": ["5", "6"] * 5}, "has only 10 rows"),
        ({"x": ["1", "2"] * 20, "z": ["5", "6"] * 20}, "has no column 'y'"),
        ({"x": ["1", "2"] * 50, "y": [f"t{i}" for i in range(100)]}, "100 different texts"),
        ({" ": ["1", "2"] * 20, "y": ["5", "6"] * 20}, "column 1 of .* has no name"),
    ],
)
def test_a_table_that_cannot_be_a_model_is_refused(tmp_path, columns, message):
    path = write(tmp_path / "t.csv", columns)

    with pytest.raises(BadInputError, match=message):
        draft_model("some", path, "y")


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,x,y\n" + "1,2,3\n" * 30)

    with pytest.raises(BadInputError, match="two columns named 'x'"):
        draft_model("some", path, "y")


def test_a_quoted_column_name_is_read_as_preprocess_reads_it(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('"the ""old"" x","a, b",y\n' + "1,4,5\n2,3,6\n" * 20)

    draft = draft_model("some", path, "y")

    assert [column.name for column in draft.features] == ['the "old" x', "a, b"]


TABLE = b"x,y\n" + b"1,5\n2,6\n" * 20
PACKED = gzip.compress(TABLE, mtime=0)
LONG = "is longer than 1 MB"
FIX_LONG = "Check the line breaks and quotes; a row must fit into one line of that size."
FIX_ROW = "Quote cells that contain the delimiter, or correct the row."
FIX_TEXT = "Save the file as UTF-8; it may be Windows-1252, Latin-1 or Shift_JIS."
WIDE = TABLE.decode().encode("utf-16")
INVALID = "gzip is damaged (Error -3 while decompressing data: invalid block type)"


@pytest.mark.parametrize(
    ("name", "content", "what", "fix"),
    [
        ("t.csv", b"x" * 10_000_000, f"t.csv line 1: {LONG}", FIX_LONG),
        ("t.csv", TABLE + b"x" * 10_000_000, f"t.csv line 42: {LONG}", FIX_LONG),
        ("t.csv", b"\n\n", "t.csv has no column names in line 1", "Name every column there."),
        (
            "t.csv",
            TABLE + b"1,2,3\n",
            "t.csv row 41 (line 42): has 3 cells where the header has 2",
            FIX_ROW,
        ),
        (
            "t.csv",
            TABLE + b"1\n",
            "t.csv row 41 (line 42): has 1 cells where the header has 2",
            FIX_ROW,
        ),
        ("t.csv", TABLE + b"\xe9,5\n", "t.csv line 42: is not UTF-8 (byte 0xe9)", FIX_TEXT),
        ("t.csv", WIDE, "t.csv: is UTF-16, not UTF-8", "Save it as UTF-8."),
        (
            "t.csv",
            WIDE[2:],  # without its byte order mark
            "t.csv is not text: column 1 has a NUL byte in its name",
            "Save it as UTF-8.",
        ),
        (
            "t.csv.gz",
            TABLE,
            "t.csv.gz: is named .gz but is not gzip",
            "Compress it, or rename it to .csv.",
        ),
        (
            "t.csv.gz",
            PACKED[:-20],
            "t.csv.gz line 1: gzip ends early",
            "Upload the whole file again.",
        ),
        (
            "t.csv.gz",
            PACKED[:10] + b"\xff" * 20,
            f"t.csv.gz line 1: {INVALID}",
            "Compress and upload the file again.",
        ),
        ("t.parquet", TABLE, "t.parquet is not a Parquet file, or is damaged", "Write it again."),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, monkeypatch, name, content, what, fix):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)

    with pytest.raises(BadInputError) as failure:
        draft_model("some", Path(name), "y")

    assert (failure.value.what, failure.value.fix) == (what, fix)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"\xef\xbb\xbf" + TABLE),  # a byte order mark
        ("t.csv", PACKED),
        ("t.csv.gz", PACKED),
        ("t.csv", TABLE.replace(b"\n2,6\n", b"\n\n2,6\n")),  # blank lines
        ("t.csv", TABLE.replace(b",", b";").replace(b"2", b"2" * 200_000, 1)),  # a long cell
    ],
)
def test_what_preprocess_can_read_can_be_drafted_from(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)

    draft = draft_model("some", path, "y")

    assert (draft.rows, draft.task, draft.target.missing_share) == (40, "binary", 0)


FLOATS = [0.0, 1.0, 1.0, 0.0, 1.0] * 40
NUMBERS = list(range(200))


@pytest.mark.parametrize(
    ("columns", "positive"),
    [
        ({"x": NUMBERS, "y": FLOATS}, "1"),  # pandas writes whole numbers so
        ({"x": NUMBERS, "y": ["0.0", "1.0", "1", "0", "1"] * 40}, "1"),
        ({"x": NUMBERS, "y": ["True", "False"] * 100}, "True"),
        # A name under which polars cannot count.
        ({"x": NUMBERS, "count": ["few", "many"] * 100, "y": FLOATS}, "1"),
        (pl.DataFrame({"x": NUMBERS, "y": FLOATS}), "1"),
        (pl.DataFrame({"x": NUMBERS, "y": FLOATS}, {"x": pl.Int16, "y": pl.Decimal(9, 2)}), "1"),
        (pl.DataFrame({"x": NUMBERS, "y": [True, False] * 100}), "true"),
        (pl.DataFrame({"x": [*NUMBERS[1:], math.nan], "y": FLOATS}, strict=False), "1"),
    ],
)
def test_a_drafted_model_takes_the_rows_it_was_drafted_from(tmp_path, columns, positive):
    path = tmp_path / ("t.csv" if isinstance(columns, dict) else "t.parquet")
    write(path, columns) if isinstance(columns, dict) else columns.write_parquet(path)

    draft = draft_model("some", path, "y")
    outcome = preprocessed(model_file.write(draft), path)

    assert (draft.task, draft.target.positive) == ("binary", positive)
    assert (outcome.rows_read, outcome.rows_rejected) == (200, 0)


def preprocessed(text, path):
    """What the Preprocess step makes of a file under a definition."""
    content = parse_definition(text, "model.yaml").model_dump(mode="json")
    plan = Plan.from_document({"run": "r", "model": "some", "definition": {"content": content}})

    def output(part):
        folder = path.parent / part
        folder.mkdir()
        return folder

    return preprocess(plan, [SourceFile(path, path.name)], output, path.parent / "scratch")


def test_a_positive_value_may_be_given_in_any_spelling(tmp_path):
    path = write(tmp_path / "t.csv", {"x": NUMBERS, "y": FLOATS})

    spellings = [draft_model("some", path, "y", positive=one) for one in ("0", "0.0")]

    assert [draft.target.positive for draft in spellings] == ["0", "0"]


def test_a_parquet_column_that_is_neither_numbers_nor_text_is_ignored(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"x": NUMBERS, "path": [[1.5]] * 200, "y": FLOATS}).write_parquet(path)

    draft = draft_model("some", path, "y")

    ignored = Ignored("path", "of type List(Float64): neither numbers nor text")
    assert draft.ignored == [ignored]
    with pytest.raises(BadInputError, match=r"column path of .* has the type List\(Float64\)"):
        draft_model("some", path, "path")


def test_a_key_that_repeats_is_refused(leads):
    with pytest.raises(BadInputError, match="region does not identify a row"):
        draft_model("leads", leads, "bought", keys=["region"])


def test_a_positive_value_that_never_occurs_is_refused(leads):
    with pytest.raises(BadInputError, match="is never 'maybe'"):
        draft_model("leads", leads, "bought", positive="maybe")


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_name_survives_being_written_as_yaml(name):
    written = f"- {{name: {yaml_text.scalar(name)}, kind: numeric}}"

    assert read_marked(written).value == [{"name": name, "kind": "numeric"}]


def test_reasons_begin_in_one_column_beside_japanese_names(tmp_path):
    count = range(40)
    table = {
        "age": [str(20 + row % 17) for row in count],
        "加入してからの期間": [str(row % 19) for row in count],
        "y": [("yes", "no")[row % 2] for row in count],
    }
    draft = draft_model("shop", write(tmp_path / "t.csv", table), "y")

    text = model_file.write(draft)

    features = [line for line in text.splitlines() if "kind: numeric" in line]
    assert len({width(line.partition("  # ")[0].rstrip()) for line in features}) == 2
    assert len({width(line[: line.index("# ")]) for line in features}) == 1


@pytest.mark.parametrize(("rare", "words"), [(1, "1 row"), (2, "2 rows")])
def test_a_class_that_is_hardly_there_is_named_with_its_rows(tmp_path, rare, words):
    table = {"x": [f"{row}.5" for row in range(60)], "y": ["a"] * (30) + ["b"] * (30 - rare)}
    table["y"] += ["c"] * rare

    draft = draft_model("shop", write(tmp_path / "t.csv", table), "y")

    assert f"class c has {words}: too few to train or test on" in draft.target.notes


def test_new_model_writes_the_folder_once(kanmon, project, leads):
    first = kanmon("new-model", "leads", "--from", str(leads), "--target", "bought")
    again = kanmon("new-model", "leads", "--from", str(leads), "--target", "bought")
    forced = kanmon("new-model", "leads", "--from", str(leads), "--target", "bought", "--force")

    assert (first.exit_code, again.exit_code, forced.exit_code) == (0, 2, 0)
    assert again.stderr == (
        "kanmon: models/leads/model.yaml already exists. Overwrite it with --force.\n"
    )
    assert first.stdout.endswith(f"Next\n  kanmon put-data leads {leads}\n  kanmon run leads\n")
    assert project.models() == ["leads", "wine"]


def test_new_model_drafts_nothing_beside_a_features_py(kanmon, project, leads):
    folder = project.root / "models/leads"
    folder.mkdir()
    (folder / "features.py").write_text("def features(frame):\n    return frame\n")

    refused = kanmon("new-model", "leads", "--from", str(leads), "--target", "bought")

    assert refused.exit_code == 2
    assert "models/leads/features.py computes features, which a draft knows" in refused.stderr
    assert not (folder / "model.yaml").exists()


@pytest.mark.parametrize("file", ["gather.sql", "gather.py"])
def test_new_model_drafts_nothing_beside_what_makes_the_data(kanmon, project, leads, file):
    folder = project.root / "models/leads"
    folder.mkdir()
    (folder / file).write_text("SELECT 1")

    refused = kanmon("new-model", "leads", "--from", str(leads), "--target", "bought")

    assert refused.exit_code == 2
    assert f"models/leads/{file} makes the data, which a draft knows nothing" in refused.stderr
    assert not (folder / "model.yaml").exists()


def test_every_column_is_on_screen_with_what_was_made_of_it(kanmon, project, tmp_path):
    table = {
        "x": [f"{row % 40}.5" for row in range(120)],
        "when": [f"2026-{row % 12 + 1:02}-01" for row in range(120)],
        "note": [f"call {row}" for row in range(120)],
        "y": [str(row % 7) for row in range(120)],
    }
    path = write(tmp_path / "t.csv", table)

    said = kanmon("new-model", "shop", "--from", str(path), "--target", "y")
    document = kanmon("new-model", "more", "--from", str(path), "--target", "y", "--json")

    lines = [line.split(None, 2) for line in said.stdout.splitlines() if line.startswith("  ")]
    told = {line[0]: line[1:] for line in reversed(lines) if len(line) == 3}  # notes come last
    assert (
        "note is another text in every row: if it identifies a row, add --key note" in said.stdout
    )
    assert told["x"] == ["numeric", "0.5 to 39.5"]
    assert told["when_month"] == ["numeric", "month of when, 1 to 12"]
    assert told["note"] == ["ignored", "120 different texts: more like names than categories"]
    assert json.loads(document.stdout)["seen"]["when_month"] == "month of when, 1 to 12"
