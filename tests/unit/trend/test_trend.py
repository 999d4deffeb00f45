"""A model's metric over all its runs: which marks, which words, and the SVG."""

import json
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from core.stage.release_records import Release, Status
from kanmon.errors import BadInputError
from kanmon.trend.chart import MOST_SPANS, draw
from kanmon.trend.display import notes, rows
from kanmon.trend.drawing import svg
from kanmon.trend.points import Trend, floors_of, kind_of, points_of
from kanmon.trend.reading import trend_of, trend_of_releases
from tests.support.metric_lines import line
from tests.support.standin import Stage, refusal


def trend(*lines: Any, **known: Any) -> Trend:
    points, metrics = points_of(lines, known.pop("releases", {}))
    return Trend("abalone", points, metrics, **known)


def day(number: int) -> str:
    return f"{date(2026, 1, 1) + timedelta(number)}T06:00:00Z"


def many(count: int) -> Trend:
    lines = [line(f"r{n:03d}", 2 + n % 7 / 10, champion=2.1, at=day(n)) for n in range(count)]
    return trend(*lines, floors={"rmse": 2.9})


@pytest.mark.parametrize(
    ("status", "in_service", "verdict", "kind"),
    [
        (Status.PROMOTED, True, "promote", "in service"),
        (Status.PROMOTED, False, "promote", "was in service"),
        (Status.WAITING, False, "promote", "candidate"),
        (Status.WAITING, False, "hold", "held"),
        (Status.SUPERSEDED, False, "promote", "candidate"),
        (Status.REJECTED, False, "promote", "rejected"),
        (Status.EXPIRED, False, "hold", "rejected"),
        (Status.ROLLED_BACK, False, "promote", "rolled back"),
        (Status.FAILED, False, "promote", "rolled back"),
    ],
)
def test_a_mark_says_what_became_of_the_candidate(
    status: Status, in_service: bool, verdict: str, kind: str
) -> None:
    release = Release("abalone", 1, status, verdict=verdict, in_service=in_service)

    assert kind_of(verdict, release) == kind


def test_runs_are_in_the_order_in_which_they_were_judged() -> None:
    found = trend(line("b", 2.1, at=day(2)), line("a", 2.2, at=day(1)))

    assert [point.run for point in found.points] == ["a", "b"]
    assert found.metrics == ["rmse", "mae"]
    chart = draw(found, "rmse")
    assert chart is not None
    assert chart.marks[1].y > chart.marks[0].y  # lower on the page, as the value is lower


def test_a_run_without_the_metric_is_left_out_and_counted() -> None:
    found = trend(line("a", None, at=day(1)), line("b", 2.1, at=day(2)), unjudged=2, older=3)

    assert [row.point.run for row in rows(found, "rmse")] == ["b"]
    assert notes(found, "rmse") == [
        "1 run not measured by RMSE",
        "2 runs without metrics: failed, stopped, nothing new, or not ended",
        "3 runs judged before these",
    ]


def test_a_metric_of_earlier_runs_only_can_still_be_shown() -> None:
    found = trend(line("a", 2.1, at=day(1)), line("b", 2.1, at=day(2), mae=None))

    assert found.metric(None) == "rmse"
    assert found.metric("mae") == "mae"
    with pytest.raises(BadInputError, match="no run of abalone was measured by 'auc'") as wrong:
        found.metric("auc")
    assert wrong.value.fix == "There is rmse, mae."


def test_no_run_is_no_chart() -> None:
    assert draw(trend(), "rmse") is None
    with pytest.raises(BadInputError, match="no run of abalone has metrics"):
        trend().metric(None)


def test_one_run_is_a_chart_with_its_interval() -> None:
    chart = draw(trend(line("a", 2.1)), "rmse")

    assert chart is not None
    [mark] = chart.marks
    assert mark.low is not None
    assert (chart.band, chart.champion, chart.days) == ((), (), ())


def test_many_runs_have_a_band_small_marks_and_their_first_and_last_day() -> None:
    chart = draw(many(500), "rmse")

    assert chart is not None
    assert len(chart.marks) == 500
    assert {(mark.low, mark.high) for mark in chart.marks} == {(None, None)}
    assert len(chart.band) == 1000
    assert [tick.label for tick in chart.days] == ["2026-01-01", "2027-05-15"]
    assert len(svg(chart)) < 100_000
    assert draw(many(MOST_SPANS), "rmse").band == ()


