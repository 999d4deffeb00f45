"""Contradictions in a definition whose keys are each valid by themselves."""

import math
from collections.abc import Iterable, Iterator

from core.definition import instance_types
from core.definition.compute import SPOT
from core.definition.computed import computed
from core.definition.gather import OF_A_PROGRAM, OF_A_QUERY
from core.definition.messages import nearest, shown
from core.definition.program import FILE as PROGRAM
from core.definition.query import FILE
from core.definition.schema import Feature, ModelDefinition
from core.definition.scorable import check_prefix
from core.definition.search_space import search_problems
from core.definition.train import OWN
from core.definition.trainer_parameters import parameter_problems
from core.definition.yaml_lines import Path
from core.metrics import METRICS, WATCHED, metrics_of

Problem = tuple[Path, str]

# The preprocess step adds the hash of the row, and its place in the split, under these names.
RESERVED_COLUMNS = {"__row", "__place"}


# The libraries' own ways to weigh classes.
_WEIGHING = {"scale_pos_weight", "is_unbalance", "unbalance", "unbalanced_sets"}


def contradictions(definition: ModelDefinition) -> list[Problem]:
    """Every problem, in the order of the document's keys."""
    return [
        *_data(definition),
        *_gather(definition),
        *_columns(definition),
        *computed(definition),
        *_task(definition),
        *_split(definition),
        *_parameters(definition),
        *early_stopping(definition),
        *search_problems(definition),
        *_class_weight(definition),
        *_threshold(definition),
        *_metrics(definition),
        *_gate(definition),
        *_segments(definition),
        *_resources(definition),
        *_compute(definition),
        *_serving(definition),
        *_batch(definition),
    ]


def _data(definition: ModelDefinition) -> Iterator[Problem]:
    location = definition.data.location
    parts = location.split("/")
    if parts[0] != "datasets" or parts[-1] != "" or len(parts) < 3 or not _plain(parts[1:-1]):
        fix = f"write datasets/{definition.name}/ or another folder below datasets/"
        yield ("data", "location"), f"{shown(location)} is not a folder of the data bucket; {fix}"
    if definition.data.delimiter in '"\r\n':
        yield (
            ("data", "delimiter"),
            f"{shown(definition.data.delimiter)} cannot part columns; "
            'write one character such as "," or ";"',
        )
    if definition.data.thousands == (definition.data.decimal or "."):
        words = f"{shown(definition.data.thousands)} is also the decimal sign; change one of them"
        yield ("data", "thousands"), words


def _gather(definition: ModelDefinition) -> Iterator[Problem]:
    """A query or a program makes the data: nobody else's file starts a run."""
    gather = definition.gather
    if gather is None:
        return
    there = [name for name in OF_A_QUERY if getattr(gather, name) is not None]
    for name in OF_A_PROGRAM if gather.is_query else ():
        if getattr(gather, name) is not None:
            words = f"is of {PROGRAM}, and gather.database of {FILE}; remove one of the two"
            yield ("gather", name), words
    for name in () if gather.is_query else there:
        words = f"is of {FILE}, which needs gather.database too; add that, or remove this"
        yield ("gather", name), words
    if definition.data.location != f"datasets/{definition.name}/":
        words = "gather makes the data, so there is no location; remove it, or remove gather"
        yield ("data", "location"), words
    if "data" in definition.retrain.on:
        words = "gather makes the data, so none arrives; write retrain.schedule in place of data"
        yield ("retrain", "on"), words


def _plain(parts: Iterable[str]) -> bool:
    return all(part not in ("", ".", "..") and "*" not in part for part in parts)


