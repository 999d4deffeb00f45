"""What changed since the champion: the data, and the definition."""

from collections.abc import Iterator, Mapping
from typing import Literal

from core.definition.query import gathering_file
from core.reading import Document, finite, mapping, mappings
from core.review.case import Case
from core.review.charts import Bar
from core.review.tables import Cell, Column, Table, Tone, table
from core.words.catalogue import found, say
from core.words.formats import alike, count, counted, percent, text
from core.words.lists import enumerated

# The customary reading of the population stability index.
SOME_DRIFT, STRONG_DRIFT = 0.1, 0.25
FULL_BAR = 0.5


def drift_tables(case: Case) -> tuple[Table | None, Table | None]:
    """(the features that drifted or could not be compared, the most first; the stable ones)."""
    features = mappings(mapping(case.evaluation.get("data")).get("drift"))
    ordered = sorted(
        features,
        key=lambda each: (
            finite(each.get("psi")) is not None,  # what could not be computed is looked at first
            each.get("alarm") is not True,
            -(finite(each.get("psi")) or 0.0),
            text(each.get("feature")),
        ),
    )
    written = alike([_shown_psi(each) for each in ordered])
    moved: list[tuple[Document, str]] = []
    stable: list[tuple[Document, str]] = []
    for each, psi in zip(ordered, written, strict=True):
        _, reading = drift_reading(each)
        calm = reading in ("stable", "chance") and each.get("missing_alarm") is not True
        (stable if calm else moved).append((each, psi))
    return (
        _drift_table(case, "drift-table", say("review.drift.caption"), moved),
        _drift_table(
            case,
            "drift-stable",
            say("review.drift.stable", features=counted(len(stable), "feature")),
            stable,
        ),
    )


def _drift_table(
    case: Case, id: str, caption: str, drifts: list[tuple[Document, str]]
) -> Table | None:
    """A table of features, each with its index as it is written."""
    if not drifts:
        return None
    rows = [_drift_row(each, psi) for each, psi in drifts[: case.limit]]
    columns = [
        Column(say("review.column.feature")),
        Column(say("review.drift.psi"), "number"),
        Column(say("review.drift.bar"), "number"),
        Column(say("review.drift.missing_before"), "number"),
        Column(say("review.drift.missing_now"), "number"),
        Column(say("review.column.reading"), "rest"),
    ]
    where = say("review.table.in_evaluation")
    return table(
        id, caption, columns, rows, case.limit, total=len(drifts), thing="feature", where=where
    )


def _drift_row(each: Document, written: str) -> list[Cell]:
    psi, bar = finite(each.get("psi")), finite(each.get("bar"))
    tone, reading = drift_reading(each)
    drawn = None
    if psi is not None:
        at = SOME_DRIFT if bar is None else min(max(bar, 0.0), FULL_BAR)
        marks = (round(100 * at / FULL_BAR, 1), 100 * STRONG_DRIFT / FULL_BAR)
        drawn = Bar(round(100 * min(max(psi, 0.0), FULL_BAR) / FULL_BAR, 1), marks)
    risen = each.get("missing_alarm") is True
    return [
        Cell(text(each.get("feature")), note=_kind(each)),
        Cell(written, drawing=drawn),
        Cell("–" if bar is None else f"{bar:.3g}"),
        Cell(percent(each.get("missing_before"))),
        Cell(
            percent(each.get("missing_now")),
            note=say("review.drift.missing_rose") if risen else "",
            tone="unclear" if risen else "",
        ),
        Cell(say(f"review.drift.reading.{reading}"), tone=tone),
    ]


def _kind(each: Document) -> str:
    kind = text(each.get("kind"), "")
    return found("review.kind", kind) or kind


def _shown_psi(each: Document) -> float | None:
    """Without the last digits' noise: the same data is 0, not 10⁻³²."""
    psi = finite(each.get("psi"))
    return None if psi is None else round(psi, 6) + 0.0


def drift_reading(each: Document) -> tuple[Tone, str]:
    """What a feature's drift means, by its key in the catalogue: the customary reading of the
    index, and no more than chance where it does not reach the bar. Evaluations of earlier versions
    have no bar."""
    psi = finite(each.get("psi"))
    if psi is None:
        return "unclear", "not_computed"
    if psi < SOME_DRIFT:
        return "good", "stable"
    if each.get("alarm") is False:
        return "good", "chance"
    return ("unclear", "some") if psi < STRONG_DRIFT else ("bad", "strong")


def drift_summary(case: Case) -> str:
    """The drift table in one sentence."""
    compared = mappings(mapping(case.evaluation.get("data")).get("drift"))
    readings = [drift_reading(each)[1] for each in compared]
    counts = [
        say(
            "review.drift.count",
            count=count(readings.count(reading)),
            reading=say(f"review.drift.reading.{reading}"),
        )
        for reading in ("strong", "some", "chance", "stable", "not_computed")
        if reading in readings
    ]
    features = counted(len(readings), "feature")
    return (
        say("review.drift.summary", features=features, readings=enumerated(counts))
        if counts
        else ""
    )


def flattened(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every scalar of a definition under its path; named entries go by name, not by place.

    >>> dict(flattened({"features": [{"name": "sex", "kind": "categorical"}], "also": ["mae"]}))
    {'features[sex].kind': 'categorical', 'also': 'mae'}
    """
    if isinstance(value, Mapping):
        if not value and path:
            yield path, say("review.none")
        for key, inner in value.items():
            part = str(key) or say("review.blank")
            yield from flattened(inner, f"{path}.{part}" if path else part)
    elif isinstance(value, list | tuple):
        named = [each.get("name") if isinstance(each, Mapping) else None for each in value]
        every_named = bool(named) and all(isinstance(name, str) for name in named)
        if every_named and len(set(named)) == len(named):
            for name, each in zip(named, value, strict=True):
                rest = {key: inner for key, inner in each.items() if key != "name"}
                yield from flattened(rest or say("review.definition.there"), f"{path}[{name}]")
        elif any(isinstance(each, Mapping | list | tuple) for each in value):
            for index, each in enumerate(value):
                yield from flattened(each, f"{path}[{index}]")
        else:
            yield path, enumerated(_written(each) for each in value) or say("review.none")
    else:
        yield path, _written(value)


def _written(value: object) -> str:
    return '""' if value == "" else text(value, say("review.none"))


def _features_py(case: Case, who: Literal["candidate", "champion"]) -> dict[str, str]:
    """The file of the model's folder that computes its features, by the begin of its digest."""
    sha256 = mapping(case.evaluation.get(who)).get("features_py")
    return {"features.py": f"{text(sha256)[:12]}…"} if sha256 else {}


def definition_table(case: Case) -> Table | None:
    """Keys of the definition that differ from the champion's; None without the champion's."""
    if not case.champion_definition or not case.definition:
        return None
    was = dict(flattened(case.champion_definition)) | _features_py(case, "champion")
    now = dict(flattened(case.definition)) | _features_py(case, "candidate")
    now |= gathering_file(case.plan)
    rows = []
    for key in sorted(was.keys() | now.keys()):
        before, after = was.get(key), now.get(key)
        # A key that an earlier version did not have and that is not set is no change.
        if before == after or {before, after} <= {None, say("review.none")}:
            continue
        change = "added" if before is None else "removed" if after is None else "changed"
        rows.append(
            (
                Cell(key, code=True),
                Cell(say(f"review.definition.{change}")),
                Cell("–" if before is None else before, code=True),
                Cell("–" if after is None else after, code=True),
            )
        )
    columns = [
        Column(say("review.definition.key")),
        Column(say("review.definition.change"), "short"),
        Column(say("review.column.champion"), "short"),
        Column(say("review.column.candidate"), "short"),
    ]
    caption = say("review.definition.caption")
    return table("definition-table", caption, columns, rows, case.limit, thing="setting")
