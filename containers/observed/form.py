"""The one form of observed rows: what a model was asked, as its plan has it, and what it answered.

Captured requests and rows scored in batch have it alike. Columns, in this order: at, day, release,
request_id, row; the key's, as text, under names of their own; the request's, with the plan's types;
the parts of dates; prediction; the scores. Captured requests are without private columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import polars as pl

from contract.derived import derive, derived_features
from contract.plan import Plan
from observed import lines
from reading.columns import KEY

FACTS: dict[str, pl.DataType] = {
    "at": pl.Datetime("us", "UTC"),
    "day": pl.Date(),
    "release": pl.Int64(),
    "request_id": pl.String(),
    "row": pl.Int64(),
}
PREDICTION, PROBABILITY = "prediction", "probability"
# Columns of observed rows, and those that labels add.
_OURS = {*FACTS, PREDICTION, PROBABILITY, "file", "label", "late", "received", "watched"}


def column_of(name: str) -> str:
    """The column of observed rows that holds a column of the request.

    >>> column_of("age"), column_of("day"), column_of("day_feature")
    ('age', 'day_feature', 'day_feature_feature')
    """
    ours = name in _OURS or name.startswith(("probability_", "__key_"))
    # What ends so already gets one more, so that no two columns have one name.
    return f"{name}_feature" if ours or name.endswith("_feature") else name


class Form:
    """The form for one plan; `private` is whether it has the private columns."""

    def __init__(self, plan: Plan, *, private: bool = False) -> None:
        self.keys = {KEY.format(index): name for index, name in enumerate(plan.key)}
        self.regression = plan.task == "regression"
        kinds = {
            one.derive.column if one.derive else one.name: "text" if one.derive else one.kind
            for one in plan.features
        }
        left_out = frozenset() if private else plan.private
        # The request's columns.
        self.kinds = {name: kind for name, kind in kinds.items() if name not in left_out}
        self.parts = [
            one for one in derived_features(plan) if one.part and one.column in self.kinds
        ]

    def of(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Captured rows in this form. What they lack is null, what the plan lacks is left out."""
        frame = raw.select(
            "at",
            pl.col("at").dt.date().alias("day"),
            "release",
            "request_id",
            "row",
            *(
                self._column(raw, lines.KEY.format(name), "text", to)
                for to, name in self.keys.items()
            ),
            *(
                self._column(raw, lines.FEATURE.format(name), kind, column_of(name))
                for name, kind in self.kinds.items()
            ),
            self._column(raw, PREDICTION, "numeric" if self.regression else "text", PREDICTION),
            *(pl.col(name).cast(pl.Float64) for name in scores_among(raw.columns)),
        )
        return self.with_parts(frame)

    def checked(self) -> list[pl.Expr]:
        """The columns of rows that reading.validation has checked: key, request, parts of dates."""
        return [
            *(pl.col(name) for name in self.keys),
            *(
                pl.col(name)
                .cast(pl.Float64 if kind == "numeric" else pl.String)
                .alias(column_of(name))
                for name, kind in self.kinds.items()
            ),
            *(pl.col(one.name).cast(pl.Float64).alias(column_of(one.name)) for one in self.parts),
        ]

    def needs(self, columns: Iterable[str]) -> list[str]:
        """Those columns of captured rows that this form has."""
        wanted = {*FACTS, PREDICTION, *map(lines.KEY.format, self.keys.values())}
        wanted |= {*map(lines.FEATURE.format, self.kinds)}
        columns = list(columns)
        scores = scores_among(columns)
        return [name for name in columns if name in wanted or name in scores]

    def with_parts(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the parts of its dates, before the prediction."""
        if not self.parts:
            return frame
        added = []
        for column in dict.fromkeys(one.column for one in self.parts):
            parts = [one for one in self.parts if one.column == column]
            dates = frame.select(pl.col(column_of(column)).alias(column))
            # Many rows have the same date, whose parts take longer to compute than to find.
            known = derive(dates.unique(), parts)
            found = dates.join(
                known, on=column, how="left", nulls_equal=True, maintain_order="left"
            )
            added += [found[one.name].cast(pl.Float64).alias(column_of(one.name)) for one in parts]
        at = frame.columns.index(PREDICTION)
        return pl.DataFrame([*frame.get_columns()[:at], *added, *frame.get_columns()[at:]])

    @cached_property
    def nothing(self) -> pl.DataFrame:
        """A frame in this form without rows, and without scores of classes."""
        schema = {**lines.FACTS, PREDICTION: pl.Float64() if self.regression else pl.String()}
        return self.of(pl.DataFrame(schema=schema))

    @staticmethod
    def _column(raw: pl.DataFrame, name: str, kind: str, alias: str) -> pl.Expr:
        dtype = raw.schema.get(name)
        wanted = pl.Float64() if kind == "numeric" else pl.String()
        if dtype is None:
            return pl.lit(None, wanted).alias(alias)
        if kind == "numeric":
            # What was text in an earlier release is no number.
            return pl.col(name).cast(wanted, strict=False).alias(alias)
        return lines.as_text(name, dtype).alias(alias)


def scores_among(columns: Iterable[str]) -> list[str]:
    """The columns with probabilities."""
    return [name for name in columns if name == PROBABILITY or name.startswith("probability_")]
