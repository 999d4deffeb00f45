"""What `model.yaml` may hold: the keys, their types, bounds and defaults."""

import datetime
import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from core.definition.compute import Compute
from core.definition.gather import Gather
from core.definition.part import Grown, Part
from core.definition.planning import Budget, QuietHours, Retrain, Schedule
from core.definition.scalar import Parameter
from core.definition.search import Search
from core.definition.train import base_file, base_sha256
from core.metrics import Task
from core.names import MODEL_RULE, is_model_name


def _model_name(text: str) -> str:
    if not is_model_name(text):
        raise ValueError(f"{text!r} is not a model name; write {MODEL_RULE}")
    return text


Column = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
DatePart = Literal["year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "days"]
VolumeSize = Annotated[int, Field(ge=1, le=16384)]
# Five days: the longest a processing job may run without a raised quota.
TimeoutMinutes = Annotated[int, Field(ge=1, le=7200)]
SPOT_WAIT_MINUTES = 30


class Data(Grown):
    """Where the rows are and how they are written."""

    later = frozenset({"decimal", "thousands"})

    location: str = ""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    null_values: list[str] = ["", "NA"]
    key: list[Column] = []
    # How numbers are written in text; without them as 1234.5.
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'", "\u00a0", "\u2019", "\u202f"] | None = None


def _day(text: str) -> str:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"{text!r} is not a day; write one such as 2026-01-31")
    return text


class Derivation(Grown):
    """The part of a date that a feature is; `days` counts from the day `since`."""

    later = frozenset({"since"})

    column: Column
    part: DatePart
    since: Annotated[str, AfterValidator(_day)] | None = None


class Feature(Grown):
    later = frozenset({"offset", "derive", "private"})

    name: Column
    kind: Literal["numeric", "categorical"]
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = True
    # Subtracted before the number becomes a 32-bit number.
    offset: float | None = None
    derive: Derivation | None = None
    # About a person, or secret: requests to the model in service are captured without it.
    private: bool | None = None


class SplitBy(Part):
    """The column that decides a row's part: one whose values stay together, or when it was."""

    group: Column | None = None
    time: Column | None = None


class Split(Part):
    train: Share = 0.7
    validation: Share = 0.15
    test: Share = 0.15
    by: SplitBy | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that decide a row's part, besides those of its key."""
        names = () if self.by is None else (self.by.group, self.by.time)
        return [name for name in names if name is not None]


def _class_weight(value: object) -> object:
    numbers = value.values() if isinstance(value, dict) and value else None
    weights = numbers is not None and all(
        type(each) in (int, float) and 0 < each < math.inf for each in numbers
    )
    if value is not None and value != "balanced" and not weights:
        raise ValueError(
            'is no weight of classes; write balanced, or a number above 0 for classes: {"yes": 10}'
        )
    return value


class Base(Part):
    """A file that an own train step begins with, such as a pretrained model: its name below
    bases/<model>/ of the data bucket, and what it must be."""

    file: Annotated[str, AfterValidator(base_file)]
    sha256: Annotated[str, AfterValidator(base_sha256)]


class Trainer(Grown):
    later = frozenset({"base"})

    # own: what the model's own train image has.
    library: Literal["lightgbm", "xgboost", "own"] = "lightgbm"
    rounds: Annotated[int, Field(ge=1, le=100_000)] = 2000
    early_stopping_rounds: Annotated[int, Field(ge=1, le=100_000)] = 100
    # None: the loss that training minimises.
    early_stopping_metric: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    # Of a categorical feature: the most common categories are kept, if they have so many rows.
    max_categories: Annotated[int, Field(ge=1, le=10_000)] = 1000
    min_category_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    class_weight: Annotated[
        Literal["balanced"] | dict[str, float] | None, BeforeValidator(_class_weight)
    ] = None
    parameters: dict[str, Parameter] = {}
    base: Base | None = None


class Metrics(Part):
    primary: str
    also: list[str] = []


def _at(value: object) -> object:
    return {"value": value} if isinstance(value, int | float) else value


class Threshold(Part):
    """From which score a row counts as positive: a number, or what mistakes cost."""

    value: Annotated[float, Field(gt=0, lt=1)] | None = None
    false_positive: Annotated[float, Field(gt=0)] | None = None
    false_negative: Annotated[float, Field(gt=0)] | None = None


class FairnessRule(Part):
    column: Column
    metric: str
    max_gap: Annotated[float, Field(ge=0)]


Margin = Annotated[float, Field(ge=0)]

# CodeDeploy's own names: how a new release takes over the traffic.
Canary = Literal[
    "AllAtOnce",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
]


class Gate(Part):
    """The thresholds a candidate must pass."""

    floors: dict[str, float] = {}
    margins: dict[str, Margin] = {}
    segment_margins: dict[str, Margin] = {}
    minimum_segment_rows: Annotated[int, Field(ge=1)] = 30
    fairness: list[FairnessRule] = []
    maximum_rejected_share: Share = 0.0


class StepResources(Part):
    instance_type: InstanceType = "ml.m5.large"
    volume_gb: VolumeSize = 30
    timeout_minutes: TimeoutMinutes = 120


class Preferring(Grown):
    """A step that may name several machines, in the order in which it would have them."""

    later = frozenset({"instance_types"})

    instance_types: Annotated[list[InstanceType], Field(min_length=1, max_length=5)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _first_preferred(cls, raw: Any) -> Any:
        """The first is the machine that everything counts with, until a job says which it had."""
        names = raw.get("instance_types") if isinstance(raw, dict) else None
        if not isinstance(names, list) or not names:
            return raw
        if raw.get("instance_type", names[0]) != names[0]:
            raise ValueError(
                "instance_type and instance_types name the step's machine twice; remove one of them"
            )
        return {**raw, "instance_type": names[0]}


class SharedResources(Part):
    instance_type: InstanceType = "ml.m5.large"
    volume_gb: VolumeSize = 30
    timeout_minutes: TimeoutMinutes = 60
    memory_mb: Annotated[int, Field(ge=256, le=4_000_000)] = 2048

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "instance_count" in raw:
            step = "score" if cls.__name__ == "ScoreResources" else "preprocess"
            raise ValueError(
                f"instance_count is a part of compute now; remove it, and for several machines "
                f"write compute: {{{step}: {{hosts: 4}}}}"
            )
        return raw


class PreprocessResources(Preferring, SharedResources):
    pass


class TrainResources(Preferring, StepResources):
    later = frozenset({"instance_types", "spot_wait_minutes"})

    # How long a run may wait for a spot machine, in all; then it goes on with another machine.
    spot_wait_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None

    @property
    def spot_wait_seconds(self) -> int:
        minutes = self.spot_wait_minutes
        return 60 * (SPOT_WAIT_MINUTES if minutes is None else minutes)


class EvaluateResources(Preferring, StepResources):
    timeout_minutes: TimeoutMinutes = 60


class ScoreResources(SharedResources):
    timeout_minutes: TimeoutMinutes = 120


class MonitorResources(StepResources):
    timeout_minutes: TimeoutMinutes = 60
    memory_mb: Annotated[int, Field(ge=256, le=4_000_000)] = 2048


class Resources(Part):
    preprocess: PreprocessResources = PreprocessResources()
    train: TrainResources = TrainResources()
    evaluate: EvaluateResources = EvaluateResources()
    score: ScoreResources = ScoreResources()
    monitor: MonitorResources = MonitorResources()


class Serving(Part):
    """How a release of the model answers requests, and what its canary must keep to."""

    memory_mb: Annotated[int, Field(ge=128, le=10240)] = 512
    timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 10
    # Reserved concurrency: so many requests at once are answered, and paid for, at most.
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    canary: Canary = "Canary10Percent5Minutes"
    # Of the 99th percentile during the canary.
    maximum_latency_ms: Annotated[int, Field(ge=1, le=900_000)] = 500
    # Of the mean score against the previous release's, in standard deviations of the scores.
    maximum_score_shift: Annotated[float, Field(gt=0, le=1000)] = 0.5
    capture_share: Share = 0.1


class Releases(Part):
    # A newer release that waits for its review ends the review of an older one.
    supersede: bool = True


class Batch(Grown):
    """How the model scores in batch."""

    later = frozenset({"schedule", "source"})

    schedule: Schedule | None = None
    # The folder of the data bucket whose files are scored; without it, data.location.
    source: str | None = None
    # Features whose column may be absent; they are scored as missing.
    allow_missing: list[Column] = []
    # So many features that moved each score most are written beside it.
    explain: Annotated[int, Field(ge=0, le=20)] = 0


class Monitor(Grown):
    """How the model in service is watched. The limits are practical ones: a check alarms where a
    value is beyond its limit, and chance does not explain it."""

    later = frozenset({"schedule", "quality"})

    schedule: Schedule | None = None
    window_days: Annotated[int, Field(ge=1, le=366)] = 7
    # Of many rows scored in batch and few requests, the few are seen only by themselves.
    rows: Literal["all", "requests", "batches"] = "all"
    # With fewer rows, or labelled rows, nothing is compared.
    minimum_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 100
    minimum_labels: Annotated[int, Field(ge=1, le=10_000_000)] = 100
    # Population stability index, of each feature and of the predictions.
    drift: Annotated[float, Field(gt=0, le=10)] = 0.1
    prediction_drift: Annotated[float, Field(gt=0, le=10)] = 0.1
    # How far a share of rows may rise, as a difference of shares.
    missing: Annotated[float, Field(gt=0, le=1)] = 0.05
    unknown: Annotated[float, Field(gt=0, le=1)] = 0.05
    invalid: Annotated[float, Field(gt=0, le=1)] = 0.01
    # How much worse the primary metric may be than on the test rows; without it, its margin.
    quality: Annotated[float, Field(gt=0)] | None = None


class ModelDefinition(Grown):
    later = frozenset({"gather", "inputs", "search", "quiet_hours", "budget"})

    name: Annotated[str, AfterValidator(_model_name)]
    description: str = ""
    owners: list[Annotated[str, Field(min_length=1)]] = []
    task: Task
    data: Data = Data()
    # Of a model with gather.sql or gather.py: what its data is made by.
    gather: Gather | None = None
    target: Column
    positive: str | None = None
    # Of a model with features.py: the columns it reads. Its features are then what it returns.
    inputs: Annotated[list[Feature], Field(min_length=1)] | None = None
    features: Annotated[list[Feature], Field(min_length=1)]
    ignore: list[Column] = []
    split: Split = Split()
    trainer: Trainer = Trainer()
    # Without it, the trainer's parameters are trained as they are.
    search: Search | None = None
    threshold: Annotated[Threshold | None, BeforeValidator(_at)] = None
    metrics: Metrics
    gate: Gate = Gate()
    segments: list[Column] = []
    compute: Compute = Compute()
    resources: Resources = Resources()
    # Automatic: a promote verdict is released without a review. A hold is always reviewed.
    approval: Literal["manual", "automatic"] = "manual"
    releases: Releases = Releases()
    serving: Serving = Serving()
    batch: Batch = Batch()
    monitor: Monitor = Monitor()
    retrain: Retrain = Retrain()
    quiet_hours: QuietHours | None = None
    budget: Budget | None = None

    @property
    def sources(self) -> list[Feature]:
        """What is read from the data and checked."""
        return self.features if self.inputs is None else self.inputs

    @property
    def computed_metrics(self) -> list[str]:
        """Every metric the evaluation has, the primary one first; with costs, also the cost."""
        return list(dict.fromkeys([self.metrics.primary, *self.metrics.also, *self.costed]))

    @property
    def costed(self) -> list[str]:
        """The metrics that follow from the costs of mistakes; none without them."""
        return ["cost"] if self.threshold and self.threshold.false_negative else []

    @model_validator(mode="before")
    @classmethod
    def _default_location(cls, raw: Any) -> Any:
        """`data.location` defaults to datasets/<name>/, which no field default can express."""
        if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
            return raw
        data = raw.get("data", {})
        if not isinstance(data, dict) or "location" in data:
            return raw
        return {**raw, "data": {**data, "location": f"datasets/{raw['name']}/"}}
