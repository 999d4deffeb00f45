"""The keys of model.yaml that say where each step computes."""

import pytest

from core.definition.compute import Hosts
from core.definition.parse import DefinitionError, parse_definition
from core.definition.schema import ModelDefinition

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
        ("compute: {train: {host: 2}}", "write auto, lambda, processing or {hosts: 4}"),
        ("compute: {train: 2}", "2 is no place to compute; write auto, lambda, processing"),
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


def test_xgboost_trains_on_one_machine() -> None:
    keys = "trainer: {library: xgboost}\ncompute: {train: {hosts: 4}}"

    with pytest.raises(DefinitionError) as refused:
        parsed(keys)

    assert list(refused.value.problems) == [
        "model.yaml line 7, compute.train: xgboost trains on one machine here; write processing, "
        "or set trainer.library: lightgbm"
    ]


def test_the_number_of_hosts_is_a_part_of_what_is_trained() -> None:
    assert parsed("compute: {train: {hosts: 2}}") != parsed("compute: {train: {hosts: 4}}")
