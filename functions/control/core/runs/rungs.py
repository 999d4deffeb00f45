"""Where each step of a run computes: as a function of Lambda, or as a job. Pure.

A function starts in a second and costs by the millisecond, but has little memory, disk and time.
A job waits minutes for a machine, which can be of any size. The result is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.definition.train import OWN

if TYPE_CHECKING:
    from core.definition import compute
    from core.definition.schema import ModelDefinition
    from core.stage.images import StepFunctions

# Training is a training job on several hosts, spot one on a spot machine.
Ran = Literal["lambda", "processing", "training", "spot"]
# Why a step is not on Lambda, or is: each has words in the catalogue, under `rung.`.
Why = Literal[
    "asked", "fits", "no function", "other image", "own image", "outgrew", "too large", "memory"
]

# Files of these kinds are about so many times as large as text, which is what a step works on.
AS_TEXT = 8
_COMPRESSED = (".gz", ".parquet")
# Without a run to go by: 121 MB of CSV took Preprocess 391 MB of memory and 5 seconds, and a step
# may use 3,008 MB and 15 minutes.
LARGEST_FIRST_MB = 200
# A search trains once for each trial. 50 trials on the 0.2 MB of abalone took 9 to 18 processor
# seconds; that is at most 540 s, all that a function is given, for 280 MB times trials.
LARGEST_SEARCHED_MB = 200
# Of what a function has; the rest is for data that varies.
MEMORY_SHARE = 0.8
SECONDS_MOST = 0.6 * 900
DISK_MB_MOST = 0.8 * 10_000  # KANMON_DISK_MB of stacks/compute.yaml
# A function has one processor for each of these. AWS: "Configure Lambda function memory", 2026.
MB_PER_PROCESSOR = 1769
# A step that outgrew Lambda is tried there again where the data is this much smaller.
SMALLER = 0.8


@dataclass(frozen=True)
class Seen:
    """What the model's last run that was closed has seen of a step.

    `mb` is the size of its data as text. `outgrew_mb` is the size at which it outgrew its function,
    unless it has been one since.
    """

    mb: float
    outgrew_mb: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_mb: float | None = None
    disk_mb: float | None = None

    def grown(self, mb: float, memory_mb: int) -> tuple[float, float, float]:
        """Memory in MB, seconds and disk in MB that it takes with `mb` of data as a function.

        Less data is not taken to need less: libraries need theirs anyway. What a large machine did
        in a short time, the processors of a function do in a longer one.
        """
        growth = max(1.0, mb / self.mb) if self.mb else 1.0
        alone = (self.cpu_seconds or 0) / (memory_mb / MB_PER_PROCESSOR)
        seconds = max(self.seconds or 0, alone)
        return (self.peak_memory_mb or 0) * growth, seconds * growth, (self.disk_mb or 0) * growth


@dataclass(frozen=True)
class Rung:
    """Where a step computes, and why there."""

    ran: Ran
    why: Why


@dataclass(frozen=True)
class Wish:
    """What the definition says of a step, and for a run its request.

    `setting_mb` is the memory that the definition lets the step use, where it says so. `machine`:
    the request names a machine for this step, which only a job has. `trials`: so many times the
    step trains, where it searches. `own_image`: no function has the model's own image.
    """

    rung: compute.RungOfTrain
    hosts: int = 1
    setting_mb: int = 0
    machine: bool = False
    trials: int = 1
    own_image: bool = False

    @classmethod
    def of(cls, definition: ModelDefinition, step: str, *, machine: bool = False) -> Wish:
        setting = getattr(getattr(definition.resources, step), "memory_mb", 0)
        asked, search = definition.compute, definition.search
        trials = search.trials if search is not None and step == "train" else 1
        own = step == "train" and definition.trainer.library == OWN
        return cls(asked.rung(step), asked.hosts(step), setting, machine, trials, own)


def rung_of(
    step: str, wish: Wish, mb: float, image: str, functions: StepFunctions, seen: Seen | None = None
) -> Rung:
    """The rung of a step. `mb` is the size of its data as text, `image` the URI it keeps to."""
    if wish.hosts > 1:
        return Rung("training" if step == "train" else "processing", "asked")
    if wish.rung == "spot":
        return Rung("spot", "asked")
    if wish.rung == "processing" or wish.machine:
        return Rung("processing", "asked")
    if wish.own_image:
        return Rung("processing", "own image")
    if step not in functions.digests:
        return Rung("processing", "no function")
    if functions.digests[step] != image.partition("@")[2]:
        return Rung("processing", "other image")
    if wish.rung == "lambda":
        return Rung("lambda", "asked")
    why = _obstacle(wish, mb, functions.memory_mb, seen)
    return Rung("processing", why) if why else Rung("lambda", "fits")


def _obstacle(wish: Wish, mb: float, memory_mb: int, seen: Seen | None) -> Why | None:
    """Why the step may not fit into a function."""
    if wish.setting_mb > memory_mb * MEMORY_SHARE:
        return "memory"
    # Whatever was seen: the run before may have trained without a search.
    if wish.trials > 1 and mb * wish.trials > LARGEST_SEARCHED_MB:
        return "too large"
    if seen is None:
        return "too large" if mb > LARGEST_FIRST_MB else None
    if seen.outgrew_mb is not None and mb > seen.outgrew_mb * SMALLER:
        return "outgrew"
    if seen.peak_memory_mb is None and mb > LARGEST_FIRST_MB:
        return "too large"
    memory, seconds, disk = seen.grown(mb, memory_mb)
    if memory > memory_mb * MEMORY_SHARE or seconds > SECONDS_MOST or disk > DISK_MB_MOST:
        return "too large"
    return None


def text_mb(files: Iterable[tuple[str, int]]) -> float:
    """About how many MB files would be as text without compression, from their keys and bytes.

    >>> text_mb([("a.csv", 1 << 20), ("b.csv.gz", 1 << 20)])
    9.0
    """
    return sum(
        size * (AS_TEXT if key.lower().endswith(_COMPRESSED) else 1) for key, size in files
    ) / (1 << 20)
