"""Releases from the command line, on one local stage: reviewed, promoted, asked, rolled back.

The tests build on each other's releases of the model `jars`, in the order they stand here.
"""

import csv
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from kanmon.cli import main
from tests.support.laptop import Laptop
from tests.support.releasing import SLOW, Releases
from tests.support.waiting import PATIENCE_SECONDS, eventually


def document(result):
    """The one JSON document on stdout."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def table(make_model, root):
    """The data file of a model without a run."""
    made = make_model("jars")
    path = root / "models/jars/model.yaml"
    path.write_text(path.read_text().replace("margins: {rmse: 0", "margins: {rmse: 9"))
    return made


@pytest.fixture(scope="module")
def releases(table, root, kanmon):
    """The model's releases; the first one is that of a run, and waits."""
    run = document(kanmon("run", "jars", "--json"))
    assert run["release"] == 1
    return Releases(Laptop(root), "jars", run)


@pytest.fixture(scope="module")
def jars(table, releases):
    """The data file of the model whose first release waits."""
    return table


@pytest.fixture(scope="module")
def served(jars, kanmon):
    """What watching the first release's promotion said."""
    return kanmon("approve", "jars", "--reason", "looks right", "--as", "approver", "--watch")


def test_a_run_ends_with_its_release_and_what_comes_next(jars, kanmon):
    again = kanmon("run", "jars")
    runs = kanmon("runs", "jars")

    assert again.stdout.splitlines()[-1] == "Its release jars/1 waits for a review."
    assert "release 1: " in runs.stdout


def test_the_review_page_is_the_releases_own(jars, kanmon, tmp_path):
    result = kanmon("review", "jars", "--output", str(tmp_path / "page.html"))

    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert '  kanmon approve jars/1 --reason "…"' in result.stdout


def test_what_waits_is_listed_and_can_be_asked_about(jars, kanmon):
    (listed,) = document(kanmon("releases", "jars", "--json"))
    shown = document(kanmon("show", "jars/1", "--json"))

    assert (listed["reference"], listed["status"], listed["verdict"]) == (
        "jars/1", "WAITING", "promote",
    )  # fmt: skip
    assert shown["what_happened"].startswith("jars/1 has been waiting for a review since ")
    assert "\njars/1 has been waiting for a review since " in kanmon("releases", "jars/1").stdout


def test_the_one_who_builds_models_cannot_approve_them(jars, kanmon):
    refused = kanmon("approve", "jars", "--as", "data-scientist")

    assert refused.exit_code == 3
    assert refused.stderr.startswith("kanmon: PutApprovalResult is not allowed: ")


def test_the_one_who_approves_cannot_run(jars, kanmon):
    refused = kanmon("run", "jars", "--force", "--as", "approver")

    assert refused.exit_code == 3
    assert " is not allowed: " in refused.stderr


def test_nothing_is_in_service_before_the_first_promotion(jars, kanmon):
    result = kanmon("score", "jars", str(jars))

    assert (result.exit_code, result.stderr) == (
        2,
        "kanmon: model jars has no release in service. "
        "`kanmon releases jars` shows which ones wait for a review.\n",
    )
    assert kanmon("rollback", "jars").exit_code == 2


def test_an_approved_release_is_watched_into_service(served):
    assert served.exit_code == 0, served.stderr
    assert served.stdout.splitlines()[0] == "Release jars/1 is approved: looks right"
    assert served.stdout.splitlines()[-1].startswith("jars/1 has been in service since ")
    told = [line.split()[:2] for line in served.stderr.splitlines() if line.startswith("  ")]
    assert [words for words in told if words[0] != "release"] == [
        ["Source", "Bundle"],
        ["Review", "ApproveRelease"],
        ["Verify", "AdmitRelease"],
        ["Verify", "VerifyRelease"],
        ["Promote", "ConfirmRelease"],
        ["Promote", "DeployRelease"],
        ["Record", "RecordRelease"],
    ]


def test_deciding_again_tells_who_decided(served, kanmon):
    approve, reject = kanmon("approve", "jars/1"), kanmon("reject", "jars/1", "--reason", "no")

    assert (approve.exit_code, reject.exit_code) == (2, 2)
    assert approve.stderr.startswith("kanmon: release jars/1 was already approved by ")
    assert approve.stderr.endswith("`kanmon show jars/1` shows what happened.\n")
    assert kanmon("approve", "jars", "--if-waiting").stdout == (
        "No release of jars waits for a review; jars/1 is in service\n"
    )


