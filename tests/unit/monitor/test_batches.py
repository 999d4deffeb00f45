"""Rows that were scored in batch are watched beside captured requests, from the batch's files."""

import datetime
import io
import json

import polars as pl
import pytest
from botocore.exceptions import ClientError

from contract.step import StepError
from monitor.batches import answered
from observed.batch_rows import ScoredBatch
from tests.support.monitored_world import customers, run_plan
from tests.support.training_cases import TASKS


def frame_of(task, seed, first):
    return customers(task, 300, seed, first=first)


def check_of(report, name):
    [found] = [each for each in report["checks"] if each["check"] == name]
    return found


@pytest.mark.parametrize("task", TASKS)
def test_a_batch_counts_as_captured_requests_do(world, task):
    online, batch = world(task), world(task)
    for day in (0, 1):
        online.answer(day, frame_of(task, 50 + day, 1000 * day))
        batch.score(day, frame_of(task, 50 + day, 1000 * day))
    for each in (online, batch):
        each.label("a.csv", frame_of(task, 50, 0).select("id", "target"))

    captured, scored = online.monitor(), batch.monitor()

    assert (captured["rows"]["captured"], scored["rows"]["batch"]) == (600, 600)
    assert scored["rows"]["captured"] == 0
    for key in ("state", "checks", "features", "predictions"):
        assert scored[key] == captured[key]
    assert scored["quality"]["metrics"] == captured["quality"]["metrics"]
    assert scored["labels"]["matched"] == captured["labels"]["matched"] == 300


def test_a_batch_that_drifts_is_an_alarm(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0).with_columns(pl.col("size") + 1))

    assert ours.monitor()["state"] == "alarm"


def test_rows_that_a_batch_refused_are_invalid(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0), rejected=range(60))

    report = ours.monitor()

    assert (report["rows"]["batch"], report["rows"]["invalid"]) == (240, 60)
    invalid = check_of(report, "invalid")
    assert (invalid["alarm"], invalid["now"]) == (True, 0.2)


def test_batches_of_other_releases_and_days_are_not_compared(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0))
    ours.score(0, frame_of("binary", 51, 1000), release=6, rejected=range(60))
    ours.score(9, frame_of("binary", 52, 2000), rejected=range(60))
    ours.label("a.csv", frame_of("binary", 51, 1000).select("id", "target"))

    report = ours.monitor()

    assert (report["rows"]["batch"], report["rows"]["invalid"]) == (300, 0)
    assert report["rows"]["other_releases"] == {"6": 240}
    assert (report["labels"]["other_releases"], report["labels"]["unknown"]) == (240, 60)
    assert report["quality"]["labelled"] == 0


def test_a_batch_whose_files_are_gone_is_left_out_and_counted(world):
    ours = world()
    for number in range(3):
        ours.score(0, frame_of("binary", 50 + number, 1000 * number))
    del ours.bucket.contents["inputs/m/m-b0/rows.csv"]
    del ours.bucket.contents["batches/m/m-b1/plan.json"]

    report = ours.monitor()

    assert report["rows"]["batch"] == 300
    assert report["gone"]["samples"] == ["batches/m/m-b1/plan.json", "inputs/m/m-b0/rows.csv"]


def test_a_batch_whose_file_cannot_be_read_any_more_is_named(world):
    ours = world()
    ours.answer(0, frame_of("binary", 51, 1000))
    ours.score(0, frame_of("binary", 50, 0))
    [found] = ours.batches[0]["objects"]
    ours.bucket.contents[found["key"]] = b"PAR1".ljust(found["size"], b"x")

    report = ours.monitor()

    assert report["damaged"]["batches"] == ["m-b0"]
    assert report["rows"]["captured"] == 300


def test_few_requests_that_a_large_batch_hides_are_watched_alone_where_the_model_says_so(world):
    ours = world()
    for day in range(4):
        ours.score(day, customers("binary", 1500, 50 + day, first=10_000 * (day + 1)))
    drifted = frame_of("binary", 60, 90_000).with_columns(pl.col("weight") + 0.8)
    ours.answer(0, drifted)
    ours.label("a.csv", drifted.select("id", "target"))
    ours.label("b.csv", customers("binary", 1500, 50, first=10_000).select("id", "target"))

    together = ours.monitor()
    requests = ours.monitor(settings={"rows": "requests"})
    batches = ours.monitor(settings={"rows": "batches"})

    assert [each["state"] for each in (together, requests, batches)] == [
        "healthy",
        "alarm",
        "healthy",
    ]
    assert [
        [each["rows"][name] for name in ("captured", "batch", "not_watched", "labelled")]
        for each in (together, requests, batches)
    ] == [[300, 6000, 0, 1800], [300, 0, 6000, 300], [0, 6000, 300, 1500]]
    assert {one["feature"] for one in requests["checks"] if one["alarm"]} >= {"weight"}
    assert requests["quality"]["completeness"] == 1
    assert (requests["labels"]["unknown"], requests["labels"]["not_watched"]) == (0, 1500)


def test_rows_that_a_batch_refused_are_not_among_requests(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0), rejected=range(60))
    ours.answer(0, frame_of("binary", 51, 5000))

    assert ours.monitor(settings={"rows": "requests"})["rows"]["invalid"] == 0


def test_features_that_the_model_computes_are_watched_as_it_computes_them(world):
    same, moved = world("binary", "computed"), world("binary", "computed")
    same.score(0, frame_of("binary", 50, 0))
    moved.score(0, frame_of("binary", 50, 0).with_columns(pl.col("size") + 2))
    same.label("a.csv", frame_of("binary", 50, 0).select("id", "target"))

    healthy, alarm = same.monitor(), moved.monitor()

    assert [each["feature"] for each in healthy["features"]] == ["sum", "colour"]
    assert (healthy["state"], healthy["quality"]["labelled"]) == ("healthy", 300)
    drifted = {each["feature"] for each in alarm["checks"] if each["alarm"]}
    assert "sum" in drifted
    assert "colour" not in drifted


