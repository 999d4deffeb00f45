"""Search for better parameters: train with many, and keep those that score best.

Trials are judged by the primary metric on the validation rows: unlike the loss that early stopping
watches, it is the same for every objective, unweighted, and what the gate asks about. The test rows
are no input of Train. Trial 1 has model.yaml's own parameters, so the search never ends with worse
ones by that metric.

The trials of a batch are chosen before any of it is known, and told in their order. So the result
follows from the rows, the seed and the space, and not from time or processors; unless `minutes`
ended it, which happens between batches only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contract.metrics import HIGHER_IS_BETTER, measure
from contract.plan import Scalar, Search
from contract.step import StepError
from train.model import Prepared, judged, scorer
from train.suggestions import Suggestions

FORMAT = 1


@dataclass(frozen=True)
class Result:
    """What parameters came to: a value after so many rounds, or why not."""

    value: float | None
    rounds: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Trial:
    """`number` counts from 1; `parameters` are those of the space, `own` of trial 1."""

    number: int
    parameters: Mapping[str, Scalar]
    result: Result

    def document(self) -> dict[str, Any]:
        found = self.result
        return {
            "number": self.number,
            "state": "complete" if found.value is not None else "failed",
            "parameters": dict(self.parameters),
            "value": found.value,
            "rounds": found.rounds,
            **({"reason": found.reason} if found.reason else {}),
        }


@dataclass(frozen=True)
class Found:
    """What a search came to. `stopped_by` is "minutes" where these ended it."""

    trials: tuple[Trial, ...]
    best: Trial
    parameters: Mapping[str, Scalar]
    document: Mapping[str, Any]


class Trials:
    """The trials so far, told one after another in their order."""

    def __init__(self, prepared: Prepared, wanted: Search, say: Callable[[str], None]) -> None:
        self._prepared, self._say = prepared, say
        self.plan, self.wanted = prepared.plan, wanted
        self.metric = self.plan.primary
        self.higher = self.metric in HIGHER_IS_BETTER
        self.every: list[Trial] = []
        self.best: Trial | None = None
        self._known: dict[str, Result] = {}

    def run(self, parameters: Mapping[str, Scalar]) -> float | None:
        """Train with these parameters in place of model.yaml's; the value, None if it failed."""
        merged = {**self.plan.trainer.parameters, **parameters}
        key = json.dumps(merged, sort_keys=True)
        if key not in self._known:  # few whole numbers and choices come up again
            self._known[key] = result_of(self._prepared.with_parameters(merged))
        trial = Trial(len(self.every) + 1, dict(parameters), self._known[key])
        self.every.append(trial)
        if self._is_best(trial):
            self.best = trial
        self._report(trial)
        return trial.result.value

    def _is_best(self, trial: Trial) -> bool:
        """Is it better than all before? Of equal ones the first is kept."""
        value = trial.result.value
        if value is None or self.best is None or self.best.result.value is None:
            return value is not None
        before = self.best.result.value
        return value > before if self.higher else value < before

    def _report(self, trial: Trial) -> None:
        value = trial.result.value
        came = f"failed: {trial.result.reason}" if value is None else f"{self.metric} {value:.6g}"
        best = self.best
        ahead = "" if best is None else f" (best {best.result.value:.6g}, trial {best.number})"
        self._say(f"trial {trial.number} of {self.wanted.trials}: {came}{ahead}")


def search(
    prepared: Prepared, clock: Callable[[], float], say: Callable[[str], None] = print
) -> Found:
    """Try parameters as the plan's search says. `clock` gives seconds.

    Raises StepError if no trial could be trained.
    """
    plan = prepared.plan
    wanted = plan.search
    assert wanted is not None  # noqa: S101 - the caller has seen it
    trials = Trials(prepared, wanted, say)
    suggestions = Suggestions(wanted, plan.trainer.seed, higher_is_better=trials.higher)
    until = None if wanted.minutes is None else clock() + 60 * wanted.minutes
    stopped_by = None
    own = trials.run({})
    if own is not None:
        suggestions.know(plan.trainer.parameters, own)
    while (left := wanted.trials - len(trials.every)) > 0:
        if until is not None and clock() >= until:
            stopped_by = "minutes"
            say(f"the search ends after {wanted.minutes} minutes")
            break
        for each in suggestions.ask(min(left, wanted.batch)):
            suggestions.tell(each, trials.run(each.parameters))
    return _found(trials, suggestions, stopped_by)


def _found(trials: Trials, suggestions: Suggestions, stopped_by: str | None) -> Found:
    best, plan, wanted = trials.best, trials.plan, trials.wanted
    if best is None:
        count, first = len(trials.every), trials.every[0].result.reason
        raise StepError(f"search: none of {count} trials could be trained; trial 1: {first}")
    document = {
        "format": FORMAT,
        "metric": trials.metric,
        "better": "higher" if trials.higher else "lower",
        "asked": wanted.trials,
        "batch": wanted.batch,
        "seed": plan.trainer.seed,
        "stopped_by": stopped_by,
        "best": best.number,
        "own": {name: plan.trainer.parameters.get(name) for name in wanted.space},
        "importance": suggestions.importance(),
        "trials": [each.document() for each in trials.every],
        "versions": {"optuna": suggestions.version},
    }
    parameters = {**plan.trainer.parameters, **best.parameters}
    return Found(tuple(trials.every), best, parameters, document)


def result_of(prepared: Prepared) -> Result:
    """Train once, and measure the primary metric on the validation rows."""
    plan = prepared.plan
    try:
        learner, fitted = prepared.fit()
        native = learner.native(fitted.best)
        learner.ensemble(native)  # what ONNX cannot express is not worth finding
    except StepError as error:
        return Result(None, reason=str(error))
    scores = scorer(plan, prepared.measured.matrix)(native)
    _, scored = judged(plan, prepared.measured.labels, scores)
    value = measure(plan.primary, scored)
    if not math.isfinite(value):
        return Result(None, fitted.best, f"{plan.primary} is not defined on the validation rows")
    return Result(value, fitted.best)
