"""Starting, deploying and filling a local stage from the command line."""

import json
import os
import signal

import pytest
from click.testing import CliRunner

from kanmon.cli import main
from localaws import stage as local_stage
from tests.support.waiting import eventually


def test_up_when_it_is_up_does_nothing(stage, kanmon):
    result = kanmon("up", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["started"] is False


def test_up_in_docker_is_refused_while_it_runs_without(stage, kanmon):
    result = kanmon("up", "--docker")

    assert result.exit_code == 2
    assert result.stderr.endswith(
        ", without --docker. Run `kanmon down`, then `kanmon up --docker`; its state is kept.\n"
    )


def test_a_stage_that_died_says_so_with_the_last_error_of_its_log(environment, tmp_path):
    home = tmp_path / ".kanmon"
    runner = CliRunner(env=environment | {"KANMON_HOME": str(home)})
    started = runner.invoke(main, ["up", "--json"], prog_name="kanmon")
    assert started.exit_code == 0, started.stderr
    pid = json.loads(started.stdout)["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: local_stage.status(home) is None)

    killed = runner.invoke(main, ["env"], prog_name="kanmon")
    with (home / "logs/server.log").open("a") as log:
        log.write("Traceback (most recent call last):\n  ...\nMemoryError: no room\n")
    failed = runner.invoke(main, ["env"], prog_name="kanmon")
    doctor = runner.invoke(main, ["doctor"], prog_name="kanmon")
    runner.invoke(main, ["down"], prog_name="kanmon")
    stopped = runner.invoke(main, ["env"], prog_name="kanmon")

    fix = f"Start it again with `kanmon up`; its log is {home / 'logs/server.log'}.\n"
    assert (killed.exit_code, killed.stderr) == (
        3,
        "kanmon: the local stage has ended unexpectedly: it was killed, or this machine was "
        f"restarted. {fix}",
    )
    assert (failed.exit_code, failed.stderr) == (
        3,
        f"kanmon: the local stage has ended unexpectedly: MemoryError: no room. {fix}",
    )
    assert "has ended unexpectedly: MemoryError: no room" in doctor.stdout
    assert stopped.stderr == "kanmon: the local stage is not running. Start it with `kanmon up`.\n"


def test_deploying_what_is_deployed_changes_nothing(stage, kanmon):
    result = kanmon("deploy")

    assert stage["change"] == "created"
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "Stack kanmon-local is deployed already; nothing changed",
    )


def test_publishing_brings_new_definitions_and_then_nothing(make_model, kanmon):
    make_model("boxes")

    first = json.loads(kanmon("publish", "--json").stdout)
    again = kanmon("publish")

    assert "boxes" in first["definitions"]["published"]
    assert (again.exit_code, again.stdout) == (
        0,
        "Stage local has every definition already; nothing changed\n",
    )


def test_a_stage_that_is_up_but_not_deployed_is_exit_code_3(first_run, environment, tmp_path):
    elsewhere = environment | {"KANMON_HOME": str(tmp_path / ".kanmon")}

    def call(*words):
        return CliRunner(env=elsewhere).invoke(main, list(words), prog_name="kanmon")

    started = call("up")
    refused = call("runs", first_run["model"])
    call("down", "--erase")

    assert started.exit_code == 0
    assert (refused.exit_code, refused.stderr) == (
        3,
        "kanmon: nothing is deployed on stage local (stack kanmon-local). "
        "Deploy with `kanmon deploy`.\n",
    )


def test_env_lets_other_tools_talk_to_the_stage(stage, kanmon):
    settings = json.loads(kanmon("env", "--json").stdout)
    lines = kanmon("env").stdout.splitlines()

    assert settings["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert lines[0] == "unset AWS_PROFILE AWS_SESSION_TOKEN"
    assert f"export AWS_ENDPOINT_URL={settings['AWS_ENDPOINT_URL']}" in lines


def test_the_doctor_finds_this_machine_fit(stage, kanmon):
    result = kanmon("doctor", "--json")

    assert result.exit_code == 0, result.stdout
    assert {one["what"] for one in json.loads(result.stdout)["checks"]} >= {
        "python",
        "packages",
        "disk",
        "namespaces",
        "docker",
        "local stage",
    }


@pytest.fixture
def files(tmp_path):
    """Two files with awkward names."""
    one, two = tmp_path / 'it\'s März "1".csv', tmp_path / "大 2.csv"
    one.write_text("id,size,colour,price\n1,2,red,3\n")
    two.write_text("id,size,colour,price\n2,2,red,3\n")
    return [one, two]


def test_data_is_uploaded_once_replaced_when_changed_and_removed_when_asked(
    make_model, kanmon, files
):
    first = make_model("stock").name
    one, two = files

    def put(*words):
        return json.loads(kanmon("put-data", "stock", *map(str, words), "--json").stdout)

    given = put(one, two)
    one.write_text(one.read_text() + "3,2,red,3\n")
    changed = put(one, two)
    replaced = put(one, "--replace")

    assert [file["what"] for file in given["files"]] == ["uploaded", "uploaded"]
    assert given["others"] == [first]
    assert [file["what"] for file in changed["files"]] == ["replaced", "unchanged"]
    assert replaced["removed"] == sorted([first, two.name])
    now = json.loads(kanmon("data", "stock", "--json").stdout)["files"]
    ever = json.loads(kanmon("data", "stock", "--versions", "--json").stdout)["files"]
    assert [(file["name"], file["what"]) for file in now] == [(one.name, "current")]
    assert {(file["name"], file["what"]) for file in ever} == {
        (one.name, "current"),
        (one.name, "older"),
        (two.name, "removed"),
        (two.name, "older"),
        (first, "removed"),
        (first, "older"),
    }
    assert len({file["version"] for file in ever}) == len(ever) == 6
    assert "stock has 1 file of data, " in kanmon("data", "stock").stdout


def test_one_bad_file_means_none_is_uploaded(make_model, kanmon, files, tmp_path):
    make_model("shelf")
    (tmp_path / "empty.csv").touch()

    result = kanmon("put-data", "shelf", str(files[0]), str(tmp_path / "empty.csv"))
    after = json.loads(kanmon("put-data", "shelf", str(files[1]), "--json").stdout)

    assert (result.exit_code, result.stderr) == (
        2,
        f"kanmon: {tmp_path}/empty.csv is empty. Name a file with a header and rows.\n",
    )
    assert after["others"] == ["shelf.csv"]


def test_a_deployment_that_fails_says_which_resource_and_why(stage, root, environment, tmp_path):
    other = tmp_path / "project"
    (other / "kanmon").mkdir(parents=True)
    (other / "samconfig.toml").write_text('[local.deploy.parameters]\nstack_name = "kanmon-bad"\n')
    (other / "template.yaml").write_text(
        "Resources:\n  Odd:\n    Type: AWS::Nowhere::Thing\n    Properties: {A: b}\n"
    )
    there = environment | {"KANMON_PROJECT": str(other)}

    result = CliRunner(env=there).invoke(main, ["deploy"], prog_name="kanmon")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "AWS::Nowhere::Thing" in result.stderr
