"""The keys of `model.yaml` about where each step computes: the compute ladder."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from core.definition.part import Part

MOST_HOSTS = 100
# Auto: where the step fits. Lambda: a function, and a job where the step outgrows it. Processing:
# one SageMaker Processing job. Spot: a Training job on a spot machine, and a Processing job where
# AWS has none to spare.
Rung = Literal["auto", "lambda", "processing"]
RungOfTrain = Literal[Rung, "spot"]
_RUNGS = ["auto", "lambda", "processing"]
SPOT = "spot"
_ALONE = "write auto, lambda or processing"
_SHARED = "write auto, lambda, processing or {hosts: 4}"
_OF_TRAIN = "write auto, lambda, processing, spot or {hosts: 4}"


class Hosts(Part):
    """Several machines share the step's work."""

    hosts: Annotated[int, Field(ge=2, le=MOST_HOSTS)]


def _named(value: str, otherwise: str, rungs: list[str] = _RUNGS) -> str:
    if value not in rungs:
        if value == SPOT:
            raise ValueError(f"only training jobs have spot machines, so only train; {otherwise}")
        close = get_close_matches(value, rungs, n=1)
        fix = f"did you mean {close[0]}?" if close else otherwise
        raise ValueError(f"{value[:60]!r} is no place to compute; {fix}")
    return value


def _rung_or_hosts(value: object) -> object:
    if isinstance(value, str):
        return _named(value, _SHARED)
    return _hosts(value, _SHARED)


def _rung_of_train(value: object) -> object:
    if isinstance(value, str):
        return _named(value, _OF_TRAIN, [*_RUNGS, SPOT])
    if isinstance(value, dict) and SPOT in value:
        raise ValueError(
            "several hosts do not train on spot machines: losing one of them starts the work of "
            "all over; write spot, or {hosts: 4}"
        )
    return _hosts(value, _OF_TRAIN)


def _hosts(value: object, otherwise: str) -> object:
    if not isinstance(value, dict) or set(value) != {"hosts"}:
        raise ValueError(f"{value!r:.60} is no place to compute; {otherwise}")
    hosts = value["hosts"]
    if type(hosts) is not int or not 2 <= hosts <= MOST_HOSTS:
        one = "; one machine is processing" if hosts == 1 else ""
        raise ValueError(
            f"hosts: {hosts!r:.60} is no number of machines; "
            f"write hosts: 2 to hosts: {MOST_HOSTS}{one}"
        )
    return value


def _one_machine(value: object) -> object:
    if isinstance(value, dict) and "hosts" in value:
        raise ValueError(f"this step works on one machine; {_ALONE}")
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.60} is no place to compute; {_ALONE}")
    return _named(value, _ALONE)


Shared = Annotated[Rung | Hosts, BeforeValidator(_rung_or_hosts)]
OfTrain = Annotated[RungOfTrain | Hosts, BeforeValidator(_rung_of_train)]
Alone = Annotated[Rung, BeforeValidator(_one_machine)]


class Compute(Part):
    """Where each step computes. The result is the same on Lambda and on any one machine."""

    preprocess: Shared = "auto"
    train: OfTrain = "auto"
    evaluate: Alone = "auto"
    score: Shared = "auto"
    monitor: Alone = "auto"

    def hosts(self, step: str) -> int:
        """How many machines share the step's work."""
        place: Any = getattr(self, step)
        return place.hosts if isinstance(place, Hosts) else 1

    def rung(self, step: str) -> RungOfTrain:
        """Where the step computes. Several hosts are Processing or Training machines."""
        place: Any = getattr(self, step)
        return "processing" if isinstance(place, Hosts) else place

    def may_be_function(self, step: str) -> bool:
        """May the step be a function of Lambda?"""
        return self.rung(step) in ("auto", "lambda")
