"""What a search for better parameters tried, what it found, and how far that is to be believed."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Document, Estimate, finite, mapping, mappings
from core.review.bars import BarsChart, bars_chart
from core.review.case import Case
from core.review.plots import Plot, trials_plot
from core.review.tables import Cell, Column, Table, table
from core.words.catalogue import say
from core.words.formats import count, counted, number, percent, text
from core.words.lists import clauses, sentences
from core.words.metrics import metric_label
from core.words.steps import translated

MOST_DOTS = 1000
BEST = 10
MOST_BARS = 12


@dataclass(frozen=True)
class Trial:
    """A trial that could be trained."""

    number: float
    value: float
    document: Document


@dataclass(frozen=True)
class Search:
    """The section: sentences, the trials drawn and listed, and what mattered."""

    summary: str
    trust: str
    history: Plot | None
    mattered: BarsChart | None
    mattered_from: str
    winner: Table
    best: Table


def search(case: Case) -> Search | None:
    """The section about the search; None for a run that did not search."""
    found = case.trials
    every = mappings(found.get("trials"))
    known = sorted(_complete(every), key=lambda each: each.number)
    best = next((each for each in known if each.number == finite(found.get("best"))), None)
    if best is None:
        return None
    metric = text(found.get("metric"))
    higher = found.get("better") == "higher"
    own = next((each for each in known if each.number == 1), None)
    importance = mapping(found.get("importance"))
    return Search(
        summary=_summary(case, metric, every, best, own),
        trust=_trust(found, every),
        history=trials_plot(
            [(each.number, each.value) for each in known[:MOST_DOTS]],
            metric_label(metric),
            higher=higher,
        ),
        mattered=_mattered(importance),
        mattered_from=counted(len(known), "trial"),
        winner=_winner(case, best, found),
        best=_best(case, metric, known, higher=higher),
    )


def _complete(every: Sequence[Document]) -> list[Trial]:
    return [
        Trial(at, value, each)
        for each in every
        if (at := finite(each.get("number"))) is not None
        and (value := finite(each.get("value"))) is not None
    ]


def _written(case: Case, metric: str, value: float) -> str:
    return case.write(metric).value(Estimate(value, None, None))


def _summary(
    case: Case, metric: str, every: Sequence[Document], best: Trial, own: Trial | None
) -> str:
    """What was tried and found, and what failed."""
    tried, label = counted(len(every), "trial"), metric_label(metric)
    value = _written(case, metric, best.value)
    if best.number == 1:
        told = say("review.search.own_is_best", trials=tried, metric=label, value=value)
    elif own is None:
        trial = count(best.number)
        told = say("review.search.found", trials=tried, trial=trial, metric=label, value=value)
    else:
        told = say(
            "review.search.better",
            trials=tried,
            trial=count(best.number),
            metric=label,
            value=value,
            own=_written(case, metric, own.value),
        )
    failed = [each for each in every if finite(each.get("value")) is None]
    if not failed:
        return told
    reason = translated(text(failed[0].get("reason"))).rstrip(".。")
    number_of = counted(len(failed), "trial")
    trial = text(failed[0].get("number"))
    return sentences(
        told, say("review.search.failed", trials=number_of, trial=trial, reason=reason)
    )


def _trust(found: Document, every: Sequence[Document]) -> str:
    """Is it repeatable, and is the value on the validation rows to be believed?"""
    repeatable = say("review.search.repeatable")
    if found.get("stopped_by") == "minutes":
        done, asked = count(len(every)), counted(finite(found.get("asked")) or 0, "trial")
        repeatable = say("review.search.minutes", done=done, asked=asked)
    return sentences(say("review.search.optimism"), repeatable)


def _mattered(importance: Document) -> BarsChart | None:
    shares = [
        (text(name), share)
        for name, each in importance.items()
        if (share := finite(each)) is not None and share >= 0
    ]
    if not shares:
        return None
    ordered = sorted(shares, key=lambda each: (-each[1], each[0]))[:MOST_BARS]
    told = clauses(
        say("review.overview.row", name=name, value=percent(share)) for name, share in ordered
    )
    return bars_chart(
        [(name, share, percent(share)) for name, share in ordered],
        say("review.search.mattered_axis"),
        say("review.search.mattered_description", rows=told),
    )


def _setting(value: object) -> str:
    """A parameter's value; a number as it was tried."""
    known = finite(value)
    if isinstance(value, bool) or known is None:
        return text(value) if value is not None else say("review.search.not_set")
    return number(known, 6)


def _winner(case: Case, best: Trial, found: Document) -> Table:
    """The best trial's parameters beside model.yaml's."""
    own, taken = mapping(found.get("own")), mapping(best.document.get("parameters"))
    rows = [
        (
            Cell(text(name), code=True),
            Cell(_setting(taken.get(name, before))),
            Cell(_setting(before)),
        )
        for name, before in own.items()
    ]
    return table(
        "search-winner",
        say("review.search.winner_caption"),
        [
            Column(say("review.search.parameter")),
            Column(say("review.search.best_trial"), "number"),
            Column("model.yaml", "number"),
        ],
        rows,
        case.limit,
        thing="setting",
    )


def _best(case: Case, metric: str, known: Sequence[Trial], *, higher: bool) -> Table:
    ordered = sorted(known, key=lambda each: (-each.value if higher else each.value, each.number))
    rows = []
    for each in ordered[:BEST]:
        parameters = mapping(each.document.get("parameters"))
        words = clauses(f"{text(name)} {_setting(value)}" for name, value in parameters.items())
        rows.append(
            (
                Cell(count(each.number)),
                Cell(_written(case, metric, each.value)),
                Cell(count(each.document.get("rounds"))),
                Cell(words or say("review.search.as_written")),
            )
        )
    return table(
        "search-best",
        say("review.search.best_caption"),
        [
            Column(say("review.search.trial"), "number"),
            Column(metric_label(metric), "number"),
            Column(say("review.search.rounds"), "number"),
            Column(say("review.search.parameters")),
        ],
        rows,
        min(case.limit, BEST),
        total=len(known),
        thing="trial",
        where=say("review.search.in_trials"),
    )