def test_the_models_champion_and_live_alias_are_told(served, kanmon):
    models = {one["model"]: one for one in document(kanmon("models", "--json"))}

    assert (models["jars"]["champion"], models["jars"]["waiting"]) == (1, [])
    assert models["jars"]["traffic"] == [{"release": 1, "share": 1.0}]


def test_the_log_of_a_releases_verification_is_shown(served, kanmon):
    lines = document(kanmon("logs", "jars/1", "--json"))

    assert any("golden" in line["message"] for line in lines), lines
    assert kanmon("logs", "jars/1").stdout.count("\n") >= len(lines)
    assert kanmon("logs", "jars/1", "--step", "train").stderr == (
        "kanmon: --step is for runs, and a release has no steps. Leave it out.\n"
    )


def test_rows_are_scored_by_the_release_in_service(served, jars, kanmon):
    result = kanmon("score", "jars", str(jars), "--as", "operator")

    assert result.exit_code == 0, result.stderr
    head, first, *rest = result.stdout.splitlines()
    with jars.open() as lines:
        key = next(csv.DictReader(lines))["id"]
    assert head == "id,row,prediction,release"
    first_cells = first.split(",")
    assert (first_cells[:2], first_cells[3], len(rest)) == ([key, "1"], "1", 399)


def test_rows_that_are_refused_are_told_and_the_others_scored(served, kanmon, environment):
    rows = '{"id": 7, "size": 1.5, "colour": "red"}\n{"size": "big", "colour": "red"}\n'

    runner = CliRunner(env=environment)
    result = runner.invoke(main, ["score", "jars", "-", "--json"], input=rows, prog_name="kanmon")

    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [(one["key"], one["row"]) for one in found["predictions"]] == [({"id": 7}, 1)]
    assert [one["row"] for one in found["errors"]] == [2]
    assert result.stderr.splitlines()[0].startswith("row 2: size: 'big' is not a number")
    assert result.stderr.splitlines()[-1] == "kanmon: 1 row refused, 1 scored."


def test_a_header_alone_is_no_table_and_missing_columns_are_told(served, kanmon, tmp_path):
    (tmp_path / "head.csv").write_text("size,colour\n")
    (tmp_path / "narrow.csv").write_text("size\n1.5\n")

    bare = kanmon("score", "jars", str(tmp_path / "head.csv"))
    narrow = kanmon("score", "jars", str(tmp_path / "narrow.csv"))
    allowed = kanmon("score", "jars", str(tmp_path / "narrow.csv"), "--allow-missing", "colour")
    unknown = kanmon("score", "jars", str(tmp_path / "narrow.csv"), "--allow-missing", "color")

    assert bare.exit_code == 2
    assert bare.stderr == "kanmon: there are no rows below the header. Add at least one row.\n"
    assert (narrow.exit_code, narrow.stdout) == (2, "")
    assert narrow.stderr.startswith("kanmon: the rows lack 1 of the model's 2 features: colour. ")
    assert allowed.exit_code == 0
    assert allowed.stdout.splitlines()[0] == "row,prediction,release"
    assert allowed.stderr.startswith("no row has a value of colour: sent as null\n")
    assert unknown.exit_code == 2
    assert unknown.stderr.endswith("no such feature. Did you mean colour?\n")


def test_blanks_are_no_reason_for_a_rejection(served, kanmon):
    result = kanmon("reject", "jars", "--reason", "  ")

    assert result.exit_code == 2
    assert result.stderr.startswith("kanmon: a rejection needs a reason. ")


def test_a_rejected_release_says_who_and_why(served, releases, kanmon):
    number = releases.open()
    rejected = kanmon("reject", "jars", "--reason", "odd in red", "--as", "approver")
    watched = kanmon("watch", f"jars/{number}")

    assert rejected.stdout == f"Release jars/{number} is rejected: odd in red\n"
    assert watched.exit_code == 1
    assert f"kanmon: jars/{number} was rejected by " in watched.stderr
    shown = document(kanmon("show", f"jars/{number}", "--json"))
    assert (shown["status"], shown["decision_reason"]) == ("REJECTED", "odd in red")


