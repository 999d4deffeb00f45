"""How fast time passes for what AWS measures in minutes: one setting for the whole stage.

A canary of five minutes, a hook's hour and an alarm's period of a minute are that many seconds
divided by the scale. Everything that people or programs do keeps its real speed.
"""

import math
import os

SETTING = "KANMON_TIME_SCALE"
# A canary of five minutes takes one and a half seconds.
DEFAULT = 200.0


class PaceError(Exception):
    """The setting is not a number above zero; the message names it."""


def scale() -> float:
    """How many seconds of AWS pass in one second here."""
    written = os.environ.get(SETTING, "")
    try:
        value = float(written) if written else DEFAULT
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise PaceError(f"{SETTING} must be a number above 0, such as 200 or 1; it is {written!r}")
    return value


def here(seconds: float) -> float:
    """How many seconds here AWS's seconds take."""
    return seconds / scale()
