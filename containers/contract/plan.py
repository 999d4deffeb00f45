"""The run plan as the steps see it.

Open Run has already validated the definition and filled in its defaults. This only gives the values
names and types. Standard library only: every step imports it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from contract.number_format import PLAIN, NumberFormat
from contract.step import StepError
from contract.whole_numbers import canonical

Kind = Literal["numeric", "categorical"]
Library = Literal["lightgbm", "xgboost", "own"]
Task = Literal["regression", "binary", "multiclass"]
Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Derivation:
    """A part of a date: the column with the date, the part, and for days where they begin."""

    column: str
    part: str
    since: str | None = None


@dataclass(frozen=True)
class Feature:
    """What the model learns from: a column, or with `derive` a part of one.

    private: requests to the model in service are captured without it.
    """

    name: str
    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = True
    offset: float = 0.0
    derive: Derivation | None = None
    private: bool = False


@dataclass(frozen=True)
class Split:
    """The shares of rows for training, validation and test; they sum to 1.

    group: the column whose rows with one value stay together.
    time: the column by which the rows are ordered, the latest being test rows.
    Without either, each row is by itself.
    """

    train: float
    validation: float
    test: float
    group: str | None = None
    time: str | None = None

    @property
    def column(self) -> str | None:
        """The column that decides a row's part."""
        return self.group or self.time


@dataclass(frozen=True)
class Base:
    """The file that an own train step begins with, and its digest."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Trainer:
    """Which library learns, for how long, and its own parameters. "own": train.py of the folder.

    early_stopping_metric: what the validation rows are measured by; None is the loss.
    max_categories, min_category_rows: see contract.encoding.
    """

    library: Library
    rounds: int
    early_stopping_rounds: int
    seed: int
    parameters: Mapping[str, Scalar]
    early_stopping_metric: str | None = None
    max_categories: int = 1000
    min_category_rows: int = 1
    class_weight: Literal["balanced"] | Mapping[str, float] | None = None
    base: Base | None = None


@dataclass(frozen=True)
class Dimension:
    """What a parameter may be: from low to high, or one of the choices.

    Between whole numbers it is a whole number; with `log`, its logarithm is spread evenly.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Search:
    """How Train looks for better parameters: so many trials, `batch` of them chosen at a time.

    minutes: no batch is begun after so long; None is no limit.
    """

    trials: int
    batch: int
    minutes: int | None
    space: Mapping[str, Dimension]


@dataclass(frozen=True)
class Costs:
    """What a wrong decision of a binary model costs, in any unit."""

    false_positive: float
    false_negative: float


@dataclass(frozen=True)
class Fairness:
    """How far apart a metric may be between the groups of a column."""

    column: str
    metric: str
    max_gap: float


