"""Which parameters to try next, by Optuna: its TPE sampler, and its PED-ANOVA of what mattered.

Imported only by a search. The storage is in memory, and everything follows from the seed and from
what was told in which order: neither time nor threads come into it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from contract.libraries import optuna
from contract.plan import Dimension, Scalar, Search

# Of a number that is not whole. What was tried can then be typed, and a last digit that another
# processor would compute otherwise is rarely left.
DIGITS = 6
# Fewer trials say nothing about what mattered: PED-ANOVA compares the best tenth with all, and
# asks for about five in it; with twenty it is two.
FEWEST_FOR_IMPORTANCE = 20


class Suggestions:
    """Asks and tells. Trials of one call of `ask` do not know of each other's results."""

    def __init__(self, search: Search, seed: int, *, higher_is_better: bool) -> None:
        library = optuna()
        library.logging.set_verbosity(library.logging.ERROR)
        self._optuna = library
        self._space = {name: self._distribution(one) for name, one in search.space.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)
            # Constant liar: the trials of a batch keep away from each other.
            sampler = library.samplers.TPESampler(seed=seed, constant_liar=search.batch > 1)
        self._study = library.create_study(
            sampler=sampler, direction="maximize" if higher_is_better else "minimize"
        )

    @property
    def version(self) -> str:
        return str(self._optuna.__version__)

    def _distribution(self, one: Dimension) -> Any:
        kinds = self._optuna.distributions
        if one.choices:
            return kinds.CategoricalDistribution(one.choices)
        if isinstance(one.low, int) and isinstance(one.high, int):
            return kinds.IntDistribution(one.low, one.high, log=one.log)
        return kinds.FloatDistribution(one.low, one.high, log=one.log)

    def know(self, parameters: Mapping[str, Scalar], value: float) -> None:
        """Take in a trial that was not asked for, if it lies in the space in every dimension."""
        inside = {name: parameters[name] for name in self._space if name in parameters}
        if len(inside) == len(self._space) and all(
            self._holds(name, value) for name, value in inside.items()
        ):
            trial = self._optuna.trial.create_trial(
                params=inside, distributions=self._space, value=value
            )
            self._study.add_trial(trial)

    def _holds(self, name: str, value: Scalar) -> bool:
        distribution = self._space[name]
        choices = getattr(distribution, "choices", None)
        if choices is not None:
            return value in choices
        return isinstance(value, int | float) and bool(distribution._contains(value))

    def ask(self, count: int) -> list[Suggestion]:
        """So many new trials."""
        return [Suggestion(self._study.ask(self._space)) for _ in range(count)]

    def tell(self, suggestion: Suggestion, value: float | None) -> None:
        """What a trial came to; None where it failed."""
        failed = self._optuna.trial.TrialState.FAIL
        self._study.tell(suggestion.trial, value, state=failed if value is None else None)

    def importance(self) -> dict[str, float] | None:
        """How much each parameter decided whether a trial was among the best tenth; all sum to 1.

        None with few trials, and where nothing can be told. PED-ANOVA: Watanabe, Bansal, Hutter,
        IJCAI 2023, arXiv 2304.10255.
        """
        complete = self._study.get_trials(
            deepcopy=False, states=[self._optuna.trial.TrialState.COMPLETE]
        )
        if len(complete) < FEWEST_FOR_IMPORTANCE:
            return None
        evaluator = self._optuna.importance.PedAnovaImportanceEvaluator()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._optuna.importance.get_param_importances(
                self._study, evaluator=evaluator, params=list(self._space)
            )
        if not all(math.isfinite(share) for share in found.values()):
            return None
        return {name: round(float(share), DIGITS) for name, share in found.items()}


class Suggestion:
    """A trial to be run."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        self.parameters: dict[str, Scalar] = {
            name: short(value, trial.distributions[name]) for name, value in trial.params.items()
        }


def short(value: Scalar, distribution: Any) -> Scalar:
    """The value in few digits, still inside the range."""
    if not isinstance(value, float) or not hasattr(distribution, "low"):
        return value
    rounded = float(f"{value:.{DIGITS}g}")
    return min(max(rounded, float(distribution.low)), float(distribution.high))
