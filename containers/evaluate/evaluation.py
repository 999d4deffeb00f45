"""Evaluate a candidate, alone or against the champion, on the same test rows. Pure: no files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.bootstrap import Comparison, Estimate, Estimates, compare
from contract.metrics import Floats, Scored
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores, parity
from contract.own_model import OWN
from contract.plan import Plan
from contract.reports import without_nan
from contract.row_scores import row_scores
from contract.segments import segments_of
from contract.split import SplitRecord
from contract.step import StepError
from drift.baselines import drift
from drift.scores import scores_of
from evaluate.consequences import consequences
from evaluate.curves import curves, predictions
from evaluate.diagnostics import calibration, confusion, importance, residuals
from evaluate.golden import golden
from evaluate.segments import fairness_entry, segment_entry
from evaluate.unseen import unseen

SEEN = "were left out, because the champion was trained on them"
BATCH_ONLY = (
    "the candidate computes its features with features.py, the champion does not: once it is in "
    "service, requests are refused and only batches are scored"
)

# 2: consequences, curves, predictions, and the champion's diagnostics. Readers take either.
FORMAT = 2


@dataclass(frozen=True)
class Evidence:
    """What Preprocess reported about this run's data, and the champion's baseline, if any."""

    preprocess: Mapping[str, Any]
    baseline: Mapping[str, Any]
    champion_baseline: Mapping[str, Any] | None
    split: SplitRecord | None = None
    champion_split: SplitRecord | None = None
    reference_split: SplitRecord | None = None


@dataclass(frozen=True)
class Models:
    """The candidate, and the models in service now and before that it is compared with."""

    candidate: Artifact
    champion: Artifact | None = None
    reference: Artifact | None = None


@dataclass(frozen=True)
class Evaluated:
    """The content of evaluation.json, of golden.json and of scores.parquet, and the comparison that
    the first is based on."""

    document: dict[str, Any]
    golden: dict[str, Any]
    comparison: Comparison
    row_scores: pl.DataFrame | None = None


def evaluate(plan: Plan, test: pl.DataFrame, models: Models, evidence: Evidence) -> Evaluated:
    """Score the test rows with each model and measure what the gate and the page need."""
    if not test.height:
        raise StepError("there are no test rows; add data or raise the test share in 'split'")
    candidate, champion = models.candidate, models.champion
    everything = test.height
    test, seen = unseen_rows(test, champion, evidence.split, evidence.champion_split)
    classes = classes_of(candidate, champion)
    # The classes that only the reference knows come last: no row of the candidate has one.
    all_classes = classes_of(candidate, champion, models.reference)
    labels = candidate.encoding.labels(test, "test")
    served = scored(plan, candidate, test, labels, all_classes)
    rival, obstacle = rival_of(plan, candidate, champion, test, labels, all_classes, seen=seen)
    comparison = compare(served, rival, plan.metrics)
    reference = compare_reference(plan, models, test, evidence, all_classes)
    native = native_model(candidate.library, candidate.native)
    native_scores = native.scores(candidate.encoding.matrix(test))
    own = served.scores if plan.task != "multiclass" else served.scores[:, : native_scores.shape[1]]
    diagnostics = diagnostics_of(served)
    document: dict[str, Any] = {
        "format": FORMAT,
        "run": plan.run,
        "model": plan.model,
        "task": plan.task,
        "primary": plan.primary,
        "metrics": list(plan.metrics),
        "rows": dict(evidence.preprocess["rows_written"]) | {"test": test.height},
        "candidate": {"metrics": _written(comparison.candidate)} | features_py(candidate),
        "champion": _champion(plan, champion, comparison.champion or unknown(plan), obstacle),
        "consequences": consequences(served, rival, classes),
        "difference": None
        if champion is None
        else _written(comparison.difference or unknown(plan)),
        "reference": reference,
        **_by_segment(plan, test, served, rival, obstacle),
        "parity": asdict(parity(plan.task, own, native_scores)) | alone(candidate),
        "data": _data(evidence, models, obstacle, left_out=everything - test.height),
        "importance": importance(candidate, native, test),
        **diagnostics,
        "scores": scores_of(served, all_classes),
        "predictions": predictions(served) if plan.task == "regression" else None,
        "confusion": None if plan.task == "regression" else confusion(served, classes),
        "threshold": candidate.threshold,
    }
    if document["champion"] is not None and rival is not None:
        document["champion"] |= diagnostics_of(rival, diagnostics["residuals"])
    records = golden(plan.task, candidate, native, test, own, apart={*plan.private, *plan.key})
    by_row = row_scores(test, plan.target, own, candidate.encoding.classes)
    return Evaluated(without_nan(document), records, comparison, by_row)


def alone(candidate: Artifact) -> dict[str, bool]:
    """Was the ONNX form compared with itself, each row alone, because no library is here?"""
    return {"alone": True} if candidate.library == OWN else {}


def _by_segment(
    plan: Plan, test: pl.DataFrame, served: Scored, rival: Scored | None, obstacle: str | None
) -> dict[str, Any]:
    return {
        "segments": [
            segment_entry(segment, served, rival, plan.metrics) | _unknown_rival(plan, obstacle)
            for column in plan.segments
            for segment in segments_of(test, column)
        ],
        "fairness": [
            fairness_entry(rule, test, served, plan.minimum_segment_rows) for rule in plan.fairness
        ],
    }


def diagnostics_of(model: Scored, beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A model's diagnostics; `beside` are the residuals that its own will be drawn over."""
    regression, binary = model.task == "regression", model.task == "binary"
    edges = None if beside is None else beside["edges"]
    return {
        "calibration": calibration(model) if binary else None,
        "curves": curves(model) if binary else None,
        "residuals": residuals(model, edges) if regression else None,
    }


