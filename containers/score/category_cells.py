"""The released model in a form that scores many rows faster where features have categories.

ONNX Runtime compares a category with one member of a split's set after the other. But if the
members are numbers from 1 to 32, it tests them all at once. So a feature gets further input
columns: in each, the categories are divided into at most 32 cells, such that every set of some
splits is a set of whole cells. These splits then ask for the cell.

Trees, their order and their leaves stay the same, and every split sends a row the same way. So a
row's score is the same in every digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# So many members, numbered from 1, the runtime tests at once.
CELLS = 32
# One member is compared as fast.
LEAST_MEMBERS = 2
# Bounds the memory of the columns' tables: 4 bytes each. What does not fit stays as it is.
MOST_CELLS = 1 << 22
_MEMBER = 6

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class CellColumns:
    """A feature's further columns, by category. The last row is of any value that no set has."""

    feature: int
    cells: Matrix

    def of(self, matrix: Matrix) -> Matrix:
        """The columns of these rows. A category is a whole number, or NaN."""
        values, other = matrix[:, self.feature], len(self.cells) - 1
        known = (values >= 0) & (values < other)
        columns: Matrix = self.cells[np.where(known, values, other).astype(np.intp)]
        return columns


@dataclass(frozen=True)
class CellModel:
    """An ONNX model that wants further columns, and how to make them."""

    content: bytes
    columns: tuple[CellColumns, ...] = ()

    @property
    def width(self) -> int:
        """How many columns are added."""
        return sum(each.cells.shape[1] for each in self.columns)

    def widened(self, matrix: Matrix) -> Matrix:
        """Rows for this model, from rows for the released one."""
        if not self.columns:
            return matrix
        return np.hstack([matrix, *(each.of(matrix) for each in self.columns)])


def in_cells(content: bytes) -> CellModel:
    """Rewrite the splits on sets of a released model."""
    import onnx

    model = onnx.load_model_from_string(content)
    trees = next((node for node in model.graph.node if node.op_type == "TreeEnsemble"), None)
    if trees is None or all(each.name != "membership_values" for each in trees.attribute):
        return CellModel(content)
    splits = _SetSplits(trees)
    by_feature: dict[int, list[int]] = {}
    for at, members in splits.sets.items():
        # A split that sends missing values to its set stays: no cell is missing.
        if len(members) >= LEAST_MEMBERS and not splits.missing_true[at]:
            by_feature.setdefault(splits.features[at], []).append(at)
    width = model.graph.input[0].type.tensor_type.shape.dim[1]
    columns, room = [], MOST_CELLS
    for feature, places in sorted(by_feature.items()):
        size = max(int(splits.sets[at].max()) for at in places) + 2
        cells = []
        masks = ((at, _mask(splits.sets[at], size)) for at in places)
        for taken, column in _columns(masks, size):
            room -= size
            if room < 0:
                break
            for at, mask in taken:
                splits.features[at] = width.dim_value
                splits.sets[at] = np.unique(column[mask])
            width.dim_value += 1
            cells.append(column)
        if cells:
            columns.append(CellColumns(feature, np.stack(cells, axis=1)))
    splits.write(trees)
    return CellModel(model.SerializeToString(), tuple(columns))


_Mask = NDArray[np.bool_]
# A split's position, and by category whether its set has it.
_Split = tuple[int, _Mask]


def _mask(members: Matrix, size: int) -> _Mask:
    mask = np.zeros(size, np.bool_)
    mask[members.astype(np.intp)] = True
    return mask


def _columns(splits: Iterable[_Split], size: int) -> Iterator[tuple[list[_Split], Matrix]]:
    """Neighbouring splits that share a column, and each category's cell in it.

    Splits come in the order of their trees, so a tree's columns lie together in memory.
    """
    taken: list[_Split] = []
    cells = np.zeros(size, np.intp)
    for at, mask in splits:
        # Each cell is divided by the new set. With one set there are two cells at most.
        names, divided = np.unique(2 * cells + mask, return_inverse=True)
        if len(names) > CELLS:
            yield taken, (cells + 1).astype(np.float32)
            taken, divided = [], mask.astype(np.intp)
        cells = divided
        taken.append((at, mask))
    yield taken, (cells + 1).astype(np.float32)


class _SetSplits:
    """The splits on sets, by their position among all splits of the operator."""

    def __init__(self, trees: Any) -> None:
        from onnx import numpy_helper

        named = {each.name: each for each in trees.attribute}
        self.features = list(named["nodes_featureids"].ints)
        self.missing_true = list(named["nodes_missing_value_tracks_true"].ints)
        modes = numpy_helper.to_array(named["nodes_modes"].t)
        members = numpy_helper.to_array(named["membership_values"].t)
        # NaN ends a set.
        ends = np.flatnonzero(np.isnan(members))
        sets = [part[:-1] for part in np.split(members, ends[:-1] + 1)]
        places = np.flatnonzero(modes == _MEMBER).tolist()
        self.sets: dict[int, Matrix] = dict(zip(places, sets, strict=True))

    def write(self, trees: Any) -> None:
        """Put features and sets into the operator's attributes."""
        from onnx import numpy_helper

        end = np.array([np.nan], np.float32)
        parts = [part for at in sorted(self.sets) for part in (self.sets[at], end)]
        for each in trees.attribute:
            if each.name == "nodes_featureids":
                each.ints[:] = self.features
            elif each.name == "membership_values":
                members = numpy_helper.from_array(np.concatenate(parts), each.t.name)
                each.t.CopyFrom(members)
