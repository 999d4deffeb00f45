"""What would change for the model's users: decisions that differ, or how far predictions move."""

from dataclasses import dataclass

from core.reading import Document, finite, mapping, mappings
from core.review.case import Case
from core.review.histograms import drawn
from core.review.plots import Histogram
from core.review.tables import Cell, Column, Table, table
from core.words.catalogue import say
from core.words.formats import count, counted, number, percent, text
from core.words.lists import sentences

MOST_MOVES = 5


@dataclass(frozen=True)
class Consequences:
    """Sentences, and the moves between classes or the histogram of how far predictions move."""

    sentences: tuple[str, ...]
    moves: Table | None = None
    histogram: Histogram | None = None


def consequences(case: Case) -> Consequences | None:
    """None without a champion, and in evaluations from before they were measured."""
    found = mapping(case.evaluation.get("consequences"))
    rows = finite(found.get("rows"))
    if not case.compares or rows is None or rows <= 0:
        return None
    return _decisions(found, rows, case.limit) or _movement(case, found, rows)


def _decisions(found: Document, rows: float, limit: int) -> Consequences | None:
    changed, corrected, broken = (
        finite(found.get(key)) for key in ("changed", "corrected", "broken")
    )
    if changed is None or corrected is None or broken is None:
        return None
    tested = counted(rows, "test_row")
    if changed <= 0:
        return Consequences((say("review.consequences.none", rows=tested),))
    neither = changed - corrected - broken
    told = say(
        "review.consequences.changed",
        changed=count(changed),
        rows=tested,
        share=percent(changed / rows),
    )
    kinds = say("review.consequences.kinds", corrected=count(corrected), broken=count(broken))
    if neither > 0:
        kinds = sentences(kinds, say("review.consequences.neither", neither=count(neither)))
    net = corrected - broken
    result = say("review.consequences.even")
    if net:
        key = "more" if net > 0 else "fewer"
        result = say(f"review.consequences.net.{key}", net=count(abs(net)))
    return Consequences((told, kinds, result), moves=_moves(found, changed, limit))


def _moves(found: Document, changed: float, limit: int) -> Table | None:
    moves = [
        (
            Cell(
                say(
                    "review.consequences.move",
                    before=text(each.get("from"), say("review.missing_value")),
                    after=text(each.get("to"), say("review.missing_value")),
                )
            ),
            Cell(count(rows), note=percent(rows / changed)),
            Cell(count(each.get("corrected"))),
            Cell(count(each.get("broken"))),
        )
        for each in mappings(found.get("moves"))
        if (rows := finite(each.get("rows"))) is not None
    ]
    if not moves:
        return None
    return table(
        "moves-table",
        say("review.consequences.caption"),
        [
            Column(say("review.consequences.from_to")),
            Column(say("review.column.test_rows"), "number"),
            Column(say("review.consequences.corrected"), "number"),
            Column(say("review.consequences.broken"), "number"),
        ],
        moves,
        min(limit, MOST_MOVES),
        thing="move",
        where=say("review.table.in_evaluation"),
        compact=True,
    )


def _movement(case: Case, found: Document, rows: float) -> Consequences | None:
    median, most, largest = (finite(found.get(key)) for key in ("median", "p90", "largest"))
    if median is None or most is None or largest is None:
        return None
    target = text(case.definition.get("target"))
    if largest == 0:
        return Consequences((say("review.consequences.still", rows=counted(rows, "test_row")),))
    moved = [
        say(
            "review.consequences.moved",
            median=number(median, 3),
            most=number(most, 3),
            largest=number(largest, 3),
            target=target,
        )
    ]
    beyond, yardstick = finite(found.get("beyond")), finite(found.get("yardstick"))
    if beyond is not None and yardstick is not None:
        told = say(
            "review.consequences.none_beyond",
            rows=counted(rows, "test_row"),
            yardstick=number(yardstick, 3),
        )
        if beyond:
            told = say(
                "review.consequences.beyond",
                beyond=count(beyond),
                rows=counted(rows, "test_row"),
                share=percent(beyond / rows),
                yardstick=number(yardstick, 3),
            )
        moved.append(told)
    closer, farther = finite(found.get("closer")), finite(found.get("farther"))
    if closer is not None and farther is not None:
        moved.append(
            say("review.consequences.closer", closer=count(closer), farther=count(farther))
        )
    histogram = drawn(
        found,
        case.limit,
        say("review.heading.consequences"),
        say("review.consequences.across", target=target),
    )
    return Consequences(tuple(moved), histogram=histogram)
