"""Reading model.yaml: what is accepted, and the one line for each mistake."""

import json
import re

import pytest
from botocore.loaders import Loader

from core.definition.instance_types import PROCESSING
from core.definition.parse import DefinitionError, parse_definition
from core.definition.schema import ModelDefinition
from reading.memory import MemoryBudget
from tests.support.control_cases import DEFINITION, MODEL_YAML

SOURCE = "models/churn/model.yaml"

DEFAULTS = {
    "name": "abalone",
    "description": "",
    "owners": [],
    "task": "regression",
    "data": {
        "location": "datasets/abalone/",
        "delimiter": ",",
        "null_values": ["", "NA"],
        "key": [],
    },
    "target": "rings",
    "positive": None,
    "features": [
        {
            "name": "length",
            "kind": "numeric",
            "minimum": None,
            "maximum": None,
            "nullable": True,
        }
    ],
    "ignore": [],
    "threshold": None,
    "split": {"train": 0.7, "validation": 0.15, "test": 0.15, "by": None},
    "trainer": {
        "library": "lightgbm",
        "rounds": 2000,
        "early_stopping_rounds": 100,
        "early_stopping_metric": None,
        "seed": 7,
        "max_categories": 1000,
        "min_category_rows": 1,
        "class_weight": None,
        "parameters": {},
    },
    "metrics": {"primary": "rmse", "also": []},
    "gate": {
        "floors": {},
        "margins": {},
        "segment_margins": {},
        "minimum_segment_rows": 30,
        "fairness": [],
        "maximum_rejected_share": 0.0,
    },
    "segments": [],
    "compute": dict.fromkeys(["preprocess", "train", "evaluate", "score", "monitor"], "auto"),
    "resources": {
        "preprocess": {
            "instance_type": "ml.m5.large",
            "volume_gb": 30,
            "timeout_minutes": 60,
            "memory_mb": 2048,
        },
        "train": {"instance_type": "ml.m5.large", "volume_gb": 30, "timeout_minutes": 120},
        "evaluate": {"instance_type": "ml.m5.large", "volume_gb": 30, "timeout_minutes": 60},
        "score": {
            "instance_type": "ml.m5.large",
            "volume_gb": 30,
            "timeout_minutes": 120,
            "memory_mb": 2048,
        },
        "monitor": {
            "instance_type": "ml.m5.large",
            "volume_gb": 30,
            "timeout_minutes": 60,
            "memory_mb": 2048,
        },
    },
    "approval": "manual",
    "releases": {"supersede": True},
    "serving": {
        "memory_mb": 512,
        "timeout_seconds": 10,
        "concurrency": 10,
        "canary": "Canary10Percent5Minutes",
        "maximum_latency_ms": 500,
        "maximum_score_shift": 0.5,
        "capture_share": 0.1,
    },
    "batch": {"allow_missing": [], "explain": 0},
    "monitor": {
        "window_days": 7,
        "rows": "all",
        "minimum_rows": 100,
        "minimum_labels": 100,
        "drift": 0.1,
        "prediction_drift": 0.1,
        "missing": 0.05,
        "unknown": 0.05,
        "invalid": 0.01,
    },
    "retrain": {"on": [], "quiet_minutes": 30, "cool_down_hours": 24},
}


def problems(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as raised:
        parse_definition(text, SOURCE)
    return raised.value.problems


def problem(old: str, new: str) -> str:
    """The single problem of the good file with one piece replaced."""
    assert MODEL_YAML.count(old) == 1, old
    [only] = problems(MODEL_YAML.replace(old, new))
    return only.removeprefix(SOURCE + " ")


def test_a_short_definition_gets_every_default() -> None:
    text = """
        name: abalone
        task: regression
        target: rings
        features: [{name: length, kind: numeric}]
        metrics: {primary: rmse}
    """

    definition = parse_definition(text, "models/abalone/model.yaml")

    assert definition.model_dump() == DEFAULTS


def test_words_that_yaml_1_1_would_turn_into_something_else_stay_what_they_look_like() -> None:
    text = MODEL_YAML.replace("team@example.com", "no, on, 2026-01-01, 012x")
    text += "trainer: {parameters: {learning_rate: 1e-3, max_delta_step: 1E+2, max_depth: 010}}\n"

    definition = parse_definition(text, SOURCE)

    assert definition.positive == "yes"
    assert definition.owners == ["no", "on", "2026-01-01", "012x"]
    assert definition.trainer.parameters == {
        "learning_rate": 0.001,
        "max_delta_step": 100.0,
        "max_depth": 10,
    }


RELEASING = [
    ("approval: auto", "approval: 'auto' is not one of manual, automatic; write one of these"),
    ("approval: true", "approval: True is not one of manual, automatic; write one of these"),
    ("serving: {memory: 512}", "serving.memory: unknown key; did you mean memory_mb?"),
    ("serving: {memory_mb: 64}", "serving.memory_mb: 64 is less than 128; write 128 or more"),
    ('serving: {memory_mb: "512"}', "serving.memory_mb: '512' is not a whole number; write one, "
     "without quotes"),
    ("serving: {concurrency: 0}", "serving.concurrency: 0 is less than 1; write 1 or more"),
    ("serving: {capture_share: 1.5}", "serving.capture_share: 1.5 is more than 1.0; write 1.0 or "
     "less"),
    ("serving: {maximum_score_shift: 0}", "serving.maximum_score_shift: 0 is not more than 0.0; "
     "write a larger number"),
    ("serving: {canary: Canary10Percent5Minute}", "serving.canary: 'Canary10Percent5Minute' is "
     "not one of AllAtOnce, Canary10Percent5Minutes, Canary10Percent10Minutes, "
     "Canary10Percent15Minutes, Canary10Percent30Minutes, Linear10PercentEvery1Minute, "
     "Linear10PercentEvery2Minutes, Linear10PercentEvery3Minutes, Linear10PercentEvery10Minutes; "
     "write one of these"),
    ("batch: {source: runs/churn/}", "batch.source: runs/ is Kanmon's own and is not scored; "
     "name a folder of your own, such as datasets/ or inputs/"),
    ("batch: {source: ours}", "batch.source: 'ours' is not a folder; write one such as "
     "datasets/churn/"),
    ("batch: {allow_missing: [tenur]}", "batch.allow_missing[0]: 'tenur' is no column of a feature "
     "and no key; did you mean tenure?"),
    ("serving: {timeout_seconds: 1, maximum_latency_ms: 1500}", "serving.maximum_latency_ms: 1500 "
     "is above timeout_seconds, which ends a request at 1000 ms; write less"),
]  # fmt: skip


TRAINING = [
    ("trainer: {early_stopping_metric: f1}", "trainer.early_stopping_metric: early stopping of a "
     "binary model cannot watch 'f1'; write one of log_loss, auc, average_precision, or remove the "
     "key to watch the loss"),
    ("trainer: {max_categories: 0}", "trainer.max_categories: 0 is less than 1; write 1 or more"),
    ("trainer: {min_category_rows: many}", "trainer.min_category_rows: 'many' is not a whole "
     "number; write one, without quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "words"), [*RELEASING, *TRAINING])
def test_a_mistake_in_training_or_release_names_key_and_mend(written: str, words: str) -> None:
    [only] = problems(MODEL_YAML + written + "\n")

    assert only == f"{SOURCE} line {MODEL_YAML.count(chr(10)) + 1}, {words}"


MISTAKES = [
    ("target: churn", "taget: churn", "line 5, taget: unknown key; did you mean target?"),
    ("task: binary", "task: binry", "line 4, task: 'binry' is not one of regression, binary, "
     "multiclass; write one of these"),
    ("target: churn", "target: 3", "line 5, target: 3 is not text; write it in quotes"),
    ("kind: numeric", "kind: numerical", "line 9, features[1].kind: 'numerical' is not one of "
     "numeric, categorical; write one of these"),
    ("minimum: 0", "minimum: low", "line 9, features[1].minimum: 'low' is not a number; write "
     "one, without quotes"),
    ("minimum: 0", "minimum: .inf", "line 9, features[1].minimum: inf is not a finite number; "
     "write one"),
    ("minimum: 0", "nulable: true", "line 9, features[1].nulable: unknown key; did you mean "
     "nullable?"),
    ("minimum: 0", "minimum: 1, maximum: 0", "line 9, features[1].minimum: minimum 1 is above "
     "maximum 0; swap them"),
    ("kind: categorical}", "kind: categorical, minimum: 0}", "line 8, features[0]: a categorical "
     "feature has no minimum or maximum; remove it"),
    ("kind: categorical}", "kind: categorical, offset: 5}", "line 8, features[0].offset: is only "
     "for numbers; write kind: numeric, or remove it"),
    ("minimum: 0", "derive: {column: at, part: mont}", "line 9, features[1].derive.part: 'mont' is "
     "not one of year, quarter, month, day, weekday, day_of_year, hour, days; write one of these"),
    ("minimum: 0", "derive: {column: at, part: days}", "line 9, features[1].derive.since: belongs "
     "to part: days, which counts from that day; write since: 2026-01-01 or another day"),
    ("minimum: 0", "derive: {column: at, part: day, since: 2026-01-01}", "line 9, "
     "features[1].derive.since: belongs to part: days, which counts from that day; remove it"),
    ("minimum: 0", "derive: {column: at, part: days, since: 1.1.26}", "line 9, "
     "features[1].derive.since: '1.1.26' is not a day; write one such as 2026-01-31"),
    ("minimum: 0", "derive: {column: churn, part: day}", "line 9, features[1].derive.column: "
     "'churn' is also the target or a feature; give the feature another name"),
    ("minimum: 0", "offset: 5, derive: {column: at, part: day}", "line 9, features[1]: a part of a "
     "date has no minimum, maximum or offset; remove it"),
    ("primary: auc", "primary: acuracy", "line 10, metrics.primary: unknown metric 'acuracy'; "
     "did you mean accuracy?"),
    ("primary: auc", "primary: rmse", "line 10, metrics.primary: rmse is not a metric of a binary "
     "task; write one of auc, average_precision, log_loss, brier, accuracy, precision, recall, f1, "
     "cost"),
    ("floors: {auc: 0.7", "floors: {f1: 0.7", "line 12, gate.floors.f1: f1 is not computed for "
     "this model; add it to metrics.also"),
    ("margins: {auc: 0.02", "margins: {auc: -0.02", "line 13, gate.margins.auc: -0.02 is less "
     "than 0.0; write 0.0 or more"),
    ("minimum_segment_rows: 30", "minimum_segment_rows: '30'", "line 15, "
     "gate.minimum_segment_rows: '30' is not a whole number; write one, without quotes"),
    ("column: gender", "column: sex", "line 16, gate.fairness[0].column: 'sex' is not a feature; "
     "write one of gender, tenure"),
    ("segments: [gender]", "segments: [gendr]", "line 18, segments[0]: 'gendr' is not a feature; "
     "did you mean gender?"),
    ("segments: [gender]", "ignore: [other]", "line 14, gate.segment_margins: there are no "
     "segments to hold to it; add `segments:` or remove it"),
    ("name: tenure", "name: gender", "line 9, features[1].name: the feature 'gender' is declared "
     "twice; remove one"),
    ("name: tenure", "name: churn", "line 9, features[1].name: 'churn' is the target; remove it "
     "from the features"),
    ("positive: yes\n", "", "line 1, positive: is missing; a binary task needs the target value "
     "that counts as positive, such as positive: \"yes\""),
    ("positive: yes", "positive: NA", "line 6, positive: 'NA' is also a null value; remove it "
     "from null_values"),
    ("name: churn\n", "name: Churn\n", "line 1, name: 'Churn' is not a model name; write 2 to 20 "
     "lower-case letters, digits and single hyphens, beginning with a letter and not ending in a "
     "hyphen"),
    ("description: Who", "name: churn\ndescription: Who", "line 2, name: is already on line 1; "
     "keep one of the two"),
    ("owners: [team@example.com]", "split: {train: 0.9}", "line 3, split: the shares sum to 1.2, "
     "not 1; change them"),
    ("owners: [team@example.com]", "split: {by: {}}", "line 3, split.by: names no column; write "
     "{group: COLUMN} or {time: COLUMN}"),
    ("owners: [team@example.com]", "split: {by: {group: x, time: y}}", "line 3, split.by: names a "
     "group and a time; keep one of the two"),
    ("owners: [team@example.com]", "split: {by: {grup: x}}", "line 3, split.by.grup: unknown key; "
     "did you mean group?"),
    ("owners: [team@example.com]", "split: {by: {group: churn}}", "line 3, split.by: 'churn' is "
     "the target, which cannot decide the split; name another column"),
    ("owners: [team@example.com]", "split: {by: {group: x}}\nignore: [x]", "line 4, ignore[0]: "
     "'x' is also a feature, the target, a key or in split.by; remove it from one"),
    ("owners: [team@example.com]", "split: {by: {group: __place}}", "line 1: the column name "
     "__place is reserved; rename the column"),
    ("owners: [team@example.com]", "trainer: {class_weight: {yes: 0}}", "line 3, "
     "trainer.class_weight: is no weight of classes; write balanced, or a number above 0 for "
     "classes: {\"yes\": 10}"),
    ("owners: [team@example.com]", "trainer: {class_weight: balanced, parameters: "
     "{is_unbalance: true}}", "line 3, trainer.parameters.is_unbalance: weighs classes too; keep "
     "it or trainer.class_weight"),
    ("owners: [team@example.com]", "threshold: 1.5", "line 3, threshold.value: 1.5 is not less "
     "than 1.0; write a smaller number"),
    ("owners: [team@example.com]", "threshold: {false_positive: 1}", "line 3, threshold: names one "
     "cost; write both, {false_positive: 1, false_negative: 20}"),
    ("owners: [team@example.com]", "threshold: {}", "line 3, threshold: is neither a number nor "
     "two costs; write 0.3 or {false_positive: 1, false_negative: 20}"),
    ("owners: [team@example.com]", "threshold: low", "line 3, threshold: 'low' is not a mapping; "
     "write {key: value}"),
    ("owners: [team@example.com]", "monitor: {schedule: daily}", "line 3, monitor.schedule: "
     "'daily' is not a mapping; write {cron: …, time_zone: …}"),
    ("primary: auc", "primary: cost", "line 10, metrics.primary: cost is measured by what "
     "mistakes cost; add threshold: {false_positive: 1, false_negative: 20}"),
    ("owners: [team@example.com]", "data: {location: datasets/../secrets/}", "line 3, "
     "data.location: 'datasets/../secrets/' is not a folder of the data bucket; write "
     "datasets/churn/ or another folder below datasets/"),
    ("owners: [team@example.com]", "data: {delimiter: ';;'}", "line 3, data.delimiter: ';;' is "
     "too long; write at most 1 character(s)"),
    ("owners: [team@example.com]", "data: [", "line 5: is not YAML: expected ',' or ']', but got "
     "':' (while parsing a flow sequence that begins on line 3); fix the line"),
    ("owners: [team@example.com]", "trainer: {rounds: 1.5}", "line 3, trainer.rounds: 1.5 is not "
     "a whole number; write one, without quotes"),
    ("owners: [team@example.com]", "trainer: {parameters: {a: [1]}}", "line 3, "
     "trainer.parameters.a: is not a single value; write one number, text, true or false"),
    ("owners: [team@example.com]", "owners: team", "line 3, owners: 'team' is not a list; write "
     "[first, second]"),
    ("owners: [team@example.com]", "resources: {train: {instance_type: large}}", "line 3, "
     "resources.train.instance_type: 'large' does not look like ml.m5.large; write an instance "
     "type"),
    ("owners: [team@example.com]", "resources: {train: {instance_type: ml.m7g.large}}", "line 3, "
     "resources.train.instance_type: 'ml.m7g.large' has an arm64 processor, and step images are "
     "for x86; did you mean ml.m7i.large?"),
    ("owners: [team@example.com]", "resources: {evaluate: {instance_type: ml.m5.lage}}", "line 3, "
     "resources.evaluate.instance_type: 'ml.m5.lage' is no machine of SageMaker Processing; did "
     "you mean ml.m5.large?"),
    ("owners: [team@example.com]", "owners: &a [x]\ndata: *a", "line 4: the alias *a is not "
     "supported; write the value out"),
    ("owners: [team@example.com]", "owners: !!python/name:os.system x", "line 3, owners: the tag "
     "tag:yaml.org,2002:python/name:os.system is not supported; remove it"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES, ids=[words for _, _, words in MISTAKES])
def test_a_mistake_gets_one_line_with_place_and_mend(old: str, new: str, words: str) -> None:
    assert problem(old, new) == words


def test_the_known_machines_are_those_of_processing_in_botocores_model_and_none_is_arm64() -> None:
    model = Loader().load_service_model("sagemaker", "service-2")

    assert set(model["shapes"]["ProcessingInstanceType"]["enum"]) == PROCESSING
    assert not {name for name in PROCESSING if re.match(r"ml\.[a-z]+[0-9]+g", name)}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{decimal: ';'}", "data.decimal: ';' is not one of ., ,; write one of these"),
        ("{thousands: .}", "data.thousands: '.' is also the decimal sign; change one of them"),
        (
            '{decimal: ",", thousands: ","}',
            "data.thousands: ',' is also the decimal sign; change one of them",
        ),
    ],
)
def test_a_number_format_needs_two_different_signs(data: str, words: str) -> None:
    [only] = problems(MODEL_YAML + f"data: {data}\n")

    assert only.endswith(words)


def test_keys_that_came_later_are_written_only_where_they_are_set() -> None:
    text = MODEL_YAML.replace("minimum: 0", "offset: 5")
    text += "data: {thousands: ' '}\n"

    written = parse_definition(text, SOURCE).model_dump(mode="json")

    assert written["features"][1]["offset"] == 5
    assert "offset" not in written["features"][0]
    assert (written["data"]["thousands"], "decimal" in written["data"]) == (" ", False)


def test_every_mistake_is_told_at_once() -> None:
    text = MODEL_YAML.replace("kind: numeric", "kind: text").replace("task: binary", "task: x")

    assert [line.split(":")[0] for line in problems(text)] == [
        f"{SOURCE} line 4, task",
        f"{SOURCE} line 9, features[1].kind",
    ]


@pytest.mark.parametrize("text", ["", "   \n", "- a\n", "42", "null", "# nothing"])
def test_what_is_not_a_mapping_is_not_a_definition(text: str) -> None:
    assert problems(text) == [f"{SOURCE} line 1: is not a model's definition; begin with `name:`"]


def test_a_file_too_long_or_too_deep_is_refused_before_it_is_read() -> None:
    assert "is longer than 200000 characters" in problems("a" * 200_001)[0]
    assert "nests deeper than 20 levels" in problems("[" * 10_000)[0]


def test_a_definition_survives_the_run_plan() -> None:
    content = json.loads(json.dumps(DEFINITION.model_dump(mode="json")))

    assert ModelDefinition.model_validate(content) == DEFINITION


def test_less_memory_than_the_step_needs_is_refused() -> None:
    text = MODEL_YAML + "resources: {preprocess: {memory_mb: 255}}\n"

    [only] = problems(text)

    assert only.endswith("resources.preprocess.memory_mb: 255 is less than 256; write 256 or more")
    assert MemoryBudget.LEAST_MB == 256
