"""The page of notices: seven days, or fewer where there are many, and the way to earlier ones."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from core.report.fact import EVENTS
from core.words.formats import timestamp
from kanmon.errors import BadInputError
from kanmon.notices.records import Notice, check_event, chosen, name_of, notices_back
from kanmon.stage.model_names import known_models

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

# As long as facts are kept, how much of it a page has, and how many notices at most.
KEPT = timedelta(days=90)
SHOWN = timedelta(days=7)
MOST = 200
# A notice's name, or only its time.
_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z(#[0-9a-f]{1,64})?")


@dataclass(frozen=True)
class Page:
    """Notices, the newest first. `earlier` is where the next page begins; None where none is."""

    notices: list[Notice]
    first: str
    last: str
    earlier: str | None
    newest: bool


def page_of(
    connection: "Connection",
    now: datetime,
    before: str | None,
    model: str | None,
    event: str | None,
) -> Page:
    """The newest, or those before the notice or time of this name; of one model or event."""
    if event is not None:
        check_event(event)
    end = _time(before) if before else now
    begin = max(end - SHOWN, now - KEPT)
    # One that is listed now may have a name from a clock that is ahead by a little.
    name = before or name_of(now + timedelta(minutes=5))
    listed = (
        each
        for one in notices_back(connection, name, begin)
        for each in chosen([one], model, event)
    )
    found = list(islice(listed, MOST + 1))
    if len(found) > MOST:
        shown = found[:MOST]
        return Page(shown, shown[-1].listed, timestamp(end), shown[-1].name, before is None)
    earlier = name_of(begin) if begin > now - KEPT else None
    return Page(found, timestamp(begin), timestamp(end), earlier, before is None)


def choices(
    connection: "Connection", project: "Project", page: Page, model: str | None
) -> dict[str, list[str]]:
    """The models and events that there are to choose from."""
    shown = {one.model for one in page.notices if one.model} | ({model} if model else set())
    return {
        "models": sorted(shown.union(known_models(connection, project))),
        "events": sorted(EVENTS),
    }


def _time(name: str) -> datetime:
    found = _NAME.fullmatch(name)
    try:
        if found:
            return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        pass  # a day that no month has
    raise BadInputError("the address names no notice", "Go back to the newest: /notices.")
