"""Spot machines of Training jobs: there are as many as wanted, unless a file says otherwise.

The file `spot.json` in the stage's folder is read when a job starts, so a lack of machines can be
tried out, and ends by removing the file.
"""

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
class Market:
    """What happens to a job on spot machines.

    Its first machines are taken away after so many seconds of the program's work, one number for
    each. After them there are others, or without `capacity` none.
    """

    interrupted_after: tuple[float, ...] = ()
    capacity: bool = True

    @classmethod
    def read(cls, path: Path) -> "Market":
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

    def stays(self, number: int) -> float | None:
        """How many seconds machine `number`, from 0, is there; None without an end.

        >>> Market((0.5,)).stays(0), Market((0.5,)).stays(1)
        (0.5, None)
        """
        return self.interrupted_after[number] if number < len(self.interrupted_after) else None

    def has(self, number: int) -> bool:
        """Is there a machine `number`?"""
        return self.capacity or number < len(self.interrupted_after)


def billed(worked: float) -> int:
    """The billed seconds of a job whose programs worked so long, at least one.

    >>> billed(0.2), billed(100)
    (1, 30)
    """
    return max(1, math.ceil(worked * BILLED_SHARE))


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf
