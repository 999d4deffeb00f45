"""When approvers are reminded of a release that waits: at half time, and a day before it expires.

Of a wait of up to two days the second would come before the first, or with it: there is one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.plan.facts import Facts
from core.words.formats import parsed, timestamp

BEFORE_THE_END = timedelta(days=1)


def reminders(models: Iterable[Facts]) -> list[dict[str, Any]]:
    """What approvers are reminded of now; of several moments that were missed, once."""
    return [each for facts in models for release in facts.waiting for each in _due(facts, release)]


def moments(since: datetime, until: datetime) -> list[datetime]:
    """
    >>> from datetime import UTC
    >>> [f"{each:%d %H}" for each in moments(datetime(2026, 11, 1, tzinfo=UTC),
    ...                                      datetime(2026, 11, 8, tzinfo=UTC))]
    ['04 12', '07 00']
    >>> [f"{each:%d %H}" for each in moments(datetime(2026, 11, 1, tzinfo=UTC),
    ...                                      datetime(2026, 11, 2, tzinfo=UTC))]
    ['01 12']
    """
    half = since + (until - since) / 2
    last = until - BEFORE_THE_END
    return [half, last] if last > half else [half]


def _due(facts: Facts, waiting: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    since, until = (parsed(waiting.get(name)) for name in ("since", "until"))
    if since is None or until is None or facts.at >= until:
        return
    past = [each for each in moments(since, until) if each <= facts.at]
    if not past:
        return
    release, moment = waiting["release"], timestamp(past[-1])
    if (facts.state.get("reminded") or {}).get(str(release), "") >= moment:
        return
    yield {
        "model": facts.model,
        "release": release,
        "moment": moment,
        "since": waiting["since"],
        "until": waiting["until"],
    }
