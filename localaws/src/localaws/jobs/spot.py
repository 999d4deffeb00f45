"""Spot machines of Training jobs: there are as many as wanted, unless a file says otherwise.

The file `spot.json` in the stage's folder is read when a job starts, so a lack of machines can be
tried out, and ends by removing the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "spot.json"
# AWS: "Managed Spot Training", up to 90 % less. Here a job is billed for this share of its seconds.
BILLED_SHARE = 0.3

_KEYS = {"interrupted_after", "capacity"}
_FIX = 'write {"interrupted_after": [0.5, 2]}, {"capacity": false} or both'


class MarketError(Exception):
    """The file is wrong; the message names it and how to write it."""


@dataclass(frozen=True)
class Machine:
    """A machine, or a cluster, that a job is given. `number` counts those of the job from 0;
    `stays` is how many seconds of the program's work a spot machine is there, None without end."""

    number: int = 0
    stays: float | None = None


@dataclass(frozen=True)
class Market:
    """What happens to a job on spot machines.

    Its first machines are taken away after so many seconds of the program's work, one number for
    each. After them there are others, or without `capacity` none.
    """

    interrupted_after: tuple[float, ...] = ()
    capacity: bool = True

    @classmethod
    def read(cls, path: Path) -> Market:
        """As the file says; without one nothing happens. Raises MarketError."""
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise MarketError(f"{path}: {error}; {_FIX}") from error
        if not isinstance(found, Mapping) or not set(found) <= _KEYS:
            raise MarketError(f"{path} is not understood; {_FIX}")
        seconds, capacity = found.get("interrupted_after", []), found.get("capacity", True)
        if not isinstance(seconds, list) or not all(map(_is_time, seconds)):
            raise MarketError(f"{path}: interrupted_after must be a list of seconds; {_FIX}")
        if not isinstance(capacity, bool):
            raise MarketError(f"{path}: capacity must be true or false; {_FIX}")
        return cls(tuple(float(each) for each in seconds), capacity)

    def machine(self, number: int) -> Machine | None:
        """The job's machine of this number, from 0; None where there is none.

        >>> Market((0.5,), capacity=False).machine(0), Market((0.5,), capacity=False).machine(1)
        (Machine(number=0, stays=0.5), None)
        >>> Market().machine(0)
        Machine(number=0, stays=None)
        """
        if number < len(self.interrupted_after):
            return Machine(number, self.interrupted_after[number])
        return Machine(number) if self.capacity else None


def billed(worked: float) -> int:
    """The billed seconds of a job whose programs worked so long, at least one.

    >>> billed(0.2), billed(100)
    (1, 30)
    """
    return max(1, math.ceil(worked * BILLED_SHARE))


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf
