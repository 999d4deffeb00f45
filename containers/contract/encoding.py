"""How rows become the model's input, one float32 matrix, and what its output columns mean.

Train learns the encoding from the training rows and stores it as encoding.json beside the model.
Everything that scores with the model reads it from there, so training and scoring always agree.

- A numeric feature is itself, as float32. A missing number stays missing (NaN, null in JSON) where
  training had missing ones: the trees have learned where to send them. Otherwise the libraries'
  defaults are arbitrary (LightGBM reads NaN as 0), so it becomes the median, its `fallback`.
- A categorical feature is the number of its category. A number is only a name: the trees split the
  categories into sets. Categories with fewer than `min_category_rows` training rows, and those
  beyond the most common `max_categories`, share the number after the others: the rare ones. A new
  value gets that number too, its `unseen`. Without rare ones in training it is in none of the sets,
  which is what both libraries do with a new value.
- A missing category has a number of its own where training had missing values. Otherwise it becomes
  the most common category. That is its `fallback`. So no category is NaN.

Format 1 is read too: there the trees split the numbers as an order, and `fallback`, which may be
NaN, is also for unseen values.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from contract.derived import Derived, derive, derived_features
from contract.step import StepError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contract.plan import Feature, Kind, Plan, Task, Trainer

FORMAT = 2


@dataclass(frozen=True)
class EncodedFeature:
    """One input column. `fallback` and `unseen` are in encoded units; NaN stands for missing."""

    name: str
    kind: "Kind"
    categories: tuple[str, ...]
    fallback: float
    unseen: float = math.nan

    @property
    def numbers(self) -> int:
        """How many numbers a categorical feature has: 0 to this less one."""
        used = [number for number in (self.fallback, self.unseen) if not math.isnan(number)]
        return int(max([len(self.categories) - 1, *used])) + 1

    def encode(self, frame: pl.DataFrame) -> "EncodedColumn":
        """The column as float32. Raises StepError if it is missing or of another kind."""
        if self.name not in frame.columns:
            raise StepError(
                f"the rows to score have no column '{self.name}', only {_some(frame.columns)}, "
                "but the model was trained on it; declare it as a feature again"
            )
        column = frame.get_column(self.name)
        if column.dtype.is_numeric() != (self.kind == "numeric"):
            raise StepError(
                f"column '{self.name}' was {self.kind} when the model was trained and is now "
                f"{column.dtype}; give the feature its old kind in model.yaml"
            )
        missing, unknown = column.null_count(), 0
        if self.kind == "categorical":
            texts = column.cast(pl.String)
            column = texts.cast(pl.Enum(self.categories), strict=False).to_physical()
            column = column.cast(pl.Float32)
            unknown = column.null_count() - missing
            if unknown:
                new = column.is_null() & texts.is_not_null()
                column = column.set(new, self.unseen)
        encoded = column.cast(pl.Float32).to_numpy().astype(np.float32)
        encoded[np.isnan(encoded)] = self.fallback
        return EncodedColumn(encoded, missing, unknown)


# What gets each feature, once it is learned, with its column of the training rows.
Take = Callable[[EncodedFeature, pl.Series], None]


@dataclass(frozen=True)
class EncodedColumn:
    """A feature's values, shape [rows], and in how many rows it had none, or one that training
    did not see or too rarely."""

    values: "NDArray[np.float32]"
    missing: int
    unknown: int


@dataclass(frozen=True)
class EncodedRows:
    """Rows as the model's input, shape [rows, features], and the counts of their features."""

    matrix: "NDArray[np.float32]"
    missing: dict[str, int]
    unknown: dict[str, int]


