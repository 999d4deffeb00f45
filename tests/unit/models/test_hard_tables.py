"""Tables that are hard to read, drafted by new-model and run unedited, from CSV to the scorer."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.onnx_scoring import onnx_scores
from contract.precision import loss_of
from contract.step import StepError
from kanmon.errors import BadInputError
from kanmon.models.drafting import model_file
from kanmon.models.drafting.draft import draft_model
from tests.support.hard_tables import columns, preprocessed, retrained, written
from train.model import train


def kinds(draft):
    return {column.name: column.kind for column in draft.features}


def comma(values):
    return [str(value).replace(".", ",") for value in values]


def with_infinities(table):
    table["x"] = [math.inf, -math.inf, *table["x"][2:]]
    return table


def with_codes(table):
    random = np.random.default_rng(1)
    codes = random.choice(["01234", "1234", "00501", "501"], len(table["y"]))
    effect = {"01234": 5, "1234": -5, "00501": 3, "501": -3}
    table["zip"], table["y"] = codes, table["y"] + [effect[code] for code in codes]
    return table


def with_dates(table):
    days = [date(2025, 1, 1) + timedelta(days=37 * row % 730) for row in range(len(table["y"]))]
    table["when"] = days
    table["y"] = table["y"] + [5 * (day.month in (6, 7, 8)) for day in days]
    return table


def with_times(table):
    hours = np.arange(len(table["y"])) % 24
    table["when"] = [f"2026-01-{row % 28 + 1:02} {hour:02}:15:00" for row, hour in enumerate(hours)]
    table["y"] = table["y"] + 5 * (hours > 12)
    return table


def with_unix_seconds(table):
    seconds = np.arange(len(table["y"]))
    table["ts"], table["y"] = 1_700_000_000 + seconds, table["y"] + 5 * (seconds % 60 > 30)
    return table


def with_thousands(table):
    table["income"] = [f"{int(value * 100_000):,}" for value in table["z"]]
    table["y"] = table["y"] + table["z"]
    return table


def with_decimal_commas(table):
    return {name: comma(values) if name != "c" else values for name, values in table.items()}


def with_a_leading_space(table):
    table["x"] = [f" {value}" for value in table["x"]]
    return table


TABLES = {
    "infinities": (with_infinities, ",", 0.6),
    "codes": (with_codes, ",", 1.0),
    "dates": (with_dates, ",", 1.5),
    "times": (with_times, ",", 1.5),
    "unix seconds": (with_unix_seconds, ",", 3.0),
    "thousands": (with_thousands, ",", 1.0),
    "decimal commas": (with_decimal_commas, ";", 0.6),
    "a leading space": (with_a_leading_space, ",", 0.6),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_draft_learns_and_the_scorer_answers_as_it_was_trained(tmp_path, name):
    change, delimiter, rmse = TABLES[name]
    path = written(tmp_path / "t.csv", change(columns()), delimiter)

    done = retrained(tmp_path, path)

    assert done.outcome.rows_rejected == 0
    assert done.rmse < rmse
    answer = done.scorer.answer(done.golden.request(), "test").document
    assert done.golden.differences(answer) == []
    # The CSV's rows through `kanmon score` and the scorer: what Preprocess and ONNX make of them.
    assert sorted(done.scored(path.read_text().splitlines(True))) == pytest.approx(
        sorted(done.scores)
    )


def test_a_parquet_file_with_inf_and_dates_is_as_good(tmp_path):
    table = with_infinities(with_dates(columns()))
    path = tmp_path / "t.parquet"
    pl.DataFrame(table, strict=False).with_columns(pl.col("when").cast(pl.Datetime)).write_parquet(
        path
    )

    done = retrained(tmp_path, path)

    assert kinds(done.draft)["x"] == "numeric"
    assert {"when_days", "when_month", "when_weekday"} < kinds(done.draft).keys()
    assert done.rmse < 1.5
    answer = done.scorer.answer(done.golden.request(), "test").document
    assert done.golden.differences(answer) == []


def test_an_offset_that_the_scorer_leaves_out_is_found_by_the_golden_records(tmp_path):
    done = retrained(tmp_path, written(tmp_path / "t.csv", with_unix_seconds(columns())))
    encoder = done.scorer._encoder
    encoder._derived = ()

    answer = done.scorer.answer(done.golden.request(), "test").document

    assert "differ from the release's scores" in done.golden.differences(answer)[0]


def test_a_float_column_of_parquet_is_numeric_whatever_it_holds(tmp_path):
    table = columns()
    table["x"] = [math.nan, math.inf, -math.inf, None, *table["x"][4:]]
    pl.DataFrame(table, strict=False).write_parquet(tmp_path / "t.parquet")

    draft = draft_model("some", tmp_path / "t.parquet", "y")

    assert kinds(draft)["x"] == "numeric"
    assert set(draft.null_values) >= {"NaN", "inf", "-inf"}


def test_inf_is_told_with_its_rows_and_what_to_do(tmp_path):
    draft = draft_model("some", written(tmp_path / "t.csv", with_infinities(columns())), "y")

    assert draft.notes[0] == (
        "x: 2 rows hold inf, read as missing; to reject such rows, remove inf from data.null_values"
    )


def test_currency_and_percent_are_named_as_such(tmp_path):
    table = columns()
    table["price"] = [f"${value:,.2f}" for value in table["z"] * 1000]
    table["share"] = [f"{value:.0f}%" for value in table["z"]]
    table["cost"] = [f"{value} EUR" for value in comma(table["z"])]

    draft = draft_model("some", written(tmp_path / "t.csv", table), "y")

    why = {one.name: one.why for one in draft.ignored}
    advice = ": write plain numbers in the data to use it"
    assert why["price"].startswith("amounts with a currency, such as $")
    assert why["cost"].startswith("amounts with a currency, such as ")
    assert why["share"].startswith("percentages with a sign, such as ")
    assert all(words.endswith(advice) for words in why.values())


def test_dates_of_another_country_are_left_out_with_advice(tmp_path):
    table = columns()
    table["when"] = [f"{row % 28 + 1}.{row % 12 + 1}.2026" for row in range(len(table["y"]))]

    draft = draft_model("some", written(tmp_path / "t.csv", table), "y")

    [ignored] = draft.ignored
    assert ignored.why.startswith("dates such as ")
    assert "write 2026-01-31 in the data, and parts of it can be features" in ignored.why


def test_model_yaml_says_why_codes_are_categories(tmp_path):
    draft = draft_model("some", written(tmp_path / "t.csv", with_codes(columns())), "y")

    [line] = [line for line in model_file.write(draft).splitlines() if "name: zip" in line]

    assert "kind: categorical" in line
    assert "codes: as a number, 0" in line


def test_lost_digits_are_drafted_with_an_offset_and_told(tmp_path):
    draft = draft_model("some", written(tmp_path / "t.csv", with_unix_seconds(columns())), "y")

    [ts] = [column for column in draft.features if column.name == "ts"]
    assert ts.offset == 1_700_000_000
    assert "its 600 different values become 6 as 32-bit numbers" in ts.seen
    assert not any("32-bit" in note for note in draft.notes), "the column's own line says it"


def with_fine_steps(rows=4000):
    """Seconds of which the target takes every minute another of two levels."""
    random = np.random.default_rng(2)
    minute = np.arange(rows) // 60
    y = np.where(minute % 2, 0.0, 10.0) + random.normal(0, 0.1, rows)
    return {"ts": 1_700_000_000 + np.arange(rows), "x": random.normal(size=rows), "y": y}


def test_what_an_offset_keeps_apart_the_trainers_bins_do_not_merge(tmp_path):
    path = written(tmp_path / "t.csv", with_fine_steps())

    done = retrained(tmp_path, path)

    text = model_file.write(done.draft)
    assert "    max_bin: 1023  # ts: the usual 255 bins would merge neighbouring values\n" in text
    assert any(note.startswith("ts: max_bin is 1,023") for note in done.draft.notes)
    plan, _, parts = preprocessed(
        tmp_path / "usual", text.replace("    max_bin: 1023", "    #"), path
    )
    usual = train(plan, parts["train"], parts["validation"]).artifact
    error = onnx_scores(usual, parts["test"])[:, 0] - parts["test"]["y"].to_numpy()
    # What is left is not a matter of digits: LightGBM on 64-bit numbers has as much.
    wide = in_64_bits(parts, plan.trainer.parameters)
    assert done.rmse < 1.8 < 2.2 < np.sqrt(np.mean(error**2)) == pytest.approx(wide, rel=0.05)


def in_64_bits(parts, parameters):
    """The test error of LightGBM itself, which gets the seconds as they are."""
    from contract.libraries import lightgbm

    library = lightgbm()
    features = {part: frame.select("ts", "x").to_numpy() for part, frame in parts.items()}
    assert features["train"].dtype == np.float64 and features["train"].min() < 0 < 1.7e9 <= (
        features["train"].max()
    )
    settings = {**parameters, "objective": "regression", "verbosity": -1, "num_threads": 1}
    data = library.Dataset(features["train"], parts["train"]["y"].to_numpy(), params=settings)
    booster = library.train(settings, data, 150)
    error = booster.predict(features["test"]) - parts["test"]["y"].to_numpy()
    return np.sqrt(np.mean(error**2))


def test_lost_digits_are_a_warning_of_the_run_where_no_offset_is_declared(tmp_path):
    path = written(tmp_path / "t.csv", with_unix_seconds(columns()))
    text = model_file.write(draft_model("some", path, "y")).replace(", offset: 1700000000", "")

    _, outcome, _ = preprocessed(tmp_path, text, path)

    assert outcome.warnings == [
        "ts loses digits: its 600 different values become 6 as 32-bit numbers; "
        "declare `offset: 1700000000` for the feature in model.yaml"
    ]


def test_a_number_in_32_bits_in_one_file_and_in_64_in_another_loses_no_digits():
    written = pl.Series([number / 10 for number in range(1, 900)])
    narrow = written.cast(pl.Float32).cast(pl.Float64)

    assert pl.concat([written, narrow]).n_unique() > 1_500
    assert loss_of(pl.concat([written, narrow])) is None


def test_a_column_that_differs_in_the_eighth_digit_fails_with_the_way_out(tmp_path):
    v = 1000 + np.arange(1, 2001) * 4.5e-9
    path = written(tmp_path / "t.csv", {"v": v, "y": np.arange(2000) % 9})
    text = model_file.write(draft_model("some", path, "y", task="regression"))

    preprocessed(tmp_path, text, path)
    with pytest.raises(StepError) as failure:
        preprocessed(tmp_path, text.replace(", offset: 1000", ""), path)

    assert "v loses digits: its 2,000 different values become " in str(failure.value)
    assert "declare `offset: 1000` for the feature in model.yaml" in str(failure.value)


def test_few_different_rows_without_a_key_are_told_by_new_model_and_by_the_run(tmp_path):
    table = {"c": columns()["c"], "y": columns()["y"]}
    path = written(tmp_path / "t.csv", table)
    words = "the features have only 3 different combinations in 600 rows"

    draft = draft_model("some", path, "y")
    # Of one combination there is enough for one part only, whatever the hash.
    same = written(tmp_path / "one.csv", {**table, "c": ["a"] * 600})
    with pytest.raises(StepError) as failure:
        preprocessed(tmp_path, model_file.write(draft), same)

    assert any(note.startswith(f"a key is needed: {words}") for note in draft.notes)
    assert "the features have only 1 different combination in 600 rows" in str(failure.value)
    assert str(failure.value).endswith("name the columns that identify a row in data.key")


def test_a_test_part_without_a_positive_is_told_with_its_cause(tmp_path):
    table = columns(600)
    positive = np.zeros(600, dtype=int)
    positive[:4] = 1
    table["y"] = positive
    path = written(tmp_path / "t.csv", table)
    draft = draft_model("some", path, "y", task="binary", positive="1")
    text = model_file.write(draft)
    # A test part so small that it gets none of the four, whatever the hash of this version.
    few = "train: 0.5, validation: 0.49, test: 0.01"
    small = text.replace("train: 0.7, validation: 0.15, test: 0.15", few)

    with pytest.raises(StepError) as failure:
        preprocessed(tmp_path, small, path)

    assert "'1' has 4 of 600 rows, but none of the " in str(failure.value)
    assert "auc, recall cannot be measured; add rows of that class" in str(failure.value)
    assert "0.7 %" in draft.target.why


def test_a_rare_class_is_told_with_its_share_and_a_larger_test_part(tmp_path):
    table = columns(3000)
    table["y"] = [int(row < 12) for row in range(3000)]

    draft = draft_model("some", written(tmp_path / "t.csv", table), "y")

    assert draft.target.why == "0 99.6 %, 1 0.4 %"
    [note] = [note for note in draft.notes if "test part" in note]
    assert note.startswith("class 1 has 12 of 3,000 rows (0.4 %), about 2 of them in the test part")


def test_many_classes_are_refused_with_the_way_and_the_limit(tmp_path):
    table = columns(9000)
    table["y"] = [f"cls{row % 300:03}" for row in range(9000)]
    path = written(tmp_path / "t.csv", table)

    with pytest.raises(BadInputError) as failure:
        draft_model("some", path, "y")

    assert "300 different texts, more than the 50 that are taken for classes" in failure.value.what
    assert "add --task multiclass (at most 1,000)" in failure.value.fix
    assert draft_model("some", path, "y", task="multiclass").task == "multiclass"


def test_a_nul_byte_is_refused_with_row_and_column(tmp_path):
    table = columns()
    table["c"] = ["a", "b", "\0b", *table["c"][3:]]

    with pytest.raises(BadInputError, match=r"row 3, column c: '\\x00b' has a NUL byte"):
        draft_model("some", written(tmp_path / "t.csv", table), "y")


def test_columns_that_nothing_reads_leave_few_different_rows_unless_a_key_is_named(tmp_path):
    table = {"mail": [f"p{row}@example.com" for row in range(600)], "c": columns()["c"]}
    path = written(tmp_path / "t.csv", {**table, "y": columns()["y"]})

    draft = draft_model("some", path, "y")
    keyed = draft_model("some", path, "y", keys=["mail"])
    _, outcome, parts = preprocessed(tmp_path, model_file.write(keyed), path)

    assert [one.name for one in draft.ignored] == ["mail"]
    assert draft.key == []
    assert draft.notes[0] == (
        "mail is another text in every row: if it identifies a row, add --key mail"
    )
    assert draft.notes[1].startswith("a key is needed: the features have only 3 different comb")
    assert keyed.notes[0] == "rows are identified by mail"
    assert outcome.rows_rejected == 0 and min(frame.height for frame in parts.values()) > 60


def test_numbers_with_decimal_commas_tell_rows_apart_without_a_key(tmp_path):
    path = written(tmp_path / "t.csv", with_decimal_commas(columns()), ";")

    draft = draft_model("some", path, "y")
    _, _, parts = preprocessed(tmp_path, model_file.write(draft), path)

    assert draft.key == draft.ignored == []
    assert not any("key" in note for note in draft.notes)
    assert min(frame.height for frame in parts.values()) > 60


def test_a_numeric_identifier_is_suspected(tmp_path):
    table = columns()
    table["customer_id"] = [100 + row // 3 for row in range(600)]
    table["message"] = [1_400_000_000_000_000_000 + row for row in range(600)]

    draft = draft_model("some", written(tmp_path / "t.csv", table), "y")

    assert kinds(draft)["customer_id"] == "numeric"
    for name in ("customer_id", "message"):
        assert any(note.startswith(f"{name} looks like an identifier") for note in draft.notes)
