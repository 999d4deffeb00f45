"""The keys of model.yaml that say where each step computes."""

import pytest

from core.definition.compute import Hosts
from core.definition.parse import DefinitionError, parse_definition
from core.definition.schema import ModelDefinition
from core.runs.resources import resources_of

SHORT = """name: wine
task: regression
target: quality
features: [{name: alcohol, kind: numeric}]
metrics: {primary: rmse}
"""


def parsed(keys: str) -> ModelDefinition:
    return parse_definition(SHORT + keys, "model.yaml")


def test_without_the_key_each_step_computes_where_it_fits() -> None:
    compute = parsed("").compute

    steps = ("preprocess", "train", "evaluate", "score", "monitor")
    assert [compute.rung(step) for step in steps] == ["auto"] * 5
    assert [compute.hosts(step) for step in steps] == [1] * 5


def test_a_step_may_name_a_rung_or_several_hosts() -> None:
    compute = parsed("compute: {preprocess: {hosts: 4}, train: lambda}").compute

    assert compute.preprocess == Hosts(hosts=4)
    assert (compute.rung("preprocess"), compute.hosts("preprocess")) == ("processing", 4)
    assert (compute.rung("train"), compute.hosts("train")) == ("lambda", 1)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("compute: {train: lamda}", "compute.train: 'lamda' is no place to compute; did you mean"),
        ("compute: {tran: lambda}", "compute.tran: unknown key; did you mean train?"),
        ("compute: {train: {hosts: 1}}", "hosts: 1 is no number of machines; write hosts: 2 to"),
        ("compute: {train: {hosts: 101}}", "hosts: 101 is no number of machines; write hosts: 2"),
        ("compute: {train: {hosts: two}}", "hosts: 'two' is no number of machines"),
        ("compute: {train: {hosts: true}}", "hosts: True is no number of machines"),
        ("compute: {train: {host: 2}}", "write auto, lambda, processing, spot or {hosts: 4}"),
        ("compute: {train: 2}", "2 is no place to compute; write auto, lambda, processing"),
        ("compute: {train: spott}", "'spott' is no place to compute; did you mean spot?"),
        (
            "compute: {train: {hosts: 2, spot: true}}",
            "several hosts do not train on spot machines: losing one of them starts the work",
        ),
        (
            "compute: {preprocess: spot}",
            "only training jobs have spot machines, so only train; write auto, lambda, processing",
        ),
        ("compute: {evaluate: spot}", "only training jobs have spot machines, so only train"),
        ("compute: {score: spot}", "write auto, lambda, processing or {hosts: 4}"),
        ("resources: {train: {spot_wait_minutes: 0}}", "resources.train.spot_wait_minutes"),
        ("resources: {train: {spot_wait_minutes: 1441}}", "resources.train.spot_wait_minutes"),
        (
            "resources: {train: {spot_wait_minutes: 5}}",
            "nothing waits for a spot machine; write compute: {train: spot}, or remove it",
        ),
        ("resources: {evaluate: {spot_wait_minutes: 5}}", "spot_wait_minutes: unknown key"),
        ("compute: {evaluate: {hosts: 2}}", "compute.evaluate: this step works on one machine"),
        ("compute: {monitor: }", "compute.monitor: None is no place to compute"),
        ("compute: lambda", "compute: 'lambda' is not a mapping; write {preprocess: …"),
        (
            "resources: {preprocess: {instance_count: 2}}",
            "write compute: {preprocess: {hosts: 4}}",
        ),
        ("resources: {score: {instance_count: 2}}", "write compute: {score: {hosts: 4}}"),
    ],
)
def test_a_mistake_says_what_to_write(keys: str, words: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        parsed(keys)

    (problem,) = refused.value.problems
    assert problem.startswith("model.yaml line 6")
    assert words in problem


def test_train_may_ask_for_a_spot_machine_and_waits_half_an_hour_for_it() -> None:
    asked = parsed("compute: {train: spot}")
    patient = parsed("compute: {train: spot}\nresources: {train: {spot_wait_minutes: 90}}")

    assert (asked.compute.rung("train"), asked.compute.hosts("train")) == ("spot", 1)
    assert not asked.compute.may_be_function("train")
    assert asked.resources.train.spot_wait_seconds == 30 * 60
    assert patient.resources.train.spot_wait_seconds == 90 * 60
    # A definition without the key is written as it always was.
    assert "spot_wait_minutes" not in asked.model_dump()["resources"]["train"]


def test_a_step_may_name_its_machines_in_an_order_of_preference() -> None:
    named = parsed("resources: {train: {instance_types: [ml.m6i.large, ml.m5.large]}}")

    assert named.resources.train.instance_types == ["ml.m6i.large", "ml.m5.large"]
    # What counts with one machine counts with the first.
    assert named.resources.train.instance_type == "ml.m6i.large"
    assert ModelDefinition.model_validate(named.model_dump()) == named
    assert "instance_types" not in parsed("").model_dump()["resources"]["train"]
    given = resources_of(named, {})
    preferred = [
        {"InstanceType": name, "InstanceCount": 1} for name in ("ml.m6i.large", "ml.m5.large")
    ]
    assert given["train"]["machines"] == {"InstancePreferences": preferred}
    assert given["evaluate"]["machines"] == {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    asked = resources_of(named, {"train": "ml.c5.xlarge"})["train"]["machines"]
    assert asked == {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1}


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ("train: {instance_types: []}", "resources.train.instance_types"),
        (f"train: {{instance_types: [{', '.join(['ml.m5.large'] * 6)}]}}", "instance_types"),
        ("train: {instance_types: [m5]}", "resources.train.instance_types"),
        ("train: {instance_types: ml.m5.large}", "resources.train.instance_types"),
        ("train: {instance_types: [ml.m5.lrage]}", "did you mean ml.m5.large?"),
        (
            "evaluate: {instance_types: [ml.m5.large, ml.m5.large]}",
            "'ml.m5.large' is named twice; remove one",
        ),
        (
            "preprocess: {instance_type: ml.m5.large, instance_types: [ml.m6i.large]}",
            "instance_type and instance_types name the step's machine twice; remove one of them",
        ),
        ("score: {instance_types: [ml.m5.large]}", "instance_types: unknown key"),
    ],
)
def test_a_wrong_order_of_preference_says_what_to_write(resources: str, words: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        parsed(f"resources: {{{resources}}}")

    assert words in " ".join(refused.value.problems)


def test_xgboost_trains_on_one_machine() -> None:
    keys = "trainer: {library: xgboost}\ncompute: {train: {hosts: 4}}"

    with pytest.raises(DefinitionError) as refused:
        parsed(keys)

    assert list(refused.value.problems) == [
        "model.yaml line 7, compute.train: xgboost trains on one machine here; write processing, "
        "or set trainer.library: lightgbm"
    ]
