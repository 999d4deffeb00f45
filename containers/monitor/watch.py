"""What the model in service was asked and answered, taken in frame after frame. Pure."""

from __future__ import annotations

import datetime
from collections import Counter

import polars as pl

from drift.counting import count
from drift.counts import FeatureCounts
from monitor.answers import Answers
from monitor.request import Request
from monitor.tally import Tally
from monitor.watched import Rules, Watched

CAPTURED, BATCH = "captured", "batch"


class Watch:
    """Counts the release's rows in the window, and keeps the answers that have labels.

    rows: the release's by where they come from. broken: those of them that break a rule of
    model.yaml. refused: what batches refused besides. others: the rows of each other release.
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
        self.features, self.predictions = features, predictions
        self.answers = answers
        self.rows: Counter[str] = Counter()
        self.others: Counter[int] = Counter()
        self.broken = 0
        self.refused = 0
        self.tallies = {
            one.column: Tally(len(self.days), one.reference)
            for one in (*features, predictions)
            if one.captured
        }
        self._references = {name: tally.reference for name, tally in self.tallies.items()}
        self._exact = [one.column for one in features if one.exact]
        self._rules = Rules(request.plan)
        self._place = {day: number for number, day in enumerate(self.days)}

    def add(self, frame: pl.DataFrame, source: str) -> None:
        """Take in rows in the form of observed.form, of any release and day."""
        self.answers.add(frame)
        inside = frame.filter(pl.col("day").is_in(self.days))
        own = inside.filter(pl.col("release") == self.request.release.number)
        if own.height < inside.height:
            releases = inside["release"].alias("value").value_counts()
            self.others.update(dict(releases.iter_rows()))
            self.others.pop(self.request.release.number, None)
        if not own.height:
            return
        self.rows[source] += own.height
        self.broken += self._rules.broken(own)
        for (day,), rows in own.group_by("day"):
            self._count(day, rows)

    def refuse(self, rows: int, day: datetime.date, release: int) -> None:
        """Take in rows that a batch refused: they have no score."""
        if day in self._place and release == self.request.release.number:
            self.refused += rows

    def _count(self, day: datetime.date, rows: pl.DataFrame) -> None:
        place = self._place[day]
        found = count(rows, self._references, self._exact)
        for column, tally in self.tallies.items():
            if column in found:
                tally.add(place, found[column])
            else:
                tally.add_absent(place, rows.height)

    @property
    def total(self) -> int:
        """The release's rows in the window."""
        return sum(self.rows.values())

    def feature_counts(self) -> dict[str, FeatureCounts]:
        """The counts of every captured feature, by its name."""
        return {one.name: self.tallies[one.column].total() for one in self.features if one.captured}
