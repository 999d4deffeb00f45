"""report.json: the checks, what they are about, and the state that follows from them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from contract.metrics import Scored
from drift.checks import Check, alarms
from drift.comparison import compare_features, compare_invalid, compare_predictions, family_of
from drift.counts import FeatureCounts
from drift.quality import compare_quality
from monitor.answers import WATCHED
from monitor.quality import Labelled, judged_days, quality
from monitor.release import ReleaseEvidence
from monitor.request import Request
from monitor.watch import BATCH, CAPTURED, Watch
from monitor.watched import described
from observed.labels import Labels, Resolved

FORMAT = 1
# A column put in the target's place has a new class in every row.
MOST_NEW_CLASSES = 20
HEALTHY, ALARM, NO_DATA, TOO_FEW = "healthy", "alarm", "no data", "too few rows"


def report(
    request: Request,
    release: ReleaseEvidence,
    watch: Watch,
    labels: Labels,
    resolved: Resolved,
    tested: Callable[[], Scored],
) -> dict[str, Any]:
    """The document, without what only the shell knows. `tested` scores the test rows."""
    of_release = resolved.matched.filter(pl.col("release") == request.release.number)
    own = of_release.filter(WATCHED)
    labelled = Labelled.of(own, request.plan, release.artifact)
    judged = _judged(request, watch, labelled)
    checks = checks_of(request, release, watch, judged, tested)
    minimum = int(request.settings["minimum_rows"])
    days = [day.isoformat() for day in watch.days]
    distances = {check.feature: check.distance for check in checks if check.check == "drift"}
    predictions = next(check for check in checks if check.check == "prediction")
    tallies, predicted = watch.tallies, watch.predictions
    return {
        "format": FORMAT,
        "monitoring": request.name,
        "model": request.model,
        "release": request.release.number,
        "run": request.release.run,
        "window": request.window.document(),
        "state": state_of(checks, watch.total, minimum),
        "rows": {
            "captured": watch.rows[CAPTURED],
            "batch": watch.rows[BATCH],
            "not_watched": watch.apart,
            "invalid": watch.broken + watch.refused,
            "labelled": labelled.rows,
            "other_releases": {str(number): rows for number, rows in sorted(watch.others.items())},
        },
        "capture_share": request.settings.get("capture_share"),
        "checks": [check.document() for check in checks],
        "features": [
            described(one, tallies[one.column], days, distances.get(one.name), minimum)
            for one in watch.observed
        ],
        "predictions": described(
            predicted, tallies[predicted.column], days, predictions.distance, minimum
        ),
        "quality": _quality(request, release, watch, labelled, judged),
        "labels": _labels(labels, resolved, labelled.rows, own.height, of_release.height),
    }


def checks_of(
    request: Request,
    release: ReleaseEvidence,
    watch: Watch,
    judged: Labelled,
    tested: Callable[[], Scored],
) -> list[Check]:
    """Every check, with the alarms of all of them together. `judged` is what quality is of."""
    settings = request.settings
    family = family_of(release.baseline)
    predicted: FeatureCounts = watch.tallies[watch.predictions.column].total()
    checks = compare_features(release.baseline, watch.feature_counts(), settings, family)
    checks.append(compare_predictions(release.scores, predicted, settings, family))
    checks.append(
        compare_invalid(
            release.rejected,
            release.read,
            watch.broken + watch.refused,
            watch.total + watch.refused,
            settings,
            family,
        )
    )
    if settings.get("quality") is not None:
        checks.append(_compare_quality(request, release, judged, tested, family))
    return alarms(checks)


def state_of(checks: Sequence[Check], rows: int, minimum: int) -> str:
    """What the monitoring comes to. Without rows it is neither health nor a failure; an alarm may
    then still be one of quality, whose answers were given before the window."""
    if any(check.alarm for check in checks):
        return ALARM
    if not rows:
        return NO_DATA
    return TOO_FEW if rows < minimum else HEALTHY


def _compare_quality(
    request: Request,
    release: ReleaseEvidence,
    judged: Labelled,
    tested: Callable[[], Scored],
    family: int,
) -> Check:
    plan, settings = request.plan, request.settings
    if judged.rows < max(1, int(settings["minimum_labels"])):
        # The test rows need not be scored for this.
        before = release.metrics.get(plan.primary, {}).get("value")
        return Check("quality", None, "too few rows", before=before)
    return compare_quality(plan.primary, tested(), judged.scored, settings, family)


def _judged(request: Request, watch: Watch, labelled: Labelled) -> Labelled:
    """The rows that quality is of: of as many days as are watched, the last with labels."""
    minimum = int(request.settings["minimum_labels"])
    answered = watch.answers.answered
    return labelled.of_days(
        judged_days(labelled.by_day(), answered, len(request.window.days), minimum)
    )


def _quality(
    request: Request,
    release: ReleaseEvidence,
    watch: Watch,
    labelled: Labelled,
    judged: Labelled,
) -> dict[str, Any] | None:
    """None if there is nothing to be right or wrong about, or nothing that says so."""
    if not request.labels or not watch.answers.answered:
        return None
    minimum = int(request.settings["minimum_labels"])
    answered = watch.answers.answered
    return quality(labelled, judged, answered, request.plan, release.metrics, minimum)


def _labels(
    labels: Labels, resolved: Resolved, used: int, own: int, of_release: int
) -> dict[str, Any]:
    """What became of the labels. `no_class` are answered rows whose label is no class of the
    release; `other_releases` are those that another release answered; `not_watched` are those from
    where nothing is watched."""
    return {
        **resolved.counts,
        "rows": labels.rows,
        "invalid": labels.invalid,
        "unreadable": list(labels.unreadable),
        "new_classes": dict(labels.new_classes.most_common(MOST_NEW_CLASSES)),
        "no_class": own - used,
        "other_releases": resolved.matched.height - of_release,
        "not_watched": of_release - own,
        "samples": {name: list(places) for name, places in resolved.samples.items()},
    }
