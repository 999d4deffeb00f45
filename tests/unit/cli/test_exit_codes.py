"""Every error is one line on stderr, with the exit code that the help promises."""

import json
import shutil

import pytest


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["frobnicate"], "kanmon: there is no command 'frobnicate'. See `kanmon --help`.\n"),
        (
            ["runn"],
            "kanmon: there is no command 'runn'. Did you mean run or runs? See `kanmon --help`.\n",
        ),
        (
            ["run", "wine", "--set", "learning_rat=1"],
            "kanmon: the run's parameters, learning_rat: lightgbm has no such parameter for "
            "training; did you mean learning_rate?\n",
        ),
        (["run"], "kanmon: Missing argument 'MODEL'. See `kanmon run --help`.\n"),
        (
            ["run", "wein"],
            "kanmon: there is no model 'wein' (models/wein/model.yaml). Did you mean wine?\n",
        ),
        (
            ["run", "../wine"],
            "kanmon: '../wine' is not a valid model name. "
            "Use 2 to 20 of a-z, 0-9 and single hyphens, a letter first.\n",
        ),
        (
            ["run", "wine", "--set", "rounds"],
            "kanmon: --set 'rounds' is not KEY=VALUE. Write it as in --set rounds=200.\n",
        ),
        (
            ["run", "wine", "--set", "seed=1", "--set", "seed=2"],
            "kanmon: --set sets seed twice. Set it once.\n",
        ),
        (
            ["put-data", "wine"],
            "kanmon: no data file is named. Name files, or a folder with --from.\n",
        ),
        (
            ["put-data", "wine", "missing.csv"],
            "kanmon: there is no file missing.csv. Check the path.\n",
        ),
        (
            ["put-data", "wine", "models"],
            "kanmon: models is a folder. Upload its files with --from models.\n",
        ),
        (
            ["up", "--stage", "dev"],
            "kanmon: stage dev runs on AWS and is always up. "
            "Deploy it with `kanmon deploy --stage dev`.\n",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(kanmon, words, line):
    result = kanmon(*words)

    assert (result.exit_code, result.stderr, result.stdout) == (2, line, "")


def test_outside_a_project_it_says_so(kanmon, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = kanmon("runs")

    assert result.exit_code == 2
    assert "is not inside a Kanmon project" in result.stderr


def test_a_guess_ends_in_its_question_mark(kanmon, project):
    path = project.root / "models/wine/model.yaml"
    path.write_text(path.read_text().replace("target:", "traget:"))

    assert kanmon("run", "wine").stderr.endswith("unknown key; did you mean target?\n")


def test_a_home_that_is_a_file_says_what_to_do(kanmon, project):
    project.home.write_text("")

    result = kanmon("up")

    assert (result.exit_code, result.stderr) == (
        2,
        f"kanmon: {project.home}: file exists. Move that file: a folder is needed there.\n",
    )


def test_a_full_disk_is_refused_before_the_stage_starts(kanmon, project, monkeypatch):
    full = type(shutil.disk_usage("."))(10**9, 10**9 - 3_000_000, 3_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: full)

    result = kanmon("up")

    assert result.exit_code == 3
    assert result.stderr.startswith(f"kanmon: the disk of {project.home} has 3 MB free, ")


def test_a_broken_definition_names_file_line_and_key(kanmon, project):
    path = project.root / "models/wine/model.yaml"
    path.write_text(path.read_text().replace("kind: numeric", "kind: numerical"))

    result = kanmon("run", "wine")

    assert result.exit_code == 2
    assert result.stderr.startswith("kanmon: models/wine/model.yaml line 6, features[0].kind: ")


def test_a_definition_that_is_not_text_is_refused(kanmon, project):
    (project.root / "models/wine/model.yaml").write_bytes(b"name: \xff")

    result = kanmon("run", "wine")

    assert (result.exit_code, result.stderr) == (
        2,
        "kanmon: models/wine/model.yaml is not UTF-8 text (byte 6). Save it as UTF-8.\n",
    )


def test_a_folder_that_has_another_name_than_its_model_is_refused(kanmon, project):
    (project.root / "models/wine").rename(project.root / "models/beer")

    result = kanmon("run", "beer")

    assert (result.exit_code, result.stderr) == (
        2,
        "kanmon: models/beer/model.yaml, name: 'wine' differs from the name of its folder. "
        "Write beer there, or rename the folder.\n",
    )


@pytest.mark.parametrize(
    "words", [["run", "wine"], ["runs"], ["deploy"], ["show", "wine"], ["env"]]
)
def test_without_a_running_stage_it_says_how_to_start_it(kanmon, words):
    result = kanmon(*words)

    assert (result.exit_code, result.stderr) == (
        3,
        "kanmon: the local stage is not running. Start it with `kanmon up`.\n",
    )


def test_without_a_region_an_account_is_not_reachable(kanmon, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    result = kanmon("runs", "--stage", "dev")

    assert result.exit_code == 3
    assert result.stderr.startswith("kanmon: no region is set for stage dev. ")


def test_an_error_is_a_document_too_when_json_is_asked_for(kanmon):
    result = kanmon("runs", "--json")

    assert json.loads(result.stdout) == {
        "error": "the local stage is not running. Start it with `kanmon up`.",
        "exit_code": 3,
    }


def test_the_stage_may_be_named_before_or_after_the_verb_or_in_the_environment(kanmon, monkeypatch):
    said = kanmon("up", "--stage", "prod").stderr

    assert kanmon("--stage", "prod", "up").stderr == said
    assert kanmon("--stage", "dev", "up", "--stage", "prod").stderr == said
    monkeypatch.setenv("KANMON_STAGE", "prod")
    assert kanmon("up").stderr == said


def test_an_unknown_stage_is_a_usage_error(kanmon):
    result = kanmon("runs", "--stage", "staging")

    assert result.exit_code == 2
    assert "'staging' is not one of 'local', 'dev', 'prod'" in result.stderr


def test_down_when_nothing_runs_is_fine(kanmon):
    result = kanmon("down", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"stage": "local", "stopped": False, "erased": False}


def test_erasing_leaves_what_is_not_ours(kanmon, project, monkeypatch):
    home = project.root / "elsewhere"
    (home / "state").mkdir(parents=True)
    (home / "thesis.txt").write_text("years of work")
    monkeypatch.setenv("KANMON_HOME", str(home))

    result = kanmon("down", "--erase")

    assert result.exit_code == 0
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]