def test_a_column_that_a_batch_may_lack_alarms_as_missing_and_not_as_invalid_too(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0).with_columns(pl.lit(None, pl.Float64).alias("weight")))
    batch = json.loads(ours.bucket.contents["batches/m/m-b0/plan.json"])
    [_, weight, _] = batch["definition"]["content"]["features"]
    weight["nullable"] = False
    batch["options"]["allow_missing"] = ["weight"]
    ours.bucket.contents["batches/m/m-b0/plan.json"] = json.dumps(batch).encode()
    [entry] = batch["objects"]
    narrow = pl.read_csv(ours.bucket.contents[entry["key"]]).drop("weight").write_csv().encode()
    ours.bucket.contents[entry["key"]] = narrow
    ours.batches[0]["objects"][0]["size"] = len(narrow)

    report = ours.monitor(definition=batch["definition"])

    alarms = {(each["check"], each["feature"]) for each in report["checks"] if each["alarm"]}
    assert (report["rows"]["batch"], report["rows"]["invalid"]) == (300, 0)
    assert ("missing", "weight") in alarms
    assert ("invalid", None) not in alarms


def private(ours, *names):
    """The definition with private columns."""
    definition = ours.document()["definition"]
    content = definition["content"]
    for one in content.get("inputs") or content["features"]:
        one["private"] = one["name"] in names
    return definition


def test_private_columns_are_watched_in_batches_which_have_them(world):
    ours = world()
    ours.answer(0, frame_of("binary", 50, 0))
    change = pl.when(pl.col("colour") == "red").then(pl.lit("pink")).otherwise("colour")
    moved = frame_of("binary", 51, 5000).with_columns(change.alias("colour"), pl.col("size") * 40)
    ours.score(1, moved)
    definition = private(ours, "size", "colour")
    batch = json.loads(ours.bucket.contents["batches/m/m-b0/plan.json"])
    ours.bucket.contents["batches/m/m-b0/plan.json"] = json.dumps(
        {**batch, "definition": definition}
    ).encode()

    report = ours.monitor(definition=definition)

    alarms = {(each["check"], each["feature"]) for each in report["checks"] if each["alarm"]}
    assert {("drift", "size"), ("unknown", "colour")} <= alarms
    assert not any(check == "missing" for check, _ in alarms)
    size, weight, colour = report["features"]
    assert [sum(day["rows"] for day in each["by_day"]) for each in (size, weight, colour)] == [
        300,
        600,
        300,
    ]
    # A report quotes none of the private values.
    assert colour["new"] == []
    assert size["edges"][-1] < 10 < moved["size"].max()


def test_a_model_that_computes_features_from_a_private_column_is_watched_in_full(world):
    ours = world("binary", "computed")
    ours.score(0, frame_of("binary", 50, 0).with_columns(pl.col("size") + 2))
    definition = private(ours, "size")

    report = ours.monitor(definition=definition)

    assert [each["feature"] for each in report["features"]] == ["sum", "colour"]
    drifted = {each["feature"] for each in report["checks"] if each["alarm"]}
    assert "sum" in drifted


def test_a_role_that_may_not_read_a_batchs_plan_fails_in_one_line(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0))
    read = ours.bucket.get_object

    def refused(Bucket, Key):  # noqa: N803 - boto3's names
        if Key.endswith("plan.json"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
        return read(Bucket, Key)

    ours.bucket.get_object = refused

    with pytest.raises(StepError, match=r"s3://data/batches/m/m-b0/plan.json cannot be read .+"):
        ours.monitor()


def test_labels_find_the_answers_of_an_earlier_release_whose_key_had_other_columns(tmp_path):
    path = tmp_path / "scores.parquet"
    # A key of id and id_key has both names here; a key's column named row has another.
    names = {"id": ["1"], "id_key": ["2"], "row_key": ["3"], "file": ["a.csv"], "row": [1]}
    pl.DataFrame({**names, "prediction": ["yes"]}).write_parquet(path)
    plan = run_plan("binary")
    plan["definition"]["content"]["data"]["key"] = ["id", "id_key", "row"]
    facts = {"batch": "m-b0", "asked_at": "2026-11-01T00:30:00+02:00", "release": {"number": 6}}

    [found] = answered(ScoredBatch({**plan, **facts}, [], [path]), ["row", "order", "id"])

    assert found.select("day", "__key_0", "__key_1", "__key_2").rows() == [
        (datetime.date(2026, 10, 31), "3", None, "1")
    ]


def test_a_batch_of_a_release_with_a_longer_key_does_not_stop_the_monitoring(world):
    ours = world()
    ours.score(0, frame_of("binary", 50, 0))
    ours.score(0, frame_of("binary", 51, 1000), release=6)
    ours.label("a.csv", frame_of("binary", 51, 1000).select("id", "target"))
    plan = json.loads(ours.bucket.contents["batches/m/m-b1/plan.json"])
    plan["definition"]["content"]["data"]["key"] = ["account", "id"]
    ours.bucket.contents["batches/m/m-b1/plan.json"] = json.dumps(plan).encode()
    [entry] = ours.batches[1]["scores"]
    scores = pl.read_parquet(ours.bucket.contents[entry["key"]])
    written = io.BytesIO()
    scores.insert_column(0, pl.repeat("x", scores.height, eager=True).alias("account"))
    scores.write_parquet(written)
    ours.bucket.contents[entry["key"]] = written.getvalue()
    entry["size"] = len(written.getvalue())

    assert ours.monitor()["labels"]["other_releases"] == 300
