"""new-model suspects aloud that rows do not stand alone."""

import polars as pl
import pytest

from kanmon.models.drafting.draft import draft_model
from kanmon.models.drafting.splits import suspected_splits


def notes(frame: pl.DataFrame, key: tuple[str, ...] = ()) -> list[str]:
    return list(suspected_splits(frame, frame.columns, list(key)))


def visits(count: int = 240) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": [f"c{row % 40}" for row in range(count)],
            "visited": [f"2026-{1 + row // 40:02d}-15" for row in range(count)],
            "amount": [f"{row * 7 % 31}.5" for row in range(count)],
        }
    )


def test_ids_that_repeat_and_dates_are_suspected() -> None:
    assert notes(visits()) == [
        "customer_id repeats (40 values in 240 rows): where rows of one resemble each other, keep "
        "them together with split: {…, by: {group: customer_id}}",
        "visited is a time (2026-01-15 to 2026-06-15), and the rows grow with it: to test on the "
        "latest rows, split: {…, by: {time: visited}}",
    ]
    [_, shuffled] = notes(visits().sample(fraction=1, shuffle=True, seed=1))
    assert "2026-06-15): to test" in shuffled


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("customer_id", [f"c{row}" for row in range(100)]),  # identifies a row
        ("store", ["a", "b"] * 50),  # a category, of which each part needs both
        ("amount", [str(row) for row in range(100)]),  # grows, but is no time by its name
        ("year", [str(2000 + row * 7 % 20) for row in range(100)]),  # does not grow
        ("day", ["2026-01-01"] * 100),  # one time only
        ("colour", ["red", "green", "blue", "grey"] * 25),
    ],
)
def test_other_columns_are_not(name: str, values: list[str]) -> None:
    assert notes(pl.DataFrame({name: values})) == []


def test_the_draft_says_it(tmp_path) -> None:
    (tmp_path / "visits.csv").write_text(visits().write_csv())

    draft = draft_model("visits", tmp_path / "visits.csv", "amount")

    assert [note for note in draft.notes if "split: {…, by: " in note] == notes(
        visits().drop("amount")
    )


def test_the_note_of_an_ignored_column_says_to_take_it_out_of_ignore(tmp_path) -> None:
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{row % 400}" for row in range(2400)],
            "visits": [str(row % 7) for row in range(2400)],
            "amount": [f"{row * 7 % 31}.5" for row in range(2400)],
        }
    )
    (tmp_path / "visits.csv").write_text(frame.write_csv())

    draft = draft_model("visits", tmp_path / "visits.csv", "amount")

    assert "customer_id" in [one.name for one in draft.ignored]
    [note] = [note for note in draft.notes if "split: {…, by: " in note]
    assert note.endswith("by: {group: customer_id}}, without it in ignore")
