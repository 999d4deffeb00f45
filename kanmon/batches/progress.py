"""How far a batch is: its states, and while it scores, its shards and rows."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.words.formats import count, counted, duration
from kanmon.runs.display import state_line
from kanmon.stage.connection import objects_under, read_json

if TYPE_CHECKING:
    from kanmon.runs.execution import Visit
    from kanmon.stage.connection import Connection
    from kanmon.terminal.screen import Screen

SCORING = "Score Rows"
# Looking for records lists the folder, and reads each record once.
LOOK_SECONDS = 2.0


class Shards:
    """Reads the records of a batch's shards as they are written."""

    def __init__(self, connection: "Connection", model: str, batch: str) -> None:
        self._connection = connection
        self._folder = f"batches/{model}/{batch}"
        self._planned: int | None = None
        self._rows: dict[str, int] = {}

    def look(self) -> str | None:
        """How many shards are done, and their rows; None before the files are cut into shards."""
        if self._planned is None:
            found = read_json(self._connection, f"{self._folder}/shards.json")
            if found is None:
                return None
            self._planned = len(found["shards"])
        for one in objects_under(self._connection, f"{self._folder}/done/"):
            if one["Key"] not in self._rows:
                self._rows[one["Key"]] = rows_of(read_json(self._connection, one["Key"]))
        return shards_line(len(self._rows), self._planned, sum(self._rows.values()))


def rows_of(record: Any) -> int:
    """The rows that a shard's record is about."""
    return sum(int(one["rows_in"]) for one in (record or {}).get("files", ()))


def shards_line(done: int, planned: int, rows: int) -> str:
    """What is shown while a batch scores.

    >>> shards_line(3, 12, 1204)
    'shard 3 of 12, 1,204 rows'
    """
    return f"shard {count(done)} of {count(planned)}, {counted(rows, 'row')}"


class Progress:
    """One line for each state that has ended; the current one is shown live."""

    def __init__(self, screen: "Screen", shards: Shards) -> None:
        self._screen = screen
        self._shards = shards
        self._printed = 0
        self._looked = 0.0
        self._found: str | None = None

    def __call__(self, visits: "list[Visit]") -> None:
        """Print the visits that have ended since the last call."""
        now = datetime.now(UTC)
        for visit in visits[self._printed :]:
            line = state_line(visit.state, duration(visit.seconds(now)), visit.attempts)
            if visit.ended is None:
                self._screen.live(line + self._in(visit.state))
                break
            self._screen.note(line)
            self._printed += 1

    def _in(self, state: str) -> str:
        """How far the state is."""
        if state != SCORING or not self._screen.watched():
            return ""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._found = self._shards.look()
            self._looked = time.monotonic()
        return f"  {self._found}" if self._found else ""
