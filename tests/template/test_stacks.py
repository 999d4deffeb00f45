"""What the core hands to its nested applications is what they take, and the other way round."""

import json
import re

import pytest

from tests.support.translation import ROOT, STACKS, applications, nested, source

APPLICATIONS = sorted(applications())


def test_every_nested_template_is_an_application_of_the_core() -> None:
    named = [entry["Properties"]["Location"] for entry in applications().values()]

    assert sorted(named) == [f"stacks/{path.name}" for path in STACKS]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_it_is_handed_the_parameters_that_it_takes(name: str) -> None:
    handed = applications()[name]["Properties"]["Parameters"]

    assert list(handed) == list(nested(name)["Parameters"])


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_core_passes_on_all_that_it_answers(name: str) -> None:
    read = re.findall(rf'"{name}[", .]+Outputs\.(\w+)"', json.dumps(source()))

    assert read == list(nested(name).get("Outputs", {}))


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_parameter_of_both_templates_takes_the_same_values(name: str) -> None:
    core = source()["Parameters"]

    for parameter, entry in nested(name)["Parameters"].items():
        if "AllowedValues" in core.get(parameter, {}):
            assert entry["AllowedValues"] == core[parameter]["AllowedValues"]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_it_names_things_after_the_stage_and_not_after_its_own_stack(name: str) -> None:
    assert "AWS::StackName" not in json.dumps(nested(name))


@pytest.mark.parametrize("name", APPLICATIONS)
def test_it_needs_no_transform_but_for_a_loop(name: str) -> None:
    template = source(ROOT / applications()[name]["Properties"]["Location"])
    loops = [each for each in template["Resources"] if each.startswith("Fn::ForEach::")]

    assert template.get("Transform") == ("AWS::LanguageExtensions" if loops else None)
    # The local stage makes no code of a nested template ready.
    assert "AWS::Serverless" not in json.dumps(template)
