"""Which machine would have done for a step, from what the step used of the one it had. Pure.

The smallest machine is the one with the lowest price among those that the step would have fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from core.reading import finite
from core.usage.machines import BURSTING, Machine, machine
from core.usage.places import LAMBDA, SPOT, job_kind, saved_share

if TYPE_CHECKING:
    from core.cost.prices import Prices

# Data grows from run to run, and a machine's system and SageMaker's agent need memory as well.
HEADROOM = 1.25
MEMORY_KEPT_MB = 1024
# A step seldom keeps a processor busy to the last: the part of one that does not count.
IDLE_PROCESSORS = 0.1
# Shorter work is not worth a larger machine; longer work uses up what t3 lends.
LONG_SECONDS = 60
LENT_SECONDS = 600

Outcome = Literal["smaller", "smallest", "larger", "function", "unknown"]
Limit = Literal["memory", "disk", "processors"]


@dataclass(frozen=True)
class Sizing:
    """What a step used, of what, and the machine that fits.

    `smaller`: `fits` is a machine with a lower price. `smallest`: it had that machine. `larger`:
    memory was short, and `fits` has more. `function`: it ran on Lambda; `fits` is for a job.
    `limits`: what it used up. None is what is not known.
    """

    outcome: Outcome
    had: str | None = None
    hosts: int = 1
    fits: str | None = None
    fits_memory_mb: float | None = None
    limits: tuple[Limit, ...] = ()
    seconds: float | None = None
    processors_busy: float | None = None
    processors: float | None = None
    peak_memory_mb: float | None = None
    memory_mb: float | None = None
    disk_mb: float | None = None
    volume_mb: float | None = None
    # On a spot machine, and the share of its seconds that is not billed.
    spot: bool = False
    saved: float | None = None


def sizing(used: Mapping[str, Any], place: Mapping[str, Any], prices: Prices) -> Sizing:
    """`used` is what the host that used most has used, `place` where the step worked.

    >>> from core.cost.prices import SAMPLE
    >>> used = {"seconds": 9, "cpu_seconds": 12, "peak_memory_mb": 412}
    >>> found = sizing(used, {"rung": "processing", "instance_type": "ml.m5.large"}, SAMPLE)
    >>> found.outcome, found.fits
    ('smaller', 'ml.t3.medium')
    """
    on_lambda = place.get("rung") == LAMBDA
    name = None if on_lambda else place.get("instance_type")
    had = machine(name)
    seconds, cpu = finite(used.get("seconds")), finite(used.get("cpu_seconds"))
    busy = cpu / seconds if seconds and cpu is not None else None
    peak = finite(used.get("peak_memory_mb"))
    volume_gb = finite(place.get("volume_gb"))
    memory_mb = finite(place.get("memory_mb")) if on_lambda else None
    if had:
        memory_mb = had.memory_mb
    known = Sizing(
        outcome="function" if on_lambda else "unknown",
        had=str(name) if name else None,
        hosts=int(finite(place.get("instance_count")) or 1),
        seconds=seconds,
        processors_busy=None if busy is None else round(busy, 2),
        processors=finite(used.get("processors")),
        peak_memory_mb=peak,
        memory_mb=memory_mb,
        disk_mb=finite(used.get("disk_mb")),
        volume_mb=None if on_lambda or volume_gb is None else volume_gb * 1024,
        spot=place.get("rung") == SPOT,
        saved=saved_share(place),
    )
    if peak is None:
        return known
    kind = job_kind(place)
    fits = smallest(peak, busy or 0.0, cpu or 0.0, prices, kind)
    return replace(
        known,
        outcome=known.outcome if on_lambda else _outcome(known, had, fits, prices, kind),
        fits=fits.name if fits else None,
        fits_memory_mb=fits.memory_mb if fits else None,
        limits=tuple(_limits(known, had)),
    )


def sizings(
    usage: Mapping[str, Mapping[str, Any]],
    placed: Mapping[str, Mapping[str, Any]],
    prices: Prices,
) -> dict[str, dict[str, Any]]:
    """As verdict.json has them, by step."""
    return {step: asdict(sizing(usage.get(step, {}), placed[step], prices)) for step in placed}


def smallest(
    peak_mb: float, busy: float, cpu_seconds: float, prices: Prices, kind: str = "processing"
) -> Machine | None:
    """The machine with the lowest price of those that fit."""
    priced = (machine(name) for name in prices.hourly.get(kind, {}))
    fitting = [
        each
        for each in priced
        if each and _fits(each, peak_mb, busy) and not _tires(each, cpu_seconds)
    ]
    return min(
        fitting,
        key=lambda each: (prices.an_hour(each.name, kind) or math.inf, each.memory_mb, each.name),
        default=None,
    )


def _fits(of: Machine, peak_mb: float, busy: float) -> bool:
    return _has_room(of, peak_mb) and of.processors >= busy - IDLE_PROCESSORS


def _has_room(of: Machine, peak_mb: float) -> bool:
    return of.memory_mb >= peak_mb * HEADROOM + MEMORY_KEPT_MB


def _tires(of: Machine, cpu_seconds: float) -> bool:
    """Would the processors slow down before the step is done?"""
    return of.name.startswith(BURSTING) and cpu_seconds > LENT_SECONDS


def _outcome(
    known: Sizing, had: Machine | None, fits: Machine | None, prices: Prices, kind: str
) -> Outcome:
    if had and known.peak_memory_mb is not None and not _has_room(had, known.peak_memory_mb):
        return "larger"
    if fits is None:
        return "unknown"
    now, then = prices.an_hour(known.had, kind), prices.an_hour(fits.name, kind)
    # Without a price of the machine that it had, one with less memory is the smaller one.
    as_small = now <= then if now and then else had and had.memory_mb <= fits.memory_mb
    if fits.name == known.had or as_small:
        return "smallest"
    return "smaller"


def _limits(known: Sizing, had: Machine | None) -> Iterator[Limit]:
    if had and known.peak_memory_mb is not None and not _has_room(had, known.peak_memory_mb):
        yield "memory"
    if known.volume_mb and known.disk_mb and known.disk_mb * HEADROOM > known.volume_mb:
        yield "disk"
    busy, processors = known.processors_busy, known.processors
    is_long = (known.seconds or 0) >= LONG_SECONDS
    if is_long and busy is not None and processors and busy >= processors * (1 - IDLE_PROCESSORS):
        yield "processors"