@dataclass(frozen=True)
class Plan:
    """One run of one model. `primary` is also the first of `metrics`."""

    run: str
    model: str
    task: Task
    target: str
    positive: str | None
    features: tuple[Feature, ...]
    key: tuple[str, ...]
    ignore: tuple[str, ...]
    delimiter: str
    null_values: tuple[str, ...]
    split: Split
    trainer: Trainer
    primary: str
    metrics: tuple[str, ...]
    segments: tuple[str, ...]
    fairness: tuple[Fairness, ...]
    minimum_segment_rows: int
    maximum_rejected_share: float
    memory_mb: int
    champion: Mapping[str, Any] | None
    # An earlier release to compare with besides the champion. With `obstacle`, it cannot be read.
    reference: Mapping[str, Any] | None = None
    number_format: NumberFormat = PLAIN
    threshold: float | None = None
    costs: Costs | None = None
    # What features.py reads, if the model has one; its features are then computed from these.
    inputs: tuple[Feature, ...] = ()
    definition_sha256: str | None = None
    # The data is what gather.sql gave.
    by_query: bool = False
    search: Search | None = None

    @property
    def sources(self) -> tuple[Feature, ...]:
        """What is read from the data and checked."""
        return self.inputs or self.features

    @property
    def computed(self) -> tuple[str, ...]:
        """The features that features.py computes; the others are columns of the data."""
        read = {each.name for each in self.sources}
        return tuple(each.name for each in self.features if each.name not in read)

    @property
    def private(self) -> frozenset[str]:
        """The columns that a private feature is, or is computed from; with a private input, also
        what features.py computes, because it may follow from that."""
        found = {
            one.derive.column if one.derive else one.name for one in self.sources if one.private
        }
        return frozenset({*found, *self.computed} if found else found)

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read run.json. Raises StepError, which names what is missing."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return cls.from_document(document)
        except FileNotFoundError:
            raise StepError(
                f"{path}: there is no run plan; start the run with `kanmon run`"
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise StepError(
                f"{path}: the run plan is not JSON ({error}); start a new run"
            ) from None
        except KeyError as error:
            raise StepError(
                f"{path}: the run plan has no {error}: another version wrote it; start a new run"
            ) from None
        except (AttributeError, TypeError, ValueError) as error:
            raise StepError(f"{path}: the run plan is damaged ({error}); start a new run") from None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Plan":
        """Take the parsed run.json. Raises KeyError if something is missing."""
        content = document["definition"]["content"]
        data, trainer, gate = content["data"], content["trainer"], content["gate"]
        primary, positive = content["metrics"]["primary"], content.get("positive")
        threshold, costs = _threshold(content.get("threshold"))
        named = [*content["metrics"].get("also", []), *(["cost"] if costs else [])]
        also = [name for name in dict.fromkeys(named) if name != primary]
        return cls(
            run=document["run"],
            model=document["model"],
            task=content["task"],
            target=content["target"],
            positive=None if positive is None else canonical(positive),
            features=tuple(_feature(entry) for entry in content["features"]),
            key=tuple(data.get("key", ())),
            ignore=tuple(content.get("ignore", ())),
            delimiter=data.get("delimiter", ","),
            null_values=tuple(data.get("null_values", ("", "NA"))),
            split=_split(content["split"]),
            trainer=Trainer(
                library=trainer["library"],
                rounds=int(trainer["rounds"]),
                early_stopping_rounds=int(trainer["early_stopping_rounds"]),
                seed=int(trainer["seed"]),
                parameters=dict(trainer.get("parameters") or {}),
                early_stopping_metric=trainer.get("early_stopping_metric"),
                max_categories=int(trainer.get("max_categories", Trainer.max_categories)),
                min_category_rows=int(trainer.get("min_category_rows", Trainer.min_category_rows)),
                class_weight=_class_weight(trainer.get("class_weight")),
                base=Base(**trainer["base"]) if trainer.get("base") else None,
            ),
            primary=primary,
            metrics=(primary, *also),
            segments=tuple(content.get("segments", ())),
            fairness=tuple(
                Fairness(rule["column"], rule["metric"], float(rule["max_gap"]))
                for rule in gate.get("fairness", ())
            ),
            minimum_segment_rows=int(gate.get("minimum_segment_rows", 30)),
            maximum_rejected_share=float(gate.get("maximum_rejected_share", 0.0)),
            memory_mb=int(content["resources"]["preprocess"]["memory_mb"]),
            champion=document.get("champion"),
            number_format=NumberFormat.of(data),
            reference=document.get("reference"),
            threshold=threshold,
            costs=costs,
            inputs=tuple(_feature(entry) for entry in content.get("inputs") or ()),
            definition_sha256=document["definition"].get("sha256"),
            by_query="database" in (content.get("gather") or {}),
            search=_search(content.get("search")),
        )


def _threshold(content: Mapping[str, Any] | None) -> tuple[float | None, Costs | None]:
    """A fixed threshold, or the costs to choose it by; a definition may have neither."""
    if not content:
        return None, None
    if content.get("value") is not None:
        return float(content["value"]), None
    return None, Costs(float(content["false_positive"]), float(content["false_negative"]))


def _class_weight(content: Any) -> Literal["balanced"] | Mapping[str, float] | None:
    if isinstance(content, Mapping):
        return {canonical(name): float(weight) for name, weight in content.items()}
    return "balanced" if content == "balanced" else None


def _search(content: Mapping[str, Any] | None) -> Search | None:
    if not content:
        return None
    minutes = content.get("minutes")
    return Search(
        trials=int(content["trials"]),
        batch=int(content["batch"]),
        minutes=None if minutes is None else int(minutes),
        space={
            name: Dimension(
                entry.get("low"),
                entry.get("high"),
                bool(entry.get("log")),
                tuple(entry.get("choices") or ()),
            )
            for name, entry in content["space"].items()
        },
    )


def _split(content: Mapping[str, Any]) -> Split:
    by = content.get("by") or {}
    train, validation, test = (float(content[part]) for part in ("train", "validation", "test"))
    return Split(train, validation, test, group=by.get("group"), time=by.get("time"))


def _feature(entry: Mapping[str, Any]) -> Feature:
    derive = entry.get("derive")
    return Feature(
        name=entry["name"],
        kind=entry["kind"],
        minimum=entry.get("minimum"),
        maximum=entry.get("maximum"),
        nullable=entry.get("nullable", True),
        offset=float(entry.get("offset") or 0.0),
        derive=None
        if derive is None
        else Derivation(derive["column"], derive["part"], derive.get("since")),
        private=bool(entry.get("private")),
    )
