"""Finding the project, its models, and what samconfig.toml says."""

import pytest

from core.names import is_model_name
from kanmon.errors import BadInputError
from kanmon.project import (
    StageSettings,
    check_model_name,
    find_project,
    parameter_overrides,
    stage_settings,
)


def test_the_project_is_found_from_any_folder_in_it(project):
    assert find_project(project.root / "models/wine").root == project.root


def test_a_stages_settings_come_from_samconfig(project):
    assert stage_settings(project, "local") == StageSettings(
        "local",
        "kanmon-local",
        "us-east-1",
        None,
        {"Stage": "local", "LogRetentionDays": "1"},
    )


def test_a_stage_that_samconfig_lacks_is_named(project):
    with pytest.raises(BadInputError, match=r"samconfig\.toml has no stage 'prod'"):
        stage_settings(project, "prod")


def test_a_broken_samconfig_is_named(project):
    (project.root / "samconfig.toml").write_text("[local\n")

    with pytest.raises(BadInputError, match=r"samconfig.toml is not valid TOML: "):
        stage_settings(project, "local")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Stage=dev LogRetentionDays=30", {"Stage": "dev", "LogRetentionDays": "30"}),
        (["Stage=dev", 'Mail="a b"'], {"Stage": "dev", "Mail": "a b"}),
        ('Mail=""', {"Mail": ""}),
        ([], {}),
    ],
)
def test_parameters_are_read_as_sam_reads_them(written, read):
    assert parameter_overrides(written) == read


@pytest.mark.parametrize(
    "name",
    ["abalone", "a1", "two-words", "a" * 20, "a" * 21, "A", "a", "a--b", "a-", "1a", "ä", ""],
)
def test_the_command_line_and_the_platform_agree_on_model_names(name):
    try:
        check_model_name(name)
    except BadInputError:
        assert not is_model_name(name)
    else:
        assert is_model_name(name)