def _columns(definition: ModelDefinition) -> Iterator[Problem]:
    yield from _twice(("data", "key"), definition.data.key)
    yield from _twice(("ignore",), definition.ignore)
    yield from _declared(definition, "feature", definition.features)
    yield from _declared(definition, "input", definition.inputs or [])
    names = [source.name for source in definition.sources]
    if definition.target in definition.data.key:
        words = f"{shown(definition.target)} is the target; it cannot identify a row"
        yield ("data", "key"), f"{words}; remove it"
    derived = {feature.derive.column for feature in definition.features if feature.derive}
    used = {*names, *derived, definition.target, *definition.data.key, *definition.split.columns}
    for i, name in enumerate(definition.ignore):
        if name in used:
            what = "a feature" if definition.inputs is None else "an input"
            words = f"{shown(name)} is also {what}, the target, a key or in split.by"
            yield ("ignore", i), f"{words}; remove it from one"
    for name in sorted(RESERVED_COLUMNS & used):
        yield (), f"the column name {name} is reserved; rename the column"


def _declared(definition: ModelDefinition, what: str, declared: list[Feature]) -> Iterator[Problem]:
    """Contradictions of features, or of inputs."""
    names = [each.name for each in declared]
    for i in _repeats(names):
        words = f"the {what} {shown(names[i])} is declared twice; remove one"
        yield (f"{what}s", i, "name"), words
    for i, each in enumerate(declared):
        if each.name == definition.target:
            words = f"{shown(each.name)} is the target; remove it from the {what}s"
            yield (f"{what}s", i, "name"), words
        if each.kind == "categorical" and (each.minimum, each.maximum) != (None, None):
            words = f"a categorical {what} has no minimum or maximum; remove it"
            yield (f"{what}s", i), words
        elif _above(each.minimum, each.maximum):
            words = f"minimum {each.minimum:g} is above maximum {each.maximum:g}; swap them"
            yield (f"{what}s", i, "minimum"), words
        if definition.inputs is None:
            yield from _derived(definition, (f"{what}s", i), each)


def _derived(definition: ModelDefinition, path: Path, feature: Feature) -> Iterator[Problem]:
    """Contradictions of a feature that is computed."""
    if feature.kind == "categorical" and (feature.offset is not None or feature.derive):
        words = "is only for numbers; write kind: numeric, or remove it"
        yield (*path, "offset" if feature.derive is None else "derive"), words
    if feature.derive is None:
        return
    column = feature.derive.column
    if column == definition.target or column in {each.name for each in definition.features}:
        words = f"{shown(column)} is also the target or a feature; give the feature another name"
        yield (*path, "derive", "column"), words
    if {feature.minimum, feature.maximum, feature.offset} != {None}:
        words = "a part of a date has no minimum, maximum or offset; remove it"
        yield path, words
    if (feature.derive.part == "days") != (feature.derive.since is not None):
        words = "belongs to part: days, which counts from that day; "
        fix = "remove it" if feature.derive.since else "write since: 2026-01-01 or another day"
        yield (*path, "derive", "since"), words + fix


def _above(minimum: float | None, maximum: float | None) -> bool:
    return minimum is not None and maximum is not None and minimum > maximum


def _task(definition: ModelDefinition) -> Iterator[Problem]:
    if definition.task == "binary" and definition.positive is None:
        words = "is missing; a binary task needs the target value that counts as positive"
        yield ("positive",), f'{words}, such as positive: "yes"'
    elif definition.task != "binary" and definition.positive is not None:
        yield ("positive",), f"a {definition.task} task has no positive value; remove it"
    elif definition.positive in definition.data.null_values:
        words = f"{shown(definition.positive)} is also a null value; remove it from null_values"
        yield ("positive",), words


