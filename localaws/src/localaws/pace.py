"""How fast time passes for what AWS measures in minutes: one setting for the whole stage.

A canary of five minutes, a hook's hour and an alarm's period of a minute are that many seconds
divided by the scale. Everything that people or programs do keeps its real speed.
"""

import math
import os

SETTING = "LOCALAWS_TIME_SCALE"
# A canary of five minutes takes one and a half seconds.
DEFAULT = 200.0

DIFFERS = (
    "What AWS measures in minutes (a canary, the time a hook has to answer, an alarm's period) is "
    "divided by the time scale, 200 unless set when the stage starts. Approvals are not, unless it "
    "is set and their limit is an hour or less."
)


class PaceError(Exception):
    """The setting is not a number above zero; the message names it."""


def scale() -> float:
    """How many seconds of AWS pass in one second here."""
    return read(os.environ.get(SETTING, ""))


def read(written: str, setting: str = SETTING) -> float:
    """The scale that is written in a setting; the default where nothing is. Raises PaceError."""
    try:
        value = float(written) if written else DEFAULT
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise PaceError(f"{setting} must be a number above 0, such as 200 or 1; it is {written!r}")
    return value


def here(seconds: float) -> float:
    """How many seconds here AWS's seconds take."""
    return seconds / scale()
