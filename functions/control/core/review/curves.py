"""ROC and precision-recall curves of a binary model, and predicted against actual values."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Document, finite, listed, mapping
from core.review.case import Case
from core.review.charts import Model
from core.review.plots import Place, Plot, curve_plot, predictions_plot
from core.words.catalogue import say
from core.words.lists import enumerated
from core.words.metrics import metric_label

MOST_POINTS = 120
MOST_DOTS = 250


@dataclass(frozen=True)
class Figure:
    """A plot with its caption."""

    id: str
    title: str
    caption: str
    plot: Plot


def curve_figures(case: Case) -> list[Figure]:
    """The curves that the evaluation has; none in one from before they were measured."""
    own = mapping(case.evaluation.get("curves"))
    if not own:
        return []
    documents: list[tuple[Model, Document]] = [("candidate", own)]
    theirs = mapping(mapping(case.evaluation.get("champion")).get("curves"))
    if theirs:
        documents.insert(0, ("champion", theirs))
    share = finite(own.get("positive_share"))
    level = 0.0 if share is None else share
    figures = []
    for name, ideal in (
        ("roc", (0.0, 0.0, 1.0, 1.0)),
        ("precision_recall", (0.0, level, 1.0, level)),
    ):
        models = [
            (model, points, _place(mapping(each.get("threshold")).get(name)))
            for model, each in documents
            if (points := _places(each.get(name), MOST_POINTS))
        ]
        if not models or models[-1][0] != "candidate":
            continue
        words = (
            say(f"review.curves.{name}.across"),
            say(f"review.curves.{name}.up"),
            say(f"review.curves.{name}.description", areas=_areas(case, name, models)),
        )
        figures.append(
            Figure(
                f"{name.replace('_', '-')}-chart",
                say(f"review.curves.{name}.title"),
                say(f"review.curves.{name}.caption"),
                curve_plot(models, ideal, words),
            )
        )
    return figures


def _areas(
    case: Case, curve: str, models: Sequence[tuple[Model, Sequence[Place], Place | None]]
) -> str:
    """The areas in words, where the evaluation has the metric: what the picture amounts to."""
    metric = {"roc": "auc", "precision_recall": "average_precision"}[curve]
    told = [
        say(
            "review.curves.area",
            model=say(f"review.chart.model.{model}"),
            metric=metric_label(metric),
            value=case.write(metric).value(case.scored(model, metric)),
        )
        for model, _, _ in models
        if case.scored(model, metric)
    ]
    return enumerated(reversed(told)) or say("missing.not_computed")


def predictions_figure(case: Case) -> Figure | None:
    """Predicted against actual values of a regression."""
    found = mapping(case.evaluation.get("predictions"))
    points = _places(found.get("points"), MOST_DOTS)
    if not points:
        return None
    return Figure(
        "predictions-chart",
        say("review.predictions.title"),
        say("review.predictions.caption"),
        predictions_plot(points),
    )


def _places(value: object, most: int) -> list[Place]:
    """At most so many [x, y] pairs of finite numbers."""
    return [place for each in listed(value)[:most] if (place := _place(each)) is not None]


def _place(value: object) -> Place | None:
    pair = listed(value)
    if len(pair) != 2:
        return None
    x, y = finite(pair[0]), finite(pair[1])
    return None if x is None or y is None else (x, y)
