"""Runs side by side on the terminal, and as one document. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.metrics import DIRECTION
from core.reading import Estimate, estimate, listed, part
from core.words.formats import clean, local_moment, shorten
from core.words.metrics import MetricFormat, metric_format, metric_label
from kanmon.comparison.facts import Fact, documents
from kanmon.comparison.pairing import Paired, rows_words
from kanmon.comparison.sides import Side
from kanmon.runs.outcome import status_words
from kanmon.terminal.screen import coloured, faint, table

if TYPE_CHECKING:
    from contract.bootstrap import Estimate as Measured

INDENT = "  "
ABSENT = "–"
# Texts stand side by side; --json has them whole.
LONGEST = 40
# A run without a row-by-row comparison: its name, and why.
NotPaired = tuple[str, str]


def lines(
    sides: Sequence[Side],
    found: Sequence[Fact],
    paired: Sequence[Paired],
    obstacles: Sequence[NotPaired],
    *,
    everything: bool = False,
) -> list[str]:
    """Everything that `kanmon compare` prints."""
    notes = [f"{'Note':<10}{side.note}" for side in sides if side.note]
    return [
        *notes,
        *_heads(sides),
        "",
        *_facts(sides, found, everything=everything),
        *_metrics(sides),
        *_pairs(sides, paired, obstacles),
    ]


def _heads(sides: Sequence[Side]) -> list[str]:
    """A line for each run, with the letter that names its column."""
    rows = [
        [
            letter(place),
            side.run,
            local_moment(side.record.opened_at),
            coloured(side.outcome),
            ""
            if side.release is None
            else f"{side.release.reference} {status_words(side.release)}",
        ]
        for place, side in enumerate(sides)
    ]
    return [f"{'Runs' if not place else '':<10}{line}" for place, line in enumerate(table(rows))]


def _release(side: Side) -> str:
    return f"{side.release.reference} {status_words(side.release)}" if side.release else ""


def _facts(sides: Sequence[Side], found: Sequence[Fact], *, everything: bool) -> list[str]:
    if not found:
        return ["Nothing else about them differs; --all shows everything", ""]
    shown: list[str] = []
    rows = [[fact.name, *map(_cell, fact.values)] for fact in found]
    aligned = table(rows, ["", *letters(sides)])
    shown += [f"{'All' if everything else 'Differing':<10}".rstrip(), f"{INDENT}{aligned[0]}"]
    group = ""
    for fact, line in zip(found, aligned[1:], strict=True):
        if fact.group != group:
            group = fact.group
            shown.append(faint(group.capitalize()))
        shown.append(f"{INDENT}{line}")
    return [*shown, ""]


def _cell(value: str | None) -> str:
    return ABSENT if value is None else shorten(clean(value), LONGEST)


def _metrics(sides: Sequence[Side]) -> list[str]:
    """Each run's metrics with their intervals, each on its own test rows."""
    rows = []
    for name in metric_names(sides):
        row = [metric_label(name)]
        for side in sides:
            each = _own(side, name)
            write = metric_format(side.evaluation, name)
            row += [ABSENT if each is None else write.value(each), write.interval(each)]
        rows.append(row)
    if not rows:
        return ["Metrics   no run has any"]
    heading = ["", *(head for name in letters(sides) for head in (name, "95 % interval"))]
    aligned = table(rows, heading, "l" + "rl" * len(sides))
    return [
        "Metrics   each on the test rows of its own run",
        *(f"{INDENT}{one}" for one in aligned),
    ]


def _pairs(
    sides: Sequence[Side], paired: Sequence[Paired], obstacles: Sequence[NotPaired]
) -> list[str]:
    """The differences from the first run, row by row."""
    base = sides[0]
    shown: list[str] = []
    by_run = {each.run: each for each in paired}
    reasons = dict(obstacles)
    for place, side in enumerate(sides[1:], 1):
        title = f"{letter(place)} − {letter(0)}"
        if side.run in reasons:
            shown += ["", f"{title:<10}no paired difference: {reasons[side.run]}"]
        elif side.run in by_run:
            each = by_run[side.run]
            rows = difference_rows(base, side, each)
            aligned = table(rows, ["", "difference", "95 % interval", ""], "lrl")
            shown += ["", f"{title:<10}on {rows_words(each)}"]
            shown += [f"{INDENT}{line}" for line in aligned]
    return shown


def difference_rows(base: Side, side: Side, paired: Paired) -> list[list[str]]:
    """Each metric's difference with its interval, and what that says."""
    rows = []
    for name, measured in paired.differences.items():
        each = _estimate(measured)
        rows.append(
            [metric_label(name), *_write(base, side, name).difference(each), _says(name, each)]
        )
    return rows


def _write(base: Side, side: Side, metric: str) -> MetricFormat:
    """The decimals of the metric, from both runs' own values."""
    both = {
        which: {"metrics": part(each.evaluation, "candidate", "metrics")}
        for which, each in (("candidate", side), ("champion", base))
    }
    return metric_format(both, metric)


def _says(metric: str, each: Estimate | None) -> str:
    """Whether the interval leaves any doubt about who is better."""
    if each is None or each.low is None or each.high is None:
        return ""
    low, high = (
        (each.low, each.high) if DIRECTION.get(metric) == "higher" else (-each.high, -each.low)
    )
    return "better" if low > 0 else "worse" if high < 0 else "no clear difference"


def _estimate(measured: "Measured") -> Estimate | None:
    return estimate(asdict(measured))


def _own(side: Side, metric: str) -> Estimate | None:
    return estimate(part(side.evaluation, "candidate", "metrics").get(metric))


def metric_names(sides: Sequence[Side]) -> list[str]:
    """Every metric that a run has, those of the first run first."""
    names = (str(name) for side in sides for name in listed(side.evaluation.get("metrics")))
    return list(dict.fromkeys(names))


def letters(sides: Sequence[Side]) -> list[str]:
    return [letter(place) for place in range(len(sides))]


def letter(place: int) -> str:
    """The name of a column.

    >>> letter(0), letter(25)
    ('A', 'Z')
    """
    return chr(ord("A") + place)


def document(
    sides: Sequence[Side],
    found: Sequence[Fact],
    paired: Sequence[Paired],
    obstacles: Sequence[NotPaired],
) -> dict[str, Any]:
    """The comparison for `--json`."""
    return {
        "runs": [
            {
                "run": side.run,
                "model": side.record.model,
                "opened_at": side.record.opened_at,
                "outcome": side.outcome,
                "release": side.release.release if side.release else None,
                "note": side.note,
                "metrics": part(side.evaluation, "candidate", "metrics") or None,
                "test_rows": part(side.evaluation, "rows").get("test"),
            }
            for side in sides
        ],
        "facts": documents(found, sides),
        "paired": [
            {
                "run": each.run,
                "base": each.base,
                "rows": each.rows,
                "relabelled": each.relabelled,
                "metrics": {
                    name: {
                        "run": _numbers(each.values[name]),
                        "base": _numbers(each.base_values[name]),
                        "difference": _numbers(difference),
                    }
                    for name, difference in each.differences.items()
                },
            }
            for each in paired
        ],
        "not_paired": [{"run": run, "why": why} for run, why in obstacles],
    }


def _numbers(measured: "Measured") -> dict[str, float | None]:
    return {"value": measured.value, "low": measured.low, "high": measured.high}