def rival_of(
    plan: Plan,
    candidate: Artifact,
    rival: Artifact | None,
    test: pl.DataFrame,
    labels: Floats,
    classes: Sequence[str],
    name: str = "champion",
    seen: StepError | None = None,
) -> tuple[Scored | None, str | None]:
    """Score the champion or the reference, or return the reason why it cannot be compared; `seen`
    is one.

    That is not a failure of the run: a definition may change on purpose. The model's metrics are
    then missing, and the gate holds the candidate with this reason, so that a person decides.
    """
    if rival is None:
        return None, None
    try:
        check_comparable(candidate, rival)
        if seen is not None:
            raise seen
        return scored(plan, rival, test, labels, classes), None
    except StepError as error:
        return None, not_compared(name, str(error))


def not_compared(name: str, why: str) -> str:
    return (
        f"the {name} could not be compared: {why}; decide in the review whether the "
        "candidate replaces it anyway"
    )


def compare_reference(
    plan: Plan, models: Models, test: pl.DataFrame, evidence: Evidence, classes: Sequence[str]
) -> dict[str, Any] | None:
    """The primary metric of the reference, and of the difference to it, on the same rows: the test
    rows that the reference was not trained on either."""
    if plan.reference is None:
        return None
    about = {
        key: plan.reference[key] for key in ("release", "why", "run", "package_arn", "version")
    }
    unreadable = plan.reference.get("obstacle")
    candidate, reference = models.candidate, models.reference
    test, seen = unseen_rows(test, reference, evidence.split, evidence.reference_split)
    labels = candidate.encoding.labels(test, "test")
    rival, obstacle = rival_of(plan, candidate, reference, test, labels, classes, "reference", seen)
    if unreadable:
        obstacle = not_compared("reference", unreadable)
    if rival is None:
        return about | {"metrics": {}, "difference": {}, "obstacle": obstacle}
    served = scored(plan, candidate, test, labels, classes)
    found = compare(served, rival, [plan.primary])
    return about | {
        "metrics": _written(found.champion or {}),
        "difference": _written(found.difference or {}),
    }


def unseen_rows(
    test: pl.DataFrame,
    rival: Artifact | None,
    now: SplitRecord | None,
    before: SplitRecord | None,
) -> tuple[pl.DataFrame, StepError | None]:
    """The test rows to compare on; all of them, with the reason, where they cannot be told."""
    if rival is None:
        return test, None
    try:
        return unseen(test, now, before), None
    except StepError as error:
        return test, error


