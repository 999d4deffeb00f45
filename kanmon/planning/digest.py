"""The digest of the last days, as the stage sends it, without sending it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.plan.digest_input import digest_input
from core.report.digest import beginning, digest, title
from core.words.language import speaking
from kanmon.errors import BadInputError
from kanmon.planning.live import LiveStage, settings

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# Facts are listed for so long.
MOST_DAYS = 90


def last_days(connection: "Connection", days: int) -> dict[str, Any]:
    """The digest's document, with its title and parts in the stage's words."""
    if not 1 <= days <= MOST_DAYS:
        raise BadInputError(f"--days {days} is not possible", f"Write 1 to {MOST_DAYS}.")
    now = datetime.now(UTC)
    limits, speech = settings(connection)
    with speaking(speech):
        document = digest_input(LiveStage(connection), limits, beginning(now, days), now, now)
        parts = [
            {"name": one.name, "heading": one.heading, "lines": list(one.lines)}
            for one in digest(document)
        ]
        return {"title": title(document), "parts": parts, **document}
