"""samconfig.toml: three stages that differ only where they should."""

import tomllib
from typing import Any

import pytest

from tests.support.translation import ROOT, source

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
STAGES = ["local", "dev", "prod"]


def overrides(stage: str) -> dict[str, str]:
    pairs = CONFIG[stage]["deploy"]["parameters"]["parameter_overrides"].split()
    return dict(pair.split("=", 1) for pair in pairs)


def test_there_are_three_stages_and_no_default_to_deploy() -> None:
    assert list(CONFIG) == ["version", "default", *STAGES]
    assert "deploy" not in CONFIG["default"]
    assert "global" not in CONFIG["default"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_says_which_it_is_everywhere(stage: str) -> None:
    deploy = CONFIG[stage]["deploy"]["parameters"]

    assert CONFIG[stage]["global"]["parameters"]["stack_name"] == f"kanmon-{stage}"
    assert overrides(stage)["Stage"] == stage
    assert deploy["tags"] == f"project=kanmon stage={stage}"
    assert deploy["s3_prefix"] == f"kanmon-{stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_parameters_are_ones_the_template_takes(stage: str) -> None:
    parameters: dict[str, Any] = source()["Parameters"]

    for name, value in overrides(stage).items():
        allowed = parameters[name].get("AllowedValues")
        assert allowed is None or value in map(str, allowed)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stack_may_have_nested_applications_with_loops_and_named_roles(stage: str) -> None:
    # Named are the roles of jobs that gather alone: test_permissions.py.
    assert CONFIG[stage]["deploy"]["parameters"]["capabilities"].split() == [
        "CAPABILITY_NAMED_IAM",
        "CAPABILITY_AUTO_EXPAND",
    ]


@pytest.mark.parametrize("stage", ["default", *STAGES])
def test_every_stage_is_built_the_same_way(stage: str) -> None:
    assert CONFIG[stage]["build"]["parameters"] == {
        "beta_features": True,
        "language_extensions": True,
        "cached": True,
        "parallel": True,
    }


def test_someone_confirms_what_changes_in_prod() -> None:
    confirmed = {
        stage: CONFIG[stage]["deploy"]["parameters"]["confirm_changeset"] for stage in STAGES
    }

    assert confirmed == {"local": False, "dev": False, "prod": True}


@pytest.mark.parametrize("stage", STAGES)
def test_stack_names_leave_room_for_the_longest_job_name(stage: str) -> None:
    longest_run = 37
    job = "-".join([f"kanmon-{stage}", "r" * longest_run, "preprocess", "0"])

    assert len(job) <= 63