def check_comparable(candidate: Artifact, champion: Artifact) -> None:
    """Raise StepError if the two models do not answer the same question."""
    now, before = candidate.encoding, champion.encoding
    asked = {
        "task": (before.task, now.task),
        "target": (before.target, now.target),
        "positive": (before.positive, now.positive),
    }
    for name, (was, is_now) in asked.items():
        if was != is_now:
            raise StepError(
                f"its {name} is '{was}', the candidate's is '{is_now}'; give a model for another "
                "question a new name"
            )


def classes_of(candidate: Artifact, *rivals: Artifact | None) -> tuple[str, ...]:
    """The candidate's classes, then those that only the others know; none for regression."""
    known = candidate.encoding.classes or ()
    if candidate.encoding.task != "multiclass":
        return known
    for rival in rivals:
        if rival is not None and rival.encoding.task == "multiclass":
            known += tuple(name for name in rival.encoding.classes or () if name not in known)
    return known


def scored(
    plan: Plan, artifact: Artifact, test: pl.DataFrame, labels: Floats, classes: Sequence[str]
) -> Scored:
    """Score the test rows as serving does. A class the model does not know gets probability 0.

    Each model computes its own features, from what this run read: not from what it computed.
    """
    scores = onnx_scores(artifact, test.drop(plan.computed)).astype(np.float64)
    threshold = artifact.threshold
    if plan.task != "multiclass":
        threshold = 0.5 if threshold is None else threshold
        return Scored(plan.task, labels, scores[:, 0], threshold, plan.costs)
    widened = np.zeros((len(scores), len(classes)))
    for position, name in enumerate(artifact.encoding.classes or ()):
        widened[:, classes.index(name)] = scores[:, position]
    return Scored(plan.task, labels, widened)


def unknown(plan: Plan) -> Estimates:
    """The metrics of a champion that could not be compared."""
    return {name: Estimate(None) for name in plan.metrics}


def _unknown_rival(plan: Plan, obstacle: str | None) -> dict[str, Any]:
    if obstacle is None:
        return {}
    return {
        "champion": dict.fromkeys(plan.metrics),
        "difference": _written(unknown(plan)),
    }


def _written(estimates: Estimates) -> dict[str, dict[str, float | None]]:
    return {
        name: {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        for name, estimate in estimates.items()
    }


def _champion(
    plan: Plan, champion: Artifact | None, estimates: Estimates, obstacle: str | None
) -> dict[str, Any] | None:
    if plan.champion is None:
        return None
    return {
        "run": plan.champion["run"],
        "package_arn": plan.champion["package_arn"],
        "version": plan.champion["version"],
        "metrics": _written(estimates),
        "threshold": None if champion is None else champion.threshold,
        **features_py(champion),
    } | ({"obstacle": obstacle} if obstacle else {})


def features_py(artifact: Artifact | None) -> dict[str, str]:
    """The digest of the model's features.py; nothing without one."""
    if artifact is None or artifact.code is None:
        return {}
    return {"features_py": artifact.code.sha256}


def _data(
    evidence: Evidence, models: Models, obstacle: str | None, left_out: int
) -> dict[str, Any]:
    candidate, champion = models.candidate, models.champion
    refuses = candidate.code is not None and champion is not None and champion.code is None
    read = int(evidence.preprocess["rows_read"])
    rejected = int(evidence.preprocess["rows_rejected"])
    before = evidence.champion_baseline
    return {
        "rows_read": read,
        "rows_rejected": rejected,
        "rejected_share": rejected / read if read else 0.0,
        "rejected": list(evidence.preprocess.get("rejected", ())),
        "warnings": [
            *evidence.preprocess.get("warnings", ()),
            *([obstacle] if obstacle else []),
            *([BATCH_ONLY] if refuses else []),
            *([f"{left_out:,} test rows {SEEN}"] if left_out else []),
        ],
        "drift": None if before is None else drift(before, evidence.baseline),
    }
