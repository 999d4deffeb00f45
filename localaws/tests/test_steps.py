"""The settings of a folder of steps, and what is refused in one line."""

from pathlib import Path

import pytest

from localaws import stage, steps
from localaws.stage import StageError
from localaws.steps import Steps, StepsError
from support.steps import make_steps


def test_everything_but_the_steps_may_be_left_out(tmp_path: Path):
    assert make_steps(tmp_path, 'steps = ["fit"]') == Steps(tmp_path, ("fit",))


def test_what_is_written_is_taken(tmp_path: Path):
    made = make_steps(
        tmp_path,
        """
steps = ["prepare", "fit"]
shared = ["contract"]
built_with = ["Dockerfile"]
repositories = "shop-*"
docker_image = "shop"
late_variables = ["SHOP_"]
hidden = ["hypothesis"]
run = ["fit"]
functions = ["core.orders"]
uses = {fit = ["prepare"]}
preload = {fit = ["fit.model"]}
""",
    )

    assert made == Steps(
        tmp_path,
        ("prepare", "fit"),
        ("contract",),
        ("Dockerfile",),
        "shop-*",
        "shop",
        ("SHOP_",),
        ("hypothesis",),
        {"fit": ("prepare",)},
        {"fit": ("fit.model",)},
        ("fit",),
        ("core.orders",),
    )
    folders = [folder.name for folder in made.folders_of("fit")]
    assert folders == ["contract", "prepare", "fit"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("steps = [", "localaws.toml is not TOML"),
        ("", "steps must list at least one step"),
        ("steps = []", "steps must list at least one step"),
        ('steps = "fit"', "steps must be a list of names"),
        ("steps = [1]", "steps must be a list of names"),
        ('steps = ["fitt"]', "names 'fitt', but .*fitt is no folder"),
        ('steps = ["fit"]\nshared = ["lib"]', "names 'lib', but .*lib is no folder"),
        ('steps = ["fit"]\nrepositories = 1', "repositories must be a text"),
        ('steps = ["fit"]\npreload = ["fit"]', "preload must be a table of lists of names"),
        ('steps = ["fit"]\n[uses]\nfit = ["lib"]', "names 'lib', but .*lib is no folder"),
        ('steps = ["fit"]\n[preload]\nfitt = []', "preload names fitt, no step of it"),
        ('steps = ["fit"]\nrun = ["fitt"]', "run names fitt, no step of it"),
        ('steps = ["fit"]\nstep = 1', "unknown setting 'step'; known are steps, shared"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(
    tmp_path: Path, settings: str, problem: str
):
    with pytest.raises(StepsError, match=problem) as refused:
        make_steps(tmp_path / "code", settings)

    assert str(tmp_path / "code/localaws.toml") in str(refused.value)
    assert "\n" not in str(refused.value).partition("TOML")[0]


def test_a_folder_without_settings_is_named_before_a_server_starts(tmp_path: Path):
    with pytest.raises(StageError, match=r"no readable .*/localaws.toml: No such file"):
        stage.up(tmp_path / "home", steps=tmp_path)

    assert not (tmp_path / "home").exists()


def test_jobs_in_docker_need_a_folder_of_steps(tmp_path: Path):
    with pytest.raises(StageError, match="need the folder of steps"):
        stage.up(tmp_path / "home", docker=True)
    with pytest.raises(StepsError):
        steps.read(tmp_path)
