"""The reader of captured requests: each row once, whatever files it is in."""

import datetime
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.plan import Feature
from observed.captured import Captured, read
from observed.compaction import Compaction, compact
from reading.source import SourceFile

few = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DAY = "capture/churn/3/dt=2026-11-01"


def on_disk(folder: Path, contents: Mapping[str, bytes]) -> list[SourceFile]:
    """The files as a step has downloaded them: numbered, with their keys as names."""
    folder.mkdir(parents=True, exist_ok=True)
    start = len(list(folder.iterdir()))
    files = []
    for number, (name, content) in enumerate(contents.items(), start):
        path = folder / f"{number:06d}"
        path.write_bytes(content)
        files.append(SourceFile(path, name))
    return files


def compacted(folder: Path, contents: Mapping[str, bytes]) -> tuple[Compaction, dict[str, bytes]]:
    """What compaction of a folder says, and the folder after it is done."""
    done = compact(on_disk(folder, contents))
    left = {
        name: content
        for name, content in contents.items()
        if name.rpartition("/")[2] not in done.replaced
    }
    return done, left if done.name is None else left | {f"{DAY}/{done.name}": done.content}


@pytest.fixture
def captured(tmp_path, plan) -> Callable[..., Captured]:
    """Read files, given by name and content."""

    def captured(contents, **changes):
        return read(on_disk(tmp_path / "files", contents), plan(**changes))

    return captured


def test_a_row_has_when_what_was_asked_and_what_was_answered(captured, line, written):
    found = captured({f"{DAY}/081530-r-1.jsonl": written(line())})

    assert found.rows.to_dicts() == [
        {
            "at": datetime.datetime(2026, 11, 1, 8, 15, 30, tzinfo=datetime.UTC),
            "day": datetime.date(2026, 11, 1),
            "release": 3,
            "request_id": "r-1",
            "row": 0,
            "__key_0": "17",
            "age": 41.0,
            "contract": "yearly",
            "joined": "2026-03-05",
            "month": 3.0,
            "prediction": "yes",
            "probability": 0.75,
        }
    ]
    assert found.damage.count == 0


def test_lines_of_earlier_versions_have_no_key_and_may_have_what_is_private_now(
    captured, line, written
):
    old = line(features={"age": 41, "contract": "yearly", "income": 90_000})
    del old["key"]

    [row] = captured({f"{DAY}/081530-r-1.jsonl": written(old)}).rows.to_dicts()

    assert row["__key_0"] is None
    assert (row["age"], row["joined"], row["month"]) == (41.0, None, None)
    assert "income" not in row


@pytest.mark.parametrize(
    "damage",
    [
        '{"at": "2026-11-01T08:1',  # the end is missing
        '{"at": "2026-11-01T08:15:30Z"}',
        "[]",
        "\x00\x00",
        "[" * 100_000,
    ],
)
def test_a_damaged_line_is_counted_and_the_others_are_read(captured, line, written, damage):
    name = f"{DAY}/081530-r-1.jsonl"
    found = captured({name: written(line(row=0), damage, line(row=1))})

    assert found.rows["row"].to_list() == [0, 1]
    assert (found.damage.lines, found.damage.count) == ({"081530-r-1.jsonl": 1}, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2026-11-01T08:15:30"},
        {"request_id": None},
        {"row": True},
        {"release": -1},
        {"prediction": None},
        {"probability": float("nan")},
        {"probability": 2},
        {"features": {"age": [1]}},
        {"features": None},
        {"key": 7},
    ],
)
def test_a_line_that_the_scorer_does_not_write_is_damaged(captured, line, written, change):
    found = captured({f"{DAY}/1.jsonl": written(line(**change))})

    assert (found.rows.height, found.damage.count) == (0, 1)


def test_one_value_has_one_text_however_it_was_sent(captured, line, written):
    kinds = [1, 1.0, "1", "1.0", None, "\ud800", True]
    rows = [
        line(row=row, features={"contract": kind}, key={"customer": kind})
        for row, kind in enumerate(kinds)
    ]

    found = captured({f"{DAY}/{row}.jsonl": written(one) for row, one in enumerate(rows)})

    texts = ["1", "1", "1", "1", None, "?", "true"]
    assert found.rows["contract"].to_list() == texts
    assert found.rows["__key_0"].to_list() == texts


def test_a_long_number_is_a_key_to_its_last_digit(captured, line, written, tmp_path):
    numbers = [12345678901234567891, 7]
    rows = [line(row=row, key={"customer": number}) for row, number in enumerate(numbers)]
    contents = {f"{DAY}/1.jsonl": written(*rows)}
    _, after = compacted(tmp_path / "before", contents)

    assert captured(contents).rows["__key_0"].to_list() == list(map(str, numbers))
    assert captured(after).rows["__key_0"].to_list() == list(map(str, numbers))


