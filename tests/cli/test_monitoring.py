"""Monitorings from the command line, on one local stage: no data, healthy, drifted.

The tests build on each other, in the order they stand here.
"""

import json

import pytest

from tests.cli.conftest import rows

MODEL = "drums"


@pytest.fixture(scope="module")
def served(make_model, root, kanmon):
    """A model in service that captures every request; its data file."""
    table = make_model(MODEL)
    path = root / f"models/{MODEL}/model.yaml"
    text = path.read_text()
    text = text.replace("canary: Canary10Percent5Minutes", "canary: AllAtOnce")
    path.write_text(text.replace("capture_share: 0.1 ", "capture_share: 1.0 "))
    run = kanmon("run", MODEL, "--json")
    assert run.exit_code == 0, run.stderr
    approved = kanmon("approve", MODEL, "--reason", "looks right", "--as", "approver", "--watch")
    assert approved.exit_code == 0, approved.stderr
    return table


def monitored(kanmon, *words):
    """The exit code and the document of a monitoring."""
    result = kanmon("monitor", MODEL, *words, "--json")
    assert result.exit_code in (0, 4), result.stderr
    return result.exit_code, json.loads(result.stdout)


def test_a_model_that_nobody_asked_has_no_data_and_starts_no_job(served, kanmon):
    code, found = monitored(kanmon)

    assert (code, found["state"], found["report"]["rows"]["captured"]) == (0, "no data", 0)
    assert found["page"]["path"].endswith(".html")
    assert "No data was captured" not in kanmon("logs", found["monitoring"]).stdout
    assert kanmon("logs", found["monitoring"]).stdout.strip().endswith("has no logs.")


def test_what_looks_like_the_training_rows_is_healthy(served, kanmon):
    assert kanmon("score", MODEL, str(served)).exit_code == 0

    code, found = monitored(kanmon, "--as", "operator")

    assert (code, found["state"]) == (0, "healthy"), found["summary"]
    assert found["report"]["rows"]["captured"] == 400


def test_a_feature_that_drifts_alarms_with_its_value_and_bar(served, root, kanmon):
    drifted = rows(root / "drifted.csv", count=400, seed=9)
    lines = drifted.read_text().splitlines()
    moved = [",".join([key, str(float(size) + 30), *rest]) for key, size, *rest in
             (line.split(",") for line in lines[1:])]  # fmt: skip
    drifted.write_text("\n".join([lines[0], *moved]) + "\n")
    assert kanmon("score", MODEL, str(drifted)).exit_code == 0

    code, found = monitored(kanmon)

    assert (code, found["state"]) == (4, "alarm")
    assert any(words.startswith("size has drifted: its PSI is ") for words in found["alarms"])
    shown = kanmon("show", found["monitoring"])
    assert shown.exit_code == 0
    assert "State     alarm" in shown.stdout
    listed = kanmon("monitorings", MODEL).stdout
    assert found["monitoring"] in listed
    assert "no data" in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--days", "7", "--from", "2026-11-01"), "--days and --from exclude each other"),
        (("--to", "2026-11-01"), "--to needs --from"),
        (("--from", "soon"), "--from 'soon' is not a day. Write one such as 2026-01-31."),
    ],
)
def test_a_wrong_window_starts_nothing(served, kanmon, words, said):
    result = kanmon("monitor", MODEL, *words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_monitoring_that_has_ended_cannot_be_stopped(served, kanmon):
    [last, *_] = json.loads(kanmon("monitorings", MODEL, "--json").stdout)

    result = kanmon("stop", last["monitoring"])

    assert result.exit_code == 2
    assert "has already ended (succeeded)" in result.stderr