def _split(definition: ModelDefinition) -> Iterator[Problem]:
    split = definition.split
    shares = {"train": split.train, "validation": split.validation, "test": split.test}
    for name, share in shares.items():
        if share == 0:
            yield ("split", name), "is 0, but each part needs rows; give it a share"
    total = sum(shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        yield ("split",), f"the shares sum to {total:g}, not 1; change them"
    if split.by is not None and not split.columns:
        yield ("split", "by"), "names no column; write {group: COLUMN} or {time: COLUMN}"
    if len(split.columns) > 1:
        yield ("split", "by"), "names a group and a time; keep one of the two"
    if definition.target in split.columns:
        words = f"{shown(definition.target)} is the target, which cannot decide the split"
        yield ("split", "by"), f"{words}; name another column"


def _parameters(definition: ModelDefinition) -> Iterator[Problem]:
    for name, words in parameter_problems(definition.trainer):
        yield ("trainer", "parameters", name), words


def early_stopping(definition: ModelDefinition) -> Iterator[Problem]:
    """The problem with the metric that early stopping watches, if there is one."""
    metric, known = definition.trainer.early_stopping_metric, WATCHED[definition.task]
    if metric is not None and metric not in known:
        yield (
            ("trainer", "early_stopping_metric"),
            f"early stopping of a {definition.task} model cannot watch {shown(metric)}; write one "
            f"of {', '.join(known)}, or remove the key to watch the loss",
        )


def _class_weight(definition: ModelDefinition) -> Iterator[Problem]:
    trainer = definition.trainer
    if trainer.class_weight is None:
        return
    if definition.task == "regression":
        yield ("trainer", "class_weight"), "a regression task has no classes; remove it"
    for name in sorted(_WEIGHING & trainer.parameters.keys()):
        words = "weighs classes too; keep it or trainer.class_weight"
        yield ("trainer", "parameters", name), words


def _threshold(definition: ModelDefinition) -> Iterator[Problem]:
    threshold = definition.threshold
    if threshold is None:
        return
    costs = (threshold.false_positive, threshold.false_negative)
    if definition.task != "binary":
        yield ("threshold",), f"a {definition.task} task has no threshold; remove it"
    elif (threshold.value is None) == (costs == (None, None)):
        words = "is neither a number nor two costs; write 0.3 or "
        yield ("threshold",), f"{words}{{false_positive: 1, false_negative: 20}}"
    elif threshold.value is None and None in costs:
        words = "names one cost; write both, {false_positive: 1, false_negative: 20}"
        yield ("threshold",), words


def _metrics(definition: ModelDefinition) -> Iterator[Problem]:
    metrics = definition.metrics
    yield from _of_task(definition, ("metrics", "primary"), metrics.primary)
    for i, name in enumerate(metrics.also):
        yield from _of_task(definition, ("metrics", "also", i), name)


def _of_task(definition: ModelDefinition, path: Path, metric: str) -> Iterator[Problem]:
    known = metrics_of(definition.task)
    if metric == "cost" and metric in known and metric not in definition.costed:
        words = "is measured by what mistakes cost; add threshold: "
        yield path, f"{metric} {words}{{false_positive: 1, false_negative: 20}}"
    if metric in known:
        return
    if metric in METRICS:
        words = f"{metric} is not a metric of a {definition.task} task"
        yield path, f"{words}; write one of {', '.join(known)}"
    else:
        yield path, f"unknown metric {shown(metric)}; {nearest(metric, list(known))}"


def _gate(definition: ModelDefinition) -> Iterator[Problem]:
    gate = definition.gate
    rules = {
        "floors": gate.floors,
        "margins": gate.margins,
        "segment_margins": gate.segment_margins,
    }
    misspelled = list(_metrics(definition))
    for rule, bars in rules.items():
        for metric in bars:
            path: Path = ("gate", rule, metric)
            outside = list(_of_task(definition, path, metric))
            yield from outside
            # With a misspelled metric above, that metric is likely the one meant here.
            if not outside and not misspelled and metric not in definition.computed_metrics:
                words = f"{metric} is not computed for this model; add it to metrics.also"
                yield path, words
    if gate.segment_margins and not definition.segments:
        words = "there are no segments to hold to it; add `segments:` or remove it"
        yield ("gate", "segment_margins"), words
    for i, rule_ in enumerate(gate.fairness):
        path = ("gate", "fairness", i)
        yield from _of_task(definition, (*path, "metric"), rule_.metric)
        yield from _is_feature(definition, (*path, "column"), rule_.column)


def _segments(definition: ModelDefinition) -> Iterator[Problem]:
    yield from _twice(("segments",), definition.segments)
    for i, column in enumerate(definition.segments):
        yield from _is_feature(definition, ("segments", i), column)


def _resources(definition: ModelDefinition) -> Iterator[Problem]:
    resources = definition.resources
    steps = {name: getattr(resources, name) for name in type(resources).model_fields}
    for name, step in steps.items():
        preferred = getattr(step, "instance_types", None)
        named: list[tuple[Path, str]]
        if preferred is None:
            named = [((name, "instance_type"), step.instance_type)]
        else:
            named = [((name, "instance_types", i), each) for i, each in enumerate(preferred)]
            yield from _twice(("resources", name, "instance_types"), preferred)
        for path, each in named:
            words = instance_types.problem(each)
            if words is not None:
                yield ("resources", *path), words


def _compute(definition: ModelDefinition) -> Iterator[Problem]:
    if definition.compute.hosts("train") > 1 and definition.trainer.library != "lightgbm":
        yield (
            ("compute", "train"),
            f"{definition.trainer.library} trains on one machine here; write processing, or set "
            "trainer.library: lightgbm",
        )
    waits = definition.resources.train.spot_wait_minutes is not None
    if waits and definition.compute.rung("train") != SPOT:
        words = "nothing waits for a spot machine; write compute: {train: spot}, or remove it"
        yield ("resources", "train", "spot_wait_minutes"), words
    if definition.trainer.library != OWN and definition.trainer.base is not None:
        words = "is a file that an own train step begins with"
        yield ("trainer", "base"), f"{words}; write trainer.library: own, or remove it"
    if definition.trainer.library == OWN and definition.compute.train == "lambda":
        words = "no function of Lambda has the model's own image; write auto or processing"
        yield ("compute", "train"), words


def _serving(definition: ModelDefinition) -> Iterator[Problem]:
    serving = definition.serving
    limit = serving.timeout_seconds * 1000
    if serving.maximum_latency_ms > limit:
        words = f"{serving.maximum_latency_ms} is above timeout_seconds, which ends a request at "
        yield ("serving", "maximum_latency_ms"), f"{words}{limit} ms; write less"


def _batch(definition: ModelDefinition) -> Iterator[Problem]:
    if definition.trainer.library == OWN and definition.batch.explain:
        words = "explanations follow from trees, which a model of an own train step does not have"
        yield ("batch", "explain"), f"{words}; remove it"
    source, data = definition.batch.source, definition.data
    if source is not None:
        try:
            check_prefix(source)
        except ValueError as error:
            yield ("batch", "source"), str(error)
    sources = [each.derive.column if each.derive else each.name for each in definition.sources]
    known = list(dict.fromkeys([*sources, *data.key]))
    yield from _twice(("batch", "allow_missing"), definition.batch.allow_missing)
    for i, name in enumerate(definition.batch.allow_missing):
        if name not in known:
            words = f"{shown(name)} is no column of a feature and no key; {nearest(name, known)}"
            yield ("batch", "allow_missing", i), words


def _is_feature(definition: ModelDefinition, path: Path, column: str) -> Iterator[Problem]:
    """Is the column a feature, or an input of features.py?"""
    names = [each.name for each in (*definition.features, *(definition.inputs or ()))]
    if column not in names:
        what = "a feature" if definition.inputs is None else "a feature or an input"
        yield path, f"{shown(column)} is not {what}; {nearest(column, names)}"


def _twice(path: Path, names: list[str]) -> Iterator[Problem]:
    for i in _repeats(names):
        yield (*path, i), f"{shown(names[i])} is named twice; remove one"


def _repeats(names: list[str]) -> list[int]:
    seen: set[str] = set()
    return [i for i, name in enumerate(names) if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