@dataclass(frozen=True)
class Encoding:
    """A model's input columns in order, and for a classifier the classes of its scores.

    `classes` of a binary model is (negative, positive): its one score is for the positive.
    """

    task: "Task"
    target: str
    positive: str | None
    features: tuple[EncodedFeature, ...]
    classes: tuple[str, ...] | None
    derived: tuple[Derived, ...] = ()

    @classmethod
    def learn(
        cls, frame: pl.DataFrame | pl.LazyFrame, plan: "Plan", take: "Take | None" = None
    ) -> "Encoding":
        """Take categories, fallbacks and classes from the training rows.

        Of a lazy frame, one column at a time is in memory. `take` gets each feature, in the order
        of the plan's, with its column.
        """
        derived = derived_features(plan)
        frame = derive(frame.lazy(), derived)
        return cls(
            task=plan.task,
            target=plan.target,
            positive=plan.positive if plan.task == "binary" else None,
            features=tuple(_learn(frame, feature, plan.trainer, take) for feature in plan.features),
            classes=None if plan.task == "regression" else _classes(frame, plan),
            derived=derived,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> "Encoding":
        """Read what `to_json` wrote."""
        document: dict[str, Any] = json.loads(text)
        if document.get("format") not in (1, FORMAT):
            raise StepError(
                f"encoding.json has format {document.get('format')!r}, but this version reads "
                f"formats 1 to {FORMAT}; train the model again"
            )
        return cls(
            task=document["task"],
            target=document["target"],
            positive=document["positive"],
            features=tuple(
                EncodedFeature(
                    name=entry["name"],
                    kind=entry["kind"],
                    categories=tuple(entry["categories"]),
                    fallback=_number(entry["fallback"]),
                    unseen=_number(entry.get("unseen", entry["fallback"])),
                )
                for entry in document["features"]
            ),
            classes=None if document["classes"] is None else tuple(document["classes"]),
            derived=tuple(map(Derived.from_document, document.get("derived", ()))),
        )

    def to_json(self) -> str:
        """The encoding as JSON. The same encoding always gives the same text."""
        document = {
            "format": FORMAT,
            "task": self.task,
            "target": self.target,
            "positive": self.positive,
            "features": [
                {
                    "name": feature.name,
                    "kind": feature.kind,
                    "categories": list(feature.categories),
                    "fallback": _written(feature.fallback),
                    "unseen": _written(feature.unseen),
                }
                for feature in self.features
            ],
            "classes": None if self.classes is None else list(self.classes),
        }
        if self.derived:
            document["derived"] = [one.document() for one in self.derived]
        return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @property
    def names(self) -> tuple[str, ...]:
        """The input columns in the model's order."""
        return tuple(feature.name for feature in self.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that the input columns come from, as a caller sends them."""
        source = {one.name: one.column for one in self.derived}
        return tuple(dict.fromkeys(source.get(name, name) for name in self.names))

    def matrix(self, frame: pl.DataFrame) -> "NDArray[np.float32]":
        """The rows as the model's input, float32, shape [rows, features]."""
        return self.encoded(frame).matrix

    def encoded(self, frame: pl.DataFrame) -> EncodedRows:
        """The same with the rows in which a feature is missing, or its category unknown."""
        frame = derive(frame, self.derived)
        matrix = np.empty((frame.height, len(self.features)), dtype=np.float32)
        missing, unknown = {}, {}
        for position, feature in enumerate(self.features):
            column = feature.encode(frame)
            matrix[:, position] = column.values
            missing[feature.name] = column.missing
            if feature.kind == "categorical":
                unknown[feature.name] = column.unknown
        return EncodedRows(matrix, missing, unknown)

    def labels(self, frame: pl.DataFrame, where: str) -> "NDArray[np.float64]":
        """The target as float64, shape [rows]: its value, or the position of its class.

        Raises StepError if a class was not seen in training; `where` names the rows in it.
        """
        column = frame.get_column(self.target)
        if self.classes is None:
            return column.cast(pl.Float64).to_numpy().astype(np.float64)
        written = column.cast(pl.String)
        unknown = written.filter(~written.is_in(list(self.classes)))
        if unknown.len():
            raise StepError(
                f"class {unknown[0]!r} of '{self.target}' is in {unknown.len()} of the {where} "
                "rows but in none of the training rows; add rows of that class or remove it"
            )
        codes = {name: float(code) for code, name in enumerate(self.classes)}
        return written.replace_strict(codes, return_dtype=pl.Float64).to_numpy().astype(np.float64)


def _column(frame: pl.LazyFrame, name: str) -> pl.Series:
    return frame.select(name).collect().get_column(name)


def _learn(
    frame: pl.LazyFrame, feature: "Feature", trainer: "Trainer", take: "Take | None"
) -> EncodedFeature:
    column = _column(frame, feature.name)
    learned = (
        _categories(feature.name, column, trainer)
        if feature.kind == "categorical"
        else _number_feature(feature.name, column)
    )
    if take is not None:
        take(learned, column)
    return learned


def _number_feature(name: str, column: pl.Series) -> EncodedFeature:
    values = column.cast(pl.Float32).fill_nan(None)
    # Where some are missing, the median is not wanted.
    median = None if values.null_count() else values.median()
    fallback = math.nan if median is None else float(np.float32(median))  # type: ignore[arg-type]
    return EncodedFeature(name, "numeric", (), fallback, fallback)


def _categories(name: str, column: pl.Series, trainer: "Trainer") -> EncodedFeature:
    counts = column.drop_nulls().cast(pl.String).alias("value").value_counts()
    ranked = sorted(counts.iter_rows(), key=lambda entry: (-entry[1], entry[0]))
    common = [value for value, rows in ranked if rows >= trainer.min_category_rows]
    kept = sorted(common[: trainer.max_categories])
    rare, missing = len(kept), len(kept) + 1
    fallback = kept.index(common[0]) if kept else rare
    if column.null_count():
        fallback = missing
    return EncodedFeature(name, "categorical", tuple(kept), float(fallback), float(rare))


def _number(written: float | None) -> float:
    return math.nan if written is None else written


def _written(number: float) -> float | None:
    return None if math.isnan(number) else number


def _classes(frame: pl.LazyFrame, plan: "Plan") -> tuple[str, ...]:
    target = _column(frame, plan.target).cast(pl.String).alias("value")  # not "count"
    counts = dict(target.value_counts().iter_rows())
    names = sorted(counts)
    if len(names) < 2:
        only = f"'{names[0]}'" if names else "nothing"
        raise StepError(
            f"target '{plan.target}': every training row has {only}, so there is nothing to "
            "learn; add rows of a second class"
        )
    for name in names:
        if counts[name] < 2:
            raise StepError(
                f"target '{plan.target}': class '{name}' has one training row, but needs at "
                "least two; add rows of that class or remove it"
            )
    if plan.task == "multiclass":
        return tuple(names)
    if plan.positive not in names:
        raise StepError(
            f"target '{plan.target}': no training row has the positive value '{plan.positive}', "
            f"only {_some(names)}; correct 'positive' in model.yaml"
        )
    if len(names) > 2:
        raise StepError(
            f"target '{plan.target}' of a binary model has {len(names)} values ({_some(names)}); "
            "set task: multiclass, or remove the rows of the other values"
        )
    negative = next(name for name in names if name != plan.positive)
    return (negative, str(plan.positive))


def _some(names: Iterable[str], limit: int = 6) -> str:
    listed = [f"'{name}'" for name in names]
    return ", ".join(listed[:limit]) + (", …" if len(listed) > limit else "")
