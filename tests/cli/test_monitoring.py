"""Monitorings from the command line, on one local stage: no data, healthy, drifted; with batches,
labels and rows that are forgotten.

The tests build on each other, in the order they stand here.
"""

import json

import polars as pl
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


def test_a_model_without_a_release_in_service_is_refused_before_anything_starts(make_model, kanmon):
    make_model("flutes")

    result = kanmon("monitor", "flutes")

    assert result.exit_code == 2
    assert "model flutes has no release in service" in result.stderr


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


@pytest.fixture(scope="module")
def batch(served, kanmon):
    """A batch over the training rows, all of which have a label."""
    scored = kanmon("score-batch", MODEL, str(served), "--json")
    assert scored.exit_code == 0, scored.stderr
    labelled = kanmon("put-labels", MODEL, str(served))
    assert labelled.exit_code == 0, labelled.stderr
    return json.loads(scored.stdout)["batch"]


def test_batches_are_watched_like_requests_and_a_keys_label_is_that_of_each_answer(batch, kanmon):
    _, found = monitored(kanmon)

    report = found["report"]
    assert (report["rows"]["captured"], report["rows"]["batch"]) == (800, 400)
    assert (report["labels"]["matched"], report["rows"]["labelled"]) == (400, 800)
    listed = kanmon("labels", MODEL, "--as", "data-scientist")
    assert "400 of 400 labels used" in listed.stdout, listed.stderr


def test_labelled_answers_are_data_for_the_next_run(batch, root, kanmon):
    path = root / "labelled.parquet"

    made = kanmon("dataset-from-labels", MODEL, "--to", str(path), "--json")

    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["rows"] == 400
    assert pl.read_parquet(path).columns == ["id", "size", "colour", "price"]


def test_after_a_person_is_forgotten_everything_still_fits_together(batch, root, kanmon):
    """Also in a batch that failed, whose input is read again when it is resumed."""
    lacking = root / "lacking.csv"
    lacking.write_text("id,size\n1-7,3\n1-8,4\n")
    failed = json.loads(kanmon("score-batch", MODEL, str(lacking), "--json").stdout)["batch"]

    forgotten = kanmon("forget", MODEL, "1-7", "--yes", "--as", "steward", "--json")

    assert forgotten.exit_code == 0, forgotten.stderr
    found = json.loads(forgotten.stdout)["found"]
    rows_by_kind = {kind: each["rows"] for kind, each in found.items()}
    assert rows_by_kind == {"labels": 1, "rejects": 0, "scores": 1, "inputs": 2, "captured": 1}
    fetched = kanmon("fetch", batch, "--to", str(root / "scores"), "--csv", "--json")
    assert fetched.exit_code == 0, fetched.stderr
    assert json.loads(fetched.stdout)["csv"][0]["rows"] == 399
    resumed = kanmon("score-batch", MODEL, "--resume", failed)
    assert "lacking.csv, column colour: is missing" in resumed.stderr
    _, after = monitored(kanmon)
    rows_after = after["report"]["rows"]
    assert (rows_after["captured"], rows_after["batch"], rows_after["labelled"]) == (799, 399, 798)
    assert after["report"]["gone"]["objects"] == 0


def test_only_a_steward_forgets_a_persons_rows_of_a_batch(batch, root, kanmon):
    """The row that was scored and the row that was rejected, and the input of both."""
    table = root / "person.csv"
    table.write_text("id,size,colour\nperson-1,3,red\nperson-1,many,red\nperson-2,4,red\n")
    scored = json.loads(kanmon("score-batch", MODEL, str(table), "--json").stdout)
    assert scored["rows"] == {"rows_in": 3, "scored": 2, "rejected": 1}
    asked = ("forget", MODEL, "person-1", "--yes", "--json")

    refused = [kanmon(*asked, "--as", role) for role in ("data-scientist", "approver", "operator")]
    forgotten = kanmon(*asked, "--as", "steward")

    assert [each.exit_code != 0 and "s3:ListBucketVersions" in each.stderr for each in refused] == [
        True
    ] * 3, [each.stderr for each in refused]
    assert forgotten.exit_code == 0, forgotten.stderr
    found = json.loads(forgotten.stdout)
    rows_by_kind = {kind: each["rows"] for kind, each in found["found"].items()}
    assert rows_by_kind == {"labels": 0, "rejects": 1, "scores": 1, "inputs": 2, "captured": 0}
    assert all(each["rows"] == 0 for each in found["left"].values())
    to = root / "of the others"
    fetched = kanmon("fetch", scored["batch"], "--to", str(to), "--rejects", "--json")
    assert fetched.exit_code == 0, fetched.stderr
    kept = {kind: pl.read_parquet(to / kind / "*.parquet") for kind in ("scores", "rejects")}
    assert (kept["scores"]["id"].to_list(), kept["rejects"].height) == (["person-2"], 0)


def test_a_file_without_the_key_is_named_until_it_is_emptied(batch, root, kanmon):
    """Its batch failed by that, and keeps what was uploaded."""
    table = root / "misspelt.csv"
    table.write_text("ID,size,colour\nperson-9,3,red\n")
    scored = json.loads(kanmon("score-batch", MODEL, str(table), "--json").stdout)
    asked = ("forget", MODEL, "person-9", "--yes", "--as", "steward")
    request = f"{scored['batch']}/misspelt.csv"

    skipped = kanmon(*asked)
    emptied = kanmon("forget", MODEL, "--request-id", request, "--yes", "--as", "steward")
    after = kanmon(*asked)

    assert (scored["status"], skipped.exit_code) == ("FAILED", 1)
    assert "misspelt.csv" in skipped.stderr
    assert "1 object could not be searched" in skipped.stderr
    assert f"--request-id {request}` empties it" in " ".join(skipped.stdout.split())
    assert (emptied.exit_code, after.exit_code) == (0, 0), emptied.stderr + after.stderr
