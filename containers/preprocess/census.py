"""Is the data as a whole fit to learn from? What no single row can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl
from contract.plan import Plan

from preprocess.baseline import Categories
from preprocess.problems import Problem, shown

MOST_CLASSES = 1_000
_EXAMPLES = 3


class Census:
    """Counts over all rows and by part; its findings are problems and warnings."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.written = dict.fromkeys(("train", "validation", "test"), 0)
        self.present = {feature.name: 0 for feature in plan.features}
        names = [feature.name for feature in plan.features if feature.kind == "categorical"]
        if plan.task != "regression":
            names.append(plan.target)
        self.values = {part: {name: Categories() for name in names} for part in self.written}
        self._extremes: list[float] = []

    def add(self, part: str, frame: pl.DataFrame) -> None:
        """Take in a batch of one part's rows."""
        self.written[part] += frame.height
        if not frame.height:
            return
        features = list(self.present)
        for name, count in frame.select(pl.col(features).count()).row(0, named=True).items():
            self.present[name] += count
        for name, categories in self.values[part].items():
            categories.add(frame[name])
        if self.plan.task == "regression":
            target = frame[self.plan.target]
            known = [*self._extremes, target.min(), target.max()]
            numbers = [float(value) for value in known if isinstance(value, (int, float))]
            self._extremes = [min(numbers), max(numbers)]

    def problems(self) -> Iterable[Problem]:
        """What makes the data unfit, whatever share of rows may be dropped."""
        if not sum(self.written.values()):
            yield Problem("there are no rows", "put data under the model's location and run again")
            return
        for name, count in self.present.items():
            if not count:
                yield Problem(
                    "is missing in every row",
                    "fill it, or take the feature out of model.yaml",
                    column=name,
                )
        if self.plan.task == "regression":
            if self._extremes[0] == self._extremes[1]:
                yield self._constant(f"{self._extremes[0]:g}")
        else:
            yield from self._class_problems()
        yield from self._empty_parts()

    def warnings(self) -> Iterable[str]:
        """What is worth a look but stops nothing."""
        train = self.values["train"]
        for name, known in train.items():
            if known.too_many:
                yield (
                    f"{name} has more than 10,000 values in the training rows: "
                    "is it an identifier rather than a category?"
                )
                continue
            for part in ("validation", "test"):
                counts = self.values[part][name].counts
                unseen = sorted(value for value in counts if value not in known.counts)
                if unseen:
                    rows = sum(counts[value] for value in unseen)
                    examples = ", ".join(shown(value) for value in unseen[:_EXAMPLES])
                    yield (
                        f"{name}: {len(unseen)} value(s) in {part} never occur in training, "
                        f"in {rows} row(s), such as {examples}"
                    )

    def _class_problems(self) -> Iterable[Problem]:
        target = self.plan.target
        parts = {part: values[target] for part, values in self.values.items()}
        classes = sorted({value for part in parts.values() for value in part.counts})
        if any(part.too_many for part in parts.values()) or len(classes) > MOST_CLASSES:
            yield Problem(
                f"has more than {MOST_CLASSES:,} classes",
                "set task: regression, or choose another target",
                column=target,
            )
            return
        if len(classes) == 1:
            yield self._constant(classes[0])
            return
        if self.plan.task == "binary":
            yield from self._binary_problems(classes)
        for name in classes:
            counts = {part: values.counts.get(name, 0) for part, values in parts.items()}
            yield from self._rare_class(name, counts)

    def _binary_problems(self, classes: list[str]) -> Iterable[Problem]:
        found = ", ".join(shown(name) for name in classes[:_EXAMPLES])
        if len(classes) > 2:
            yield Problem(
                f"has {len(classes)} classes, such as {found}, where a binary task has two",
                "set task: multiclass, or leave the others out",
                column=self.plan.target,
            )
        if self.plan.positive not in classes:
            yield Problem(
                f"never has the positive value {shown(str(self.plan.positive))}; it has {found}",
                "correct positive in model.yaml",
                column=self.plan.target,
            )

    def _rare_class(self, name: str, counts: Mapping[str, int]) -> Iterable[Problem]:
        total = sum(counts.values())
        if total == 1:
            what = "is a class with one row, which cannot be in training and test both"
        elif not counts["train"]:
            what = f"is a class none of whose {total} rows fell to training"
        else:
            return
        yield Problem(
            what,
            "add rows of that class, or leave it out",
            column=self.plan.target,
            value=name,
        )

    def _constant(self, value: str) -> Problem:
        return Problem(
            "is the target's value in every row, so there is nothing to learn",
            "check the target column and the data",
            column=self.plan.target,
            value=value,
        )

    def _empty_parts(self) -> Iterable[Problem]:
        rows = sum(self.written.values())
        empty = [part for part, count in self.written.items() if not count]
        if empty:
            yield Problem(
                f"of {rows:,} rows none fell to {' and '.join(empty)}",
                "add rows (some hundreds at least) or raise the part's share in split",
            )
