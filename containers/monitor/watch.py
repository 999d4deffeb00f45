"""What the model in service was asked and answered, taken in frame after frame. Pure."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator

import polars as pl

from drift.counting import count
from drift.counts import FeatureCounts
from monitor.answers import Answers
from monitor.request import Request
from monitor.tally import Tally
from monitor.watched import Rules, Watched

CAPTURED, BATCH = "captured", "batch"
# monitor.rows of model.yaml: which of them are watched.
SOURCES = {"all": (CAPTURED, BATCH), "requests": (CAPTURED,), "batches": (BATCH,)}


class Watch:
    """Counts the release's rows in the window, and keeps the answers that have labels.

    rows: the release's by where they come from. broken: those of them that break a rule of
    model.yaml. refused: what batches refused besides. others: the rows of each other release.
    apart: the release's rows from where nothing is watched.
    """

    def __init__(
        self,
        request: Request,
        features: tuple[Watched, ...],
        predictions: Watched,
        answers: Answers,
    ) -> None:
        self.request = request
        self.days = request.window.days
        self.sources = SOURCES[request.settings.get("rows", "all")]
        self.features, self.predictions = features, predictions
        self.answers = answers
        self.rows: Counter[str] = Counter()
        self.others: Counter[int] = Counter()
        self.broken = 0
        self.refused = 0
        self.apart = 0
        self.tallies = {
            one.column: Tally(len(self.days), one.reference) for one in (*features, predictions)
        }
        self._references = {name: tally.reference for name, tally in self.tallies.items()}
        self._exact = [one.column for one in features if one.exact]
        self._private = {one.column for one in features if one.private}
        self._rules = Rules(request.plan)
        self._place = {day: number for number, day in enumerate(self.days)}

    def add(self, frame: pl.DataFrame, source: str) -> None:
        """Take in rows in the form of observed.form, of any release and day."""
        for day, release, rows in parts(frame):
            watched = source in self.sources
            self.answers.add(rows, day, release, watched)
            if day not in self._place:
                continue
            if release != self.request.release.number:
                self.others[release] += rows.height
                continue
            if not watched:
                self.apart += rows.height
                continue
            self.rows[source] += rows.height
            self.broken += self._rules.broken(rows)
            self._count(day, rows)

    def refuse(self, rows: int, day: datetime.date, release: int) -> None:
        """Take in rows that a batch refused: they have no score."""
        own = release == self.request.release.number
        if day in self._place and own and BATCH in self.sources:
            self.refused += rows

    def _count(self, day: datetime.date, rows: pl.DataFrame) -> None:
        place = self._place[day]
        found = count(rows, self._references, self._exact)
        for column, tally in self.tallies.items():
            if column in found:
                tally.add(place, found[column])
            elif column not in self._private:
                tally.add_absent(place, rows.height)

    @property
    def total(self) -> int:
        """The release's rows in the window."""
        return sum(self.rows.values())

    @property
    def observed(self) -> list[Watched]:
        """The features, without private ones that no row has: no batch was scored."""
        return [
            one for one in self.features if not one.private or self.tallies[one.column].rows.any()
        ]

    def feature_counts(self) -> dict[str, FeatureCounts]:
        """The counts of every observed feature, by its name."""
        return {one.name: self.tallies[one.column].total() for one in self.observed}


def parts(frame: pl.DataFrame) -> Iterator[tuple[datetime.date, int, pl.DataFrame]]:
    """The rows of each day and release. Most frames have one of both, and are not copied."""
    keys = ("day", "release")
    if frame.height and all(frame[key].min() == frame[key].max() for key in keys):
        yield frame["day"][0], frame["release"][0], frame
        return
    for (day, release), rows in frame.group_by(keys, maintain_order=True):
        yield day, release, rows