def test_the_champion_is_drawn_on_the_rows_of_each_run_and_in_pieces() -> None:
    champions = [None, 2.1, 2.0, None, 2.3]
    lines = [line(str(n), 2.2, champion=one, at=day(n)) for n, one in enumerate(champions)]

    chart = draw(trend(*lines), "rmse")

    assert [len(piece) for piece in chart.champion] == [2, 2]
    assert "champion" in [entry.what for entry in chart.legend]


def test_the_gates_bar_is_drawn_only_where_it_does_not_press_the_values_together() -> None:
    lines = [line("a", 2.1, at=day(1)), line("b", 2.2, at=day(2))]

    assert draw(trend(*lines, floors={"rmse": 2.5}), "rmse").bar is not None
    assert draw(trend(*lines, floors={"rmse": 90.0}), "rmse").bar is None
    assert notes(trend(*lines, floors={"rmse": 90.0}), "rmse") == ["The gate's bar is 90"]
    assert floors_of({"gate": {"floors": {"rmse": 2.5, "r2": None}}}) == {"rmse": 2.5}


def test_the_chart_is_told_in_words() -> None:
    release = Release("abalone", 4, Status.PROMOTED, run="a", in_service=True)
    found = trend(
        line("a", 2.1, at=day(1)),
        line("b", 2.2, at=day(2)),
        releases={"a": release},
        floors={"rmse": 2.5},
    )

    assert draw(found, "rmse").description == (
        "RMSE of 2 runs, from 2026-01-02 to 2026-01-03; the newest has 2.200 (2.000 to 2.400); "
        "the best of them 2.100; release 4, which is in service, 2.100 (1.900 to 2.300); "
        "the gate's bar is 2.5"
    )


def test_the_svg_is_well_formed_has_a_text_and_no_script() -> None:
    written = svg(draw(many(20), "rmse"))

    root = ElementTree.fromstring(written)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    names = {child.tag.rpartition("}")[2] for child in root.iter()}
    assert names == {"svg", "title", "desc", "style", "rect", "line", "path", "text", "circle"}
    assert written == svg(draw(many(20), "rmse"))


class Bucket:
    """S3's client, for JSON by key."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects, self.read = objects, []

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        from io import BytesIO

        self.read.append(Key)
        if Key not in self.objects:
            raise refusal("NoSuchKey", "GetObject")
        return {"Body": BytesIO(json.dumps(self.objects[Key]).encode())}


def stage(*runs: tuple[str, str | None]) -> Any:
    items = [
        {
            "model": "abalone",
            "item": f"run#{run}",
            "opened_at": run,
            **({"verdict": verdict} if verdict else {"status": "FAILED"}),
        }
        for run, verdict in runs
    ]
    made: Any = Stage(items)
    made.s3 = Bucket(
        {
            f"metrics/model=abalone/{run}.json": line(run, 2.1, at=f"2026-11-{run[1:]}T06:00:00Z")
            for run, verdict in runs
            if verdict
        }
    )
    return made


def test_each_judged_run_is_read_once_and_no_other() -> None:
    made = stage(("r01", "promote"), ("r02", None), ("r03", "reject"))

    found = trend_of(made, "abalone")

    assert [point.run for point in found.points] == ["r01", "r03"]
    assert (found.unjudged, found.older) == (1, 0)
    assert sorted(made.s3.read) == [
        "metrics/model=abalone/r01.json",
        "metrics/model=abalone/r03.json",
        "runs/abalone/r03/run.json",  # the gate's bar
    ]


def test_what_was_read_once_is_not_read_again() -> None:
    made, known = stage(("r01", "promote"), ("r02", "promote")), {}
    first = trend_of(made, "abalone", known=known)
    made.s3.read.clear()

    assert trend_of(made, "abalone", known=known) == first
    assert made.s3.read == ["runs/abalone/r02/run.json"]


def test_of_too_many_runs_the_newest_are_read() -> None:
    made = stage(("r01", "promote"), ("r02", "promote"), ("r03", "promote"))

    found = trend_of(made, "abalone", most=2)

    assert [point.run for point in found.points] == ["r02", "r03"]
    assert found.older == 1


def test_a_run_whose_line_was_removed_is_left_out() -> None:
    made = stage(("r01", "promote"), ("r02", "promote"))
    del made.s3.objects["metrics/model=abalone/r02.json"]

    assert [point.run for point in trend_of(made, "abalone").points] == ["r01"]


def test_some_releases_alone_can_be_asked_for() -> None:
    made = stage(("r01", "promote"), ("r02", "promote"))
    release = Release("abalone", 1, Status.PROMOTED, run="r02", in_service=True)

    found = trend_of_releases(made, "abalone", [release])

    assert [(point.run, point.kind) for point in found.points] == [("r02", "in service")]
