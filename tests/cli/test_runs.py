"""Runs from the command line, on a local stage: every ending and its exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_SECONDS, eventually


def document(result):
    """The one JSON document on stdout."""
    return json.loads(result.stdout)


def run_of(result):
    """The run that a `kanmon run` said it started."""
    return next(line for line in result.stderr.splitlines() if line.startswith("Run ")).split()[1]


def entered(kanmon, run, state):
    """Wait until the run has come to a state."""
    eventually(lambda: state in str(document(kanmon("show", run, "--json"))["states"]))


def test_a_drafted_model_trains_and_its_candidate_is_registered(first_run):
    assert (first_run["status"], first_run["outcome"]) == ("SUCCEEDED", "new")
    assert first_run["verdict"]["verdict"] == "promote"
    assert first_run["metrics"]["rmse"]["value"] < 3
    assert first_run["package_arn"].endswith(":model-package/kanmon-local-toys/1")
    assert Path(first_run["review"]["path"]).read_text().startswith("<!DOCTYPE html>")


def test_the_same_run_again_says_which_one_it_equals(first_run, kanmon):
    result = kanmon("run", "toys")

    assert result.exit_code == 0
    assert result.stdout.startswith(
        "Nothing new: data, definition, step code and parameters are those of run "
        f"{first_run['run']}.\n"
    )


def test_a_promoted_release_is_the_champion_the_next_is_compared_with(first_run, kanmon):
    approved = kanmon("approve", first_run["run"], "--reason", "looks right", "--watch")
    result = kanmon("run", "toys", "--set", "seed=8")

    assert approved.exit_code == 0, approved.stderr
    assert approved.stdout.startswith("Release toys/1 is approved: looks right\n")
    assert result.exit_code in {0, 4}, result.stderr
    assert f"the champion is release 1 (run {first_run['run']})" in result.stdout
    assert [line.split()[0:2] for line in result.stderr.splitlines()[1:5]] == [
        ["Open", "Run"],
        ["Preprocess", result.stderr.splitlines()[2].split()[1]],
        ["Train", result.stderr.splitlines()[3].split()[1]],
        ["Evaluate", result.stderr.splitlines()[4].split()[1]],
    ]


def test_a_rejected_candidate_is_exit_code_4(make_model, root, kanmon):
    make_model("strict")
    path = root / "models/strict/model.yaml"
    floor = next(line for line in path.read_text().splitlines() if "floors:" in line)
    path.write_text(path.read_text().replace(floor, "  floors: {rmse: 0.001}"))

    result = kanmon("run", "strict")

    assert result.exit_code == 4, result.stderr
    assert "Verdict   reject: " in result.stdout
    assert "kanmon-local-strict/1  Rejected" in result.stdout
    run = run_of(result)
    assert kanmon("approve", run).stderr == (
        f"kanmon: run {run} has opened no release. `kanmon show {run}` shows why.\n"
    )


def test_a_failed_run_is_one_line_and_exit_code_1(make_model, kanmon):
    table = make_model("broken")
    table.write_text(table.read_text().replace("1-7,", "1-7,big", 1))
    kanmon("put-data", "broken", str(table))

    result = kanmon("run", "broken", "--json")

    run = document(result)["run"]
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"kanmon: run {run} failed: ")
    assert "size" in last
    assert last.endswith(f"`kanmon logs {run}` shows its steps' logs.")
    assert document(result)["message"] in last
    assert document(kanmon("logs", run, "--json"))
    shown = kanmon("show", "broken")
    assert shown.exit_code == 0
    assert "\nFailed    " in shown.stdout
    assert kanmon("report", run).exit_code == 2


def test_without_data_the_run_says_how_to_give_some(make_model, root, kanmon):
    drafted = (root / "models/toys/model.yaml").read_text().replace("toys", "hungry")
    (root / "models/hungry").mkdir()
    (root / "models/hungry/model.yaml").write_text(drafted)

    result = kanmon("run", "hungry")

    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert "put-data" in last
    assert last.endswith(". No step was started.")


def test_a_run_may_wait_in_the_queue_be_stopped_and_be_watched(make_model, kanmon):
    make_model("busy")
    long = ("--set", "rounds=50000", "--set", "early_stopping_rounds=50000")
    first = document(kanmon("run", "busy", *long, "--no-wait", "--json"))
    entered(kanmon, first["run"], "Preprocess")
    second = kanmon("run", "busy", "--set", "seed=8")
    stopped = kanmon("stop", first["run"], "--reason", "second thoughts")
    watched = kanmon("show", first["run"], "--wait", "--json")

    assert (second.exit_code, stopped.exit_code, watched.exit_code) == (0, 0, 1)
    assert second.stdout.startswith(f"Queued behind run {first['run']}: ")
    assert document(watched)["status"] == "ABORTED"
    assert "second thoughts" in document(watched)["message"]
    following = eventually(
        lambda: document(kanmon("show", run_of(second), "--json"))["taken_over_by"]
    )
    assert f"run {following} has taken it over" in kanmon("show", run_of(second)).stdout
    assert f"taken over by run {following}" in kanmon("runs", "busy").stdout
    again = kanmon("stop", first["run"])
    assert (again.exit_code, again.stderr) == (
        2,
        f"kanmon: run {first['run']} has already ended (aborted). "
        f"`kanmon show {first['run']}` shows it.\n",
    )


def test_ctrl_c_stops_watching_and_not_the_run(make_model, environment, kanmon):
    make_model("patient")
    settings = {key: value for key, value in environment.items() if value is not None}
    process = subprocess.Popen(
        [sys.executable, "-m", "kanmon", "run", "patient", "--name", "patient-1"],
        env=os.environ | settings,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    while not said.startswith("Run "):
        said = process.stderr.readline()

    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=PATIENCE_SECONDS)[1]

    assert process.returncode == 130
    assert rest.splitlines()[-1] == (
        "kanmon: run patient-1 continues. "
        "`kanmon show patient-1` shows it, `kanmon stop patient-1` stops it."
    )
    ended = document(kanmon("show", "patient-1", "--wait", "--json"))
    assert (ended["status"], ended.get("message")) == ("SUCCEEDED", None)


def test_a_name_that_was_used_is_refused(first_run, kanmon):
    result = kanmon("run", "toys", "--set", "seed=99", "--name", first_run["run"])

    assert (result.exit_code, result.stderr) == (
        2,
        f"kanmon: a run named {first_run['run']} already exists. "
        f"`kanmon show {first_run['run']}` shows it.\n",
    )


@pytest.mark.parametrize("verb", ["show", "report", "logs", "stop"])
def test_a_run_that_is_not_there_is_bad_input(stage, kanmon, verb):
    result = kanmon(verb, "toys-261121055501-zzz")

    assert (result.exit_code, result.stderr) == (
        2,
        "kanmon: there is no run 'toys-261121055501-zzz' on stage local. "
        "`kanmon runs` lists them.\n",
    )


def test_show_tells_what_a_run_was_made_from(first_run, kanmon):
    shown = document(kanmon("show", first_run["run"], "--json"))

    assert shown["record"]["reason"] == "the first"
    assert [one["state"] for one in shown["states"]][:4] == [
        "Open Run",
        "Preprocess On Lambda",
        "Train On Lambda",
        "Evaluate On Lambda",
    ]
    assert shown["verdict"] == first_run["verdict"]


def test_runs_and_models_list_what_happened(first_run, kanmon):
    runs = document(kanmon("runs", "toys", "--json"))
    models = {one["model"]: one for one in document(kanmon("models", "--json"))}

    assert runs[-1]["run"] == first_run["run"]
    assert runs[-1]["verdict"] == "promote"
    assert models["toys"]["latest_run"] == runs[0]["run"]
    assert kanmon("runs").exit_code == kanmon("models").exit_code == 0


def test_a_model_whose_folder_is_gone_is_still_shown(first_run, kanmon, root):
    folder, aside = root / "models/toys", root / "toys-aside"
    folder.rename(aside)
    try:
        (toys,) = [one for one in document(kanmon("models", "--json")) if one["model"] == "toys"]
        listed = kanmon("models").stdout
        runs = [document(kanmon(*words, "--json")) for words in (("runs", "toys"), ("runs",))]
        releases = document(kanmon("releases", "--json"))
        history, data = kanmon("history", "toys"), kanmon("data", "toys")
        shown = kanmon("show", "toys")
        refused = kanmon("run", "toys")
    finally:
        aside.rename(folder)

    assert (toys["folder"], toys["published"]) == (False, True)
    assert toys["latest_run"] == runs[0][0]["run"]
    assert "no folder here" in next(line for line in listed.splitlines() if line.startswith("toys"))
    assert first_run["run"] in [one["run"] for one in runs[1]]
    assert "toys" in [one["model"] for one in releases]
    assert (history.exit_code, data.exit_code, shown.exit_code, refused.exit_code) == (0, 0, 0, 2)
    assert "toys has 1 file of data" in data.stdout


def test_the_review_page_can_be_put_anywhere(first_run, kanmon, tmp_path):
    result = kanmon("report", first_run["run"], "--output", str(tmp_path / "a/page.html"))

    assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/a/page.html\n")
    assert (tmp_path / "a/page.html").stat().st_size > 1000
