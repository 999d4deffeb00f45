"""Compare what the model in service gets and answers with its own baseline.

Drift is compared among the rows that have a value: how many have none is a check of its own, so
values that go missing alarm once, and not as drift, too. With the same aim, values that are new
beyond doubt count only as unknown.

Nothing is compared with fewer rows than the floor. `family` is the number of checks of the whole
monitoring (see family_of): p-values are computed as precisely as that needs.
"""

from collections.abc import Mapping
from typing import Any

from drift.categories import binned, unknown
from drift.checks import ALPHA, Check, Name
from drift.counts import FeatureCounts, Reference, references
from drift.distance import wasserstein
from drift.permutation import two_sample
from drift.psi import Integers
from drift.rates import rise

Settings = Mapping[str, Any]
# Besides those of features: invalid rows, predictions, quality.
OTHER_CHECKS = 3


def family_of(baseline: Mapping[str, Any]) -> int:
    """The number of checks of a monitoring against this baseline."""
    kinds = [entry["kind"] for entry in baseline["features"].values()]
    return 2 * len(kinds) + kinds.count("categorical") + OTHER_CHECKS


def compare_features(
    baseline: Mapping[str, Any],
    counts: Mapping[str, FeatureCounts],
    settings: Settings,
    family: int,
) -> list[Check]:
    """The checks of every feature of the baseline; one without counts was not captured."""
    found = []
    for name, reference in references(baseline).items():
        now = counts.get(name)
        found.append(compare_drift("drift", name, reference, now, settings, family))
        found.append(compare_missing(name, reference, now, settings, family))
        if reference.kind == "categorical":
            found.append(_unknown(name, reference, now, settings, family))
    return found


def compare_predictions(
    scores: Mapping[str, Any] | None,
    now: FeatureCounts | None,
    settings: Settings,
    family: int,
) -> Check:
    """The check of the predictions; `scores` is evaluation.json's, which earlier releases lack."""
    if scores is None:
        return Check("prediction", None, "no baseline")
    reference = Reference.of(scores, int(scores["rows"]))
    return compare_drift("prediction", None, reference, now, settings, family)


def compare_invalid(
    before: int, rows_before: int, now: int, rows_now: int, settings: Settings, family: int
) -> Check:
    """The check of rows that were refused, against those that Preprocess refused."""
    return _rate("invalid", None, (before, rows_before), (now, rows_now), settings, family)


def compare_drift(
    check: Name,
    feature: str | None,
    reference: Reference,
    now: FeatureCounts | None,
    settings: Settings,
    family: int,
    *,
    new: bool = False,
) -> Check:
    """Compare the distribution of the rows that have a value; `new` as for categories.binned."""
    practical = float(settings["drift" if check == "drift" else "prediction_drift"])
    floor = int(settings["minimum_rows"])
    if now is None:
        return Check(check, feature, "not captured")
    if not reference.present:
        return Check(check, feature, "no baseline", now=now.mean)
    if now.rows < floor:
        return Check(check, feature, "too few rows", before=reference.mean, now=now.mean)
    if not now.present:
        return Check(check, feature, "absent", before=reference.mean)
    if now.present < floor:
        return Check(check, feature, "too few rows", before=reference.mean, now=now.mean)
    before_bins, now_bins = in_bins(reference, now, new=new)
    found = two_sample(before_bins, now_bins, f"{check} {feature}", ALPHA / family)
    return Check(
        check,
        feature,
        "constant" if now.constant and not reference.constant else "compared",
        value=found.psi,
        practical=practical,
        chance=found.chance,
        p=found.p,
        before=reference.mean,
        now=now.mean,
        distance=wasserstein(reference, now),
    )


def in_bins(
    reference: Reference, now: FeatureCounts, *, new: bool = False
) -> tuple[Integers, Integers]:
    """The counts of both in the same bins; `new` as for categories.binned."""
    if reference.kind == "categorical" or now.bins is None:
        both = binned(reference, now, new=new)
        return both.before, both.now
    return reference.bins, now.bins


def compare_missing(
    name: str, reference: Reference, now: FeatureCounts | None, settings: Settings, family: int
) -> Check:
    """Compare how many rows have no value."""
    if now is None:
        return Check("missing", name, "not captured")
    before = (reference.missing, reference.rows)
    return _rate("missing", name, before, (now.missing, now.rows), settings, family)


def _unknown(
    name: str, reference: Reference, now: FeatureCounts | None, settings: Settings, family: int
) -> Check:
    if now is None:
        return Check("unknown", name, "not captured")
    if not reference.categories or reference.other is not None:
        return Check("unknown", name, "no baseline")
    if now.rows >= int(settings["minimum_rows"]) and not now.present:
        return Check("unknown", name, "absent")
    if now.present < int(settings["minimum_rows"]):
        return Check("unknown", name, "too few rows")
    found = unknown(reference, now, name, ALPHA / family)
    return Check(
        "unknown",
        name,
        "compared",
        value=found.now - found.before,
        practical=float(settings["unknown"]),
        chance=found.chance,
        p=found.p,
        before=found.before,
        now=found.now,
        low=found.low,
        high=found.high,
    )


def _rate(
    check: Name,
    feature: str | None,
    before: tuple[int, int],
    now: tuple[int, int],
    settings: Settings,
    family: int,
) -> Check:
    """Compare (rows of the kind, all rows) with those before."""
    if not before[1]:
        return Check(check, feature, "no baseline")
    if now[1] < max(1, int(settings["minimum_rows"])):
        return Check(check, feature, "too few rows", before=before[0] / before[1])
    found = rise(*before, *now, ALPHA / family)
    return Check(
        check,
        feature,
        "compared",
        value=found.difference,
        practical=float(settings[check]),
        chance=found.chance,
        p=found.p,
        before=found.before,
        now=found.now,
        low=found.low,
        high=found.high,
    )
