"""Where each step of a run computes: as a function of Lambda, or as a job. Pure.

A function starts in a second and costs by the millisecond, but has little memory, disk and time.
A job waits minutes for a machine, which can be of any size. The result is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from core.definition.compute import Compute
from core.definition.schema import ModelDefinition
from core.stage.bucket import DataObject

# Training is a training job on several hosts.
Ran = Literal["lambda", "processing", "training"]
# Why a step is not on Lambda, or is: each has words in the catalogue, under `rung.`.
Why = Literal["asked", "fits", "no function", "other image", "outgrew", "too large", "memory"]

# Files of these kinds are about so many times as large as text, which is what a step works on.
AS_TEXT = 8
_COMPRESSED = (".gz", ".parquet")
# Without a run to go by: 121 MB of CSV took Preprocess 391 MB of memory and 5 seconds, and a step
# may use 3,008 MB and 15 minutes.
LARGEST_FIRST_MB = 200
# Of what a function has; the rest is for data that varies.
MEMORY_SHARE = 0.8
SECONDS_MOST = 0.6 * 900
# A step that outgrew Lambda is tried there again where the data is this much smaller.
SMALLER = 0.8


@dataclass(frozen=True)
class Seen:
    """What the model's last run that was closed has seen of a step.

    `mb` is the size of its data as text. `outgrew`: it began on Lambda and went on as a job.
    """

    mb: float
    outgrew: bool = False
    seconds: float | None = None
    peak_memory_mb: float | None = None


@dataclass(frozen=True)
class Rung:
    """Where a step computes, and why there."""

    ran: Ran
    why: Why


@dataclass(frozen=True)
class Functions:
    """The stage's step functions: the image digest of each step's, and the memory they have."""

    digests: Mapping[str, str]
    memory_mb: int

    @classmethod
    def read(cls, digests: str, steps: Iterable[str], memory_mb: int) -> Functions:
        """From the stack's parameter: the digests in the order of the steps, or nothing.

        >>> Functions.read("sha256:a,sha256:b", ["train", "score"], 3008).digests["score"]
        'sha256:b'
        """
        given = [digest for digest in digests.split(",") if digest]
        return cls(dict(zip(steps, given, strict=True)) if given else {}, memory_mb)


def rung_of(
    step: str,
    definition: ModelDefinition,
    data: Iterable[DataObject],
    image: str,
    functions: Functions,
    seen: Seen | None,
    *,
    machine_asked: bool = False,
) -> Rung:
    """The rung of a step. `image` is the URI the run keeps to; `data` is what it reads.

    `machine_asked`: the request names a machine for this step, which only a job has.
    """
    compute: Compute = definition.compute
    if compute.hosts(step) > 1:
        return Rung("training" if step == "train" else "processing", "asked")
    wanted = compute.rung(step)
    if wanted == "processing" or machine_asked:
        return Rung("processing", "asked")
    if step not in functions.digests:
        return Rung("processing", "no function")
    if functions.digests[step] != image.partition("@")[2]:
        return Rung("processing", "other image")
    if wanted == "lambda":
        return Rung("lambda", "asked")
    why = _obstacle(step, definition, text_mb(data), functions.memory_mb, seen)
    return Rung("processing", why) if why else Rung("lambda", "fits")


def _obstacle(
    step: str, definition: ModelDefinition, mb: float, memory_mb: int, seen: Seen | None
) -> Why | None:
    """Why the step may not fit into a function."""
    setting = getattr(getattr(definition.resources, step), "memory_mb", 0)
    if setting > memory_mb * MEMORY_SHARE:
        return "memory"
    if seen is None:
        return "too large" if mb > LARGEST_FIRST_MB else None
    if seen.outgrew:
        return "outgrew" if mb > seen.mb * SMALLER else None
    growth = max(1.0, mb / seen.mb) if seen.mb else 1.0
    memory = (seen.peak_memory_mb or 0) * growth
    seconds = (seen.seconds or 0) * growth
    unknown = seen.peak_memory_mb is None and mb > LARGEST_FIRST_MB
    if unknown or memory > memory_mb * MEMORY_SHARE or seconds > SECONDS_MOST:
        return "too large"
    return None


def text_mb(data: Iterable[DataObject]) -> float:
    """About how many MB the data would be as text without compression."""
    return sum(
        each.size * (AS_TEXT if each.key.lower().endswith(_COMPRESSED) else 1) for each in data
    ) / (1 << 20)