def test_a_column_that_changed_between_releases_is_read_as_the_plan_has_it(captured, line, written):
    before = line(release=3, features={"age": "old", "tariff": "gold"})
    after = line(release=4, features={"age": 41, "contract": 7})

    found = captured(
        {
            "capture/churn/3/dt=2026-11-01/1.jsonl": written(before),
            "capture/churn/4/dt=2026-11-01/1.jsonl": written(after),
        }
    )

    # The same request, answered by two releases: two answers.
    assert found.rows.select("release", "age", "contract").rows() == [(3, None, None), (4, 41, "7")]
    assert "tariff" not in found.rows.columns


def test_every_task_has_its_scores(captured, line, written):
    number = line(prediction=7)
    del number["probability"]
    several = line(prediction="a") | {"probabilities": {"a": 0.75, "b": 0.25}}
    del several["probability"]

    found = captured({f"{DAY}/1.jsonl": written(number)}, task="regression")
    classes = captured({f"{DAY}/2.jsonl": written(several)}, task="multiclass")

    assert found.rows.select("prediction").to_dicts() == [{"prediction": 7.0}]
    assert classes.rows.select("prediction", "^probability.*$").to_dicts() == [
        {"prediction": "a", "probability_a": 0.75, "probability_b": 0.25}
    ]


def test_a_feature_named_like_a_column_of_ours_has_another_name(captured, line, written):
    features = (Feature("day", "categorical"), Feature("row", "numeric"))
    found = captured(
        {f"{DAY}/1.jsonl": written(line(features={"day": "monday", "row": 5}))}, features=features
    )

    assert found.rows.select("day", "day_feature", "row", "row_feature").rows() == [
        (datetime.date(2026, 11, 1), "monday", 0, 5.0)
    ]


def test_nothing_captured_is_a_frame_without_rows(captured):
    found = captured({})

    assert (found.rows.height, found.damage.count) == (0, 0)
    assert found.rows.schema["age"] == pl.Float64


def test_a_parquet_file_of_someone_else_is_reported(captured, tmp_path):
    pl.DataFrame({"age": [1.0]}).write_parquet(tmp_path / "mine.parquet")

    found = captured(
        {
            f"{DAY}/mine.parquet": (tmp_path / "mine.parquet").read_bytes(),
            f"{DAY}/torn.parquet": b"PAR1",
        }
    )

    assert found.damage.files == [f"{DAY}/mine.parquet", f"{DAY}/torn.parquet"]


VALUES = st.none() | st.integers() | st.text(max_size=3) | st.booleans()
KEYS = st.none() | st.dictionaries(st.sampled_from(["customer", "site"]), VALUES)


@st.composite
def requests(draw) -> list[list[dict]]:
    """Requests of some rows; some are captured twice."""
    count = draw(st.integers(1, 5))
    asked = []
    for number in range(count):
        key = draw(KEYS)
        rows = [
            {
                "at": f"2026-11-01T0{number}:00:00Z",
                "request_id": f"r-{number}",
                "release": 3,
                "row": row,
                **({} if key is None else {"key": key}),
                "prediction": draw(st.sampled_from(["yes", "no"])),
                "probability": draw(st.floats(0, 1)),
                "features": {
                    "age": draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
                    "contract": draw(VALUES),
                },
            }
            for row in range(draw(st.integers(1, 3)))
        ]
        asked.append(rows)
    return asked + draw(st.lists(st.sampled_from(asked), max_size=2))


@few
@given(asked=requests(), data=st.data())
def test_each_row_counts_once_in_any_mix_of_files(asked, data, plan, written):
    every = {f"{DAY}/{at}.jsonl": written(*rows) for at, rows in enumerate(asked)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wanted = read(on_disk(folder / "wanted", every), plan()).rows.sort("request_id", "row")
        # Days come in parts: some files are compacted, later ones beside them, again and again.
        state: dict[str, bytes] = {}
        waiting = list(every.items())
        for step in range(3):
            arrived = data.draw(st.integers(0, len(waiting)))
            state |= dict(waiting[:arrived])
            waiting = waiting[arrived:]
            _, after = compacted(folder / f"step-{step}", state)
            # It may stop after it has written the file, having deleted only some.
            undeleted = data.draw(st.sets(st.sampled_from(sorted(state)))) if state else set()
            state = after | {name: state[name] for name in undeleted}
        state |= dict(waiting)
        found = read(on_disk(folder / "found", state), plan())

    identities = {(row["request_id"], row["row"]) for rows in asked for row in rows}
    assert found.rows.height == len(identities)
    assert found.damage.count == 0
    assert found.rows.sort("request_id", "row").equals(wanted)
