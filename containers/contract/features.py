"""Features that a model computes with features.py, a file of its folder.

`features(frame)` gets the inputs of model.yaml and returns the features: numbers and texts, row by
row. Preprocess computes them for training. The artifact has the file too, so whatever scores with
the artifact computes them here, from the same inputs in the same way.

The function gets numbers as Float64 and everything else as text. A feature is Float32 or text. A
number that is not finite is missing, as in the encoding.
"""

from __future__ import annotations

import hashlib
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from contract import feature_file
from contract.feature_file import FUNCTION, NAME
from contract.problem import counted
from contract.step import StepError, shorten
from contract.whole_numbers import WHOLE

if TYPE_CHECKING:
    from contract.plan import Kind, Plan

# So many rows at a time, so that a function's intermediate columns stay small.
BATCH_ROWS = 100_000
# Of a frame, so many rows are computed by themselves.
PROBED_ROWS = 16
_MOST_WORDS = 300
_FOLDER_FILES = ("features.py", "gather.py", "gather.sql", "model.yaml", "train.py")

Function = Callable[[pl.DataFrame], Any]


class Features:
    """A model's features.py, with the kinds of the columns that it reads and returns.

    `not_finite` counts by feature the numbers that became missing.
    """

    def __init__(
        self, source: bytes, inputs: Mapping[str, Kind], features: Mapping[str, Kind]
    ) -> None:
        """Run the file, which defines the function. Raises StepError if that fails."""
        self.source = source
        self.inputs = dict(inputs)
        self.kinds = dict(features)
        self.not_finite: Counter[str] = Counter()
        self._function = _loaded(source)
        self._is_checked = False

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Features | None:
        """The features.py of the run's definition; None if the model has none.

        Raises StepError unless the folder is the one that the plan names.
        """
        if not plan.inputs:
            return None
        source = _read(folder, plan.definition_sha256)
        return cls(
            source,
            {each.name: each.kind for each in plan.inputs},
            {each.name: each.kind for each in plan.features},
        )

    @property
    def sha256(self) -> str:
        """The digest of the file."""
        return hashlib.sha256(self.source).hexdigest()

    @property
    def computed(self) -> tuple[str, ...]:
        """The features that the function returns. One with an input's name is that input."""
        return tuple(name for name in self.kinds if name not in self.inputs)

    def warnings(self) -> list[str]:
        """What deserves a look but does not stop the run."""
        return [
            f"{name}: {NAME} computed no finite number in {counted(rows, 'row')}; that counts as "
            "missing"
            for name, rows in self.not_finite.items()
            if rows
        ]

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the computed features. Raises StepError in one line.

        The function must compute each row from that row alone: batches of any size and order, and a
        model's rivals, must give the same features.
        """
        inputs = self._inputs_of(frame)
        parts = [
            self._batch(inputs.slice(start, BATCH_ROWS))
            for start in range(0, frame.height, BATCH_ROWS)
        ]
        features = pl.concat(parts) if parts else self._nothing()
        return frame.with_columns(features.get_columns())

    def _inputs_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        for name, kind in self.inputs.items():
            dtype = frame.schema.get(name)
            if dtype is None:
                raise StepError(
                    f"the rows have no column '{name}', which {NAME} of the model reads; declare "
                    "it as an input again"
                )
            if dtype.is_numeric() != (kind == "numeric"):
                raise StepError(
                    f"column '{name}' is {dtype}, but {NAME} of the model reads it as {kind}; give "
                    "the input its old kind in model.yaml"
                )
        return frame.select(pl.col(name).cast(_INPUT[kind]) for name, kind in self.inputs.items())

    def _batch(self, inputs: pl.DataFrame) -> pl.DataFrame:
        answer = self._called(inputs)
        features = pl.DataFrame([self._feature(name, answer[name]) for name in self.computed])
        for name in self.computed:
            self.not_finite[name] += _not_finite(answer[name])
        self._check_rows(inputs, features)
        return features

    def _called(self, inputs: pl.DataFrame) -> pl.DataFrame:
        """What the function returns, as far as its columns and height can be checked."""
        try:
            # A copy, because a few of a frame's methods change it.
            answer = self._function(inputs.clone())
        except (Exception, SystemExit, pl.exceptions.PanicException) as error:
            raise StepError(failure(error)) from error
        if not isinstance(answer, pl.DataFrame):
            fix = "add .collect()" if isinstance(answer, pl.LazyFrame) else "return one"
            kind = type(answer).__name__
            raise StepError(f"{NAME}: {FUNCTION} returned a {kind}, not a polars DataFrame; {fix}")
        if answer.height != inputs.height:
            raise StepError(
                f"{NAME}: {FUNCTION} got {inputs.height:,} rows and returned {answer.height:,}; "
                "return one row for each row, in the same order"
            )
        for name in self.computed:
            if name not in answer.columns:
                raise StepError(
                    f"{NAME}: {FUNCTION} did not return the feature '{name}'; return a column of "
                    "that name, or remove the feature from model.yaml"
                )
        for name in answer.columns:
            if name in self.inputs:
                if not answer[name].equals(inputs[name], check_dtypes=True, null_equal=True):
                    raise StepError(
                        f"{NAME}: {FUNCTION} changed the input '{name}'; give the feature a name "
                        "of its own"
                    )
            elif name not in self.kinds:
                raise StepError(
                    f"{NAME}: {FUNCTION} returned the column '{name}', which is no feature of "
                    "model.yaml; declare it there, or do not return it"
                )
        return answer

    def _feature(self, name: str, column: pl.Series) -> pl.Series:
        """The column as the model learns from it. Raises StepError for another kind."""
        dtype, kind = column.dtype, self.kinds[name]
        if kind == "numeric" and (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
            values = column.cast(pl.Float32)
            return pl.select(pl.when(values.is_finite()).then(values)).to_series().alias(name)
        text = dtype.is_integer() or dtype in (
            *(pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Null),
        )
        if kind == "categorical" and text:
            return column.cast(pl.String).str.replace(WHOLE, "$1").alias(name)
        wanted = "numbers" if kind == "numeric" else "text"
        raise StepError(
            f"{NAME}: the feature '{name}' is {kind} in model.yaml, but {FUNCTION} returned it as "
            f"{dtype}; return {wanted}, or change its kind"
        )

    def _check_rows(self, inputs: pl.DataFrame, features: pl.DataFrame) -> None:
        """Raise StepError if a row's features depend on other rows.

        Every row is computed again, in reverse among every second row, so its neighbours, their
        number and their order all differ. Of every batch a few rows are computed by themselves, of
        the first one also its halves and its ends.
        """
        rows = inputs.height
        if rows < 2:
            return
        slices = [(rows // 3, PROBED_ROWS)]
        if not self._is_checked:
            slices += [(0, rows // 2), (rows // 2, rows), (0, 1), (rows - 1, 1)]
        for first in (0, 1):
            self._same(
                inputs.gather_every(2, first).reverse(), features.gather_every(2, first).reverse()
            )
        for start, length in slices:
            self._same(inputs.slice(start, length), features.slice(start, length))
        self._is_checked = True

    def _same(self, inputs: pl.DataFrame, expected: pl.DataFrame) -> None:
        answer = self._called(inputs)
        for name in self.computed:
            if not self._feature(name, answer[name]).equals(expected[name], null_equal=True):
                raise StepError(
                    f"{NAME}: the feature '{name}' of a row depends on other rows or on chance: "
                    f"{inputs.height:,} of the rows by themselves give other values; compute each "
                    "row from its own inputs, without means, ranks, shifts or random numbers"
                )

    def _nothing(self) -> pl.DataFrame:
        return pl.DataFrame(schema={name: FEATURE[self.kinds[name]] for name in self.computed})


_INPUT: Mapping[str, type[pl.DataType]] = {"numeric": pl.Float64, "categorical": pl.String}
FEATURE: Mapping[str, type[pl.DataType]] = {"numeric": pl.Float32, "categorical": pl.String}


def _not_finite(column: pl.Series) -> int:
    if not column.dtype.is_float():
        return 0
    return int((~column.cast(pl.Float32).drop_nulls().is_finite()).sum())


def folder_sha256(folder: Path) -> str:
    """The digest of a definition's files, as the command line published them.

    The same as core.definition.folder, which no step has; a test holds the two together.
    """
    import json

    files = [folder / name for name in _FOLDER_FILES if (folder / name).is_file()]
    digests = [[file.name, hashlib.sha256(file.read_bytes()).hexdigest()] for file in files]
    return hashlib.sha256(json.dumps(digests, separators=(",", ":")).encode()).hexdigest()


def _read(folder: Path, expected: str | None) -> bytes:
    file = folder / NAME
    if not file.is_file():
        raise StepError(f"{file}: missing, but model.yaml has inputs; publish the model again")
    if expected is not None and folder_sha256(folder) != expected:
        raise StepError(
            f"{file}: not the published file (the folder's sha256 is not {expected}); publish the "
            "model again"
        )
    return file.read_bytes()


def _loaded(source: bytes) -> Function:
    """Run the file as a module that only this process knows; its function."""
    found = feature_file.problems(source)
    if found:
        raise StepError(found[0])
    module = ModuleType("features")
    try:
        exec(compile(source, NAME, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except (Exception, SystemExit, pl.exceptions.PanicException) as error:
        raise StepError(failure(error)) from error
    function: Function = module.__dict__[FUNCTION]
    if not callable(function):
        raise StepError(f"{NAME}: {FUNCTION} is not a function; remove the other {FUNCTION}")
    return function


def failure(error: BaseException) -> str:
    """An error of the file's code as one line: where in the file, and the error's first line."""
    places = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == NAME]
    line = f" line {places[-1].lineno}" if places else ""
    words = next((each.strip() for each in str(error).splitlines() if each.strip()), "")
    said = f": {shorten(words, _MOST_WORDS)}" if words else ""
    return f"{NAME}{line}: {type(error).__name__}{said}; correct {NAME}"