@pytest.fixture(scope="module")
def two_approvals(served, releases, environment):
    """Another release that two people approved at once: its number, and what each was told."""
    number = releases.open(canary="Canary10Percent5Minutes")
    settings = os.environ | {key: one for key, one in environment.items() if one is not None}

    def approve(who):
        words = ["approve", f"jars/{number}", "--reason", who, "--watch"]
        return subprocess.run(
            [sys.executable, "-m", "kanmon", *words],
            env=settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    with ThreadPoolExecutor(2) as both:
        return number, list(both.map(approve, ["the first", "the second"]))


def test_of_two_decisions_at_once_exactly_one_counts(two_approvals, kanmon):
    number, told = two_approvals

    assert sorted(one.returncode for one in told) == [0, 2]
    (loser,) = [one for one in told if one.returncode]
    assert loser.stderr.startswith(f"kanmon: release jars/{number} ")
    assert " already approved by " in loser.stderr
    decisions = [
        one["reason"]
        for one in document(kanmon("history", "jars", "--json"))
        if (one["release"], one["event"]) == (number, "approved")
    ]
    assert decisions in (["the first"], ["the second"])


@pytest.fixture(scope="module")
def second(two_approvals):
    """The number of another release that came into service."""
    return two_approvals[0]


def test_a_rollback_brings_the_release_before_back(second, kanmon):
    before = document(kanmon("history", "jars", "--json"))[-1]["previous"]

    result = kanmon("rollback", "jars", "--reason", "to be sure", "--as", "operator")

    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[0] == f"From jars/{second} back to jars/{before}"
    last = document(kanmon("history", "jars", "--json"))[-1]
    assert (last["release"], last["previous"]) == (before, second)
    assert "to be sure" in last["reason"]
    models = {one["model"]: one for one in document(kanmon("models", "--json"))}
    assert models["jars"]["traffic"] == [{"release": before, "share": 1.0}]


def test_a_release_that_was_never_in_service_is_not_brought_back(second, kanmon):
    rejected = next(
        one["release"]
        for one in document(kanmon("releases", "jars", "--json"))
        if one["status"] == "REJECTED"
    )

    result = kanmon("rollback", "jars", "--to", str(rejected))

    assert (result.exit_code, result.stderr) == (
        2,
        f"kanmon: release jars/{rejected} was never in service: it is rejected. "
        "`kanmon releases jars` lists those that were promoted.\n",
    )


def test_ctrl_c_stops_watching_and_not_the_release(second, releases, environment, kanmon):
    number = releases.open()
    settings = {key: value for key, value in environment.items() if value is not None}
    process = subprocess.Popen(
        [sys.executable, "-m", "kanmon", "watch", "jars"],
        env=os.environ | settings,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "Bundle" not in process.stderr.readline():
        pass

    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=PATIENCE_SECONDS)[1]

    assert process.returncode == 130
    assert rest.splitlines()[-1] == (
        f"kanmon: release jars/{number} continues. `kanmon watch jars/{number}` watches it again."
    )
    stopped = kanmon("stop", f"jars/{number}", "--reason", "enough")
    assert stopped.exit_code == 0, stopped.stderr
    watched = kanmon("watch", f"jars/{number}")
    assert watched.exit_code == 1
    assert "was stopped" in watched.stderr


def test_a_canary_under_way_tells_its_split_and_is_stopped_by_a_rollback(second, releases, kanmon):
    # So slow that it is under way for as long as the test needs.
    number = releases.open(canary=SLOW)
    serving = document(kanmon("releases", "jars", "--json"))
    before = next(one["release"] for one in serving if one["in_service"])
    assert kanmon("approve", f"jars/{number}").exit_code == 0

    def show():
        return document(kanmon("show", f"jars/{number}", "--json"))

    shifting = eventually(lambda: shown if len((shown := show())["traffic"]) == 2 else None)
    stopped = kanmon("rollback", "jars", "--as", "operator")
    watched = kanmon("watch", f"jars/{number}")

    shares = {one["release"]: round(100 * one["share"]) for one in shifting["traffic"]}
    assert shares[number] in range(10, 100, 10)
    assert shifting["what_happened"] == (
        f"jars/{number} is approved and its canary is in progress: "
        f"release {before} gets {shares[before]} %, release {number} gets {shares[number]} %"
    )
    assert stopped.stdout.splitlines() == [
        f"The canary of jars/{number} is stopped",
        f"It is rolled back; jars/{before} stays in service",
    ]
    assert watched.exit_code == 1
    assert f"kanmon: jars/{number} was rolled back during its canary" in watched.stderr
    after = show()
    assert (after["status"], after["traffic"]) == (
        "ROLLED_BACK",
        [{"release": before, "share": 1.0}],
    )
    assert after["next"] == [f"kanmon retry jars/{number}", "kanmon run jars --force"]


@pytest.mark.parametrize("verb", ["review", "approve", "watch", "show", "stop"])
def test_a_release_that_is_not_there_is_bad_input(served, kanmon, verb):
    result = kanmon(verb, "jars/99")

    assert (result.exit_code, result.stderr) == (
        2,
        "kanmon: there is no release jars/99. `kanmon releases jars` lists them.\n",
    )
