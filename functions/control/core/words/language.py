"""The language and the time zone in which a stage speaks to people.

A function has them in its environment, from the stage's parameters Language and TimeZone. The
command line has neither there, so what it says itself is English. `speaking` sets them for what is
done again later: its words are then those it had.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

LANGUAGES = ("en", "ja")


@dataclass(frozen=True)
class Speech:
    """A language of the catalogue, and a time zone by its IANA name."""

    language: str = "en"
    time_zone: str = "UTC"

    @property
    def zone(self) -> tzinfo:
        """UTC where the name is unknown: a wrong setting delays no verdict and no mail, and every
        moment is written with its zone."""
        return _zone(self.time_zone)


_chosen: ContextVar[Speech | None] = ContextVar("speech", default=None)


def speech() -> Speech:
    """What is spoken now."""
    # Not LANGUAGE: on a laptop that is the desktop's setting.
    return _chosen.get() or speech_of(
        os.environ.get("STAGE_LANGUAGE"), os.environ.get("STAGE_TIME_ZONE")
    )


@cache
def speech_of(language: str | None, time_zone: str | None) -> Speech:
    """From the stage's parameters as they are written; what is missing or unknown is the default.

    >>> speech_of("ja", "Asia/Tokyo"), speech_of(None, "")
    (Speech(language='ja', time_zone='Asia/Tokyo'), Speech(language='en', time_zone='UTC'))
    """
    known = language if language in LANGUAGES else Speech.language
    return Speech(known, time_zone or Speech.time_zone)


@contextmanager
def speaking(chosen: Speech) -> Iterator[None]:
    """Speak so within the block."""
    before = _chosen.set(chosen)
    try:
        yield
    finally:
        _chosen.reset(before)


@cache
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return UTC
