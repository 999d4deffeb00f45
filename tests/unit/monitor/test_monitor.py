"""`python -m monitor`: what a report says of the days that a release answered."""

import json

import polars as pl
import pytest

from contract.step import StepError
from tests.support.monitored_world import RELEASE, customers, dated
from tests.support.training_cases import TASKS


def checked(report, check, feature=None):
    """The one check of this kind."""
    [found] = [
        each for each in report["checks"] if (each["check"], each["feature"]) == (check, feature)
    ]
    return found


def alarming(report):
    return {(each["check"], each["feature"]) for each in report["checks"] if each["alarm"]}


def answered(world, task="binary", days=3, count=300, change=None, labels=()):
    """A world whose days were answered; `change` is made to the rows before."""
    ours = world(task)
    for day in range(days):
        frame = customers(task, count, 100 + day, first=10_000 * (day + 1))
        ours.answer(day, frame if change is None else frame.with_columns(change))
        if day in labels:
            ours.label(f"day-{day}.csv", frame.select("id", "target"))
    return ours


@pytest.mark.parametrize("task", TASKS)
def test_unchanged_data_are_healthy_and_every_check_is_there(world, task):
    report = answered(world, task, labels=(0, 1)).monitor()

    assert report["state"] == "healthy"
    assert alarming(report) == set()
    assert [(each["check"], each["feature"], each["state"]) for each in report["checks"]] == [
        ("drift", "size", "compared"),
        ("missing", "size", "compared"),
        ("drift", "weight", "compared"),
        ("missing", "weight", "compared"),
        ("drift", "colour", "compared"),
        ("missing", "colour", "compared"),
        ("unknown", "colour", "compared"),
        ("prediction", None, "compared"),
        ("invalid", None, "compared"),
        ("quality", None, "compared"),
    ]
    assert (report["release"], report["run"], report["model"]) == (RELEASE, "r-1", "m")
    assert report["window"] == {"from": "2026-11-01", "to": "2026-11-08"}
    assert report["rows"] == {
        "captured": 900, "batch": 0, "not_watched": 0, "invalid": 0, "labelled": 600,
        "other_releases": {},
    }  # fmt: skip
    assert (report["damaged"], report["gone"]) == (
        {"lines": 0, "files": 0, "batches": []},
        {"objects": 0, "samples": []},
    )


def test_a_feature_that_drifts_is_named_with_its_distance_and_no_other_is(world):
    report = answered(world, change=pl.col("weight") + 0.8).monitor()

    assert report["state"] == "alarm"
    assert ("drift", "weight") in alarming(report)
    assert {feature for _, feature in alarming(report)} <= {"weight", None}
    drift = checked(report, "drift", "weight")
    assert drift["value"] > drift["bar"]
    assert drift["distance"] == pytest.approx(0.8, abs=0.2)
    [weight] = [each for each in report["features"] if each["feature"] == "weight"]
    assert weight["unit_distance"] == drift["distance"]
    assert sum(weight["now"]) == pytest.approx(1)
    assert [each["rows"] for each in weight["by_day"]] == [300, 300, 300, 0, 0, 0, 0]
    assert weight["by_day"][0]["mean"] == pytest.approx(0.8, abs=0.2)
    assert weight["by_day"][0]["psi"] > 0.25
    assert weight["by_day"][4]["psi"] is weight["by_day"][4]["mean"] is None


def test_a_feature_that_turns_constant_is_named_as_that(world):
    report = answered(world, change=pl.lit(0.5).alias("size")).monitor()

    drift = checked(report, "drift", "size")
    assert (drift["state"], drift["alarm"]) == ("constant", True)


def test_a_feature_that_disappears_is_named_as_that(world):
    report = answered(world, change=pl.lit(None, pl.String).alias("colour")).monitor()

    assert checked(report, "drift", "colour")["state"] == "absent"
    assert ("missing", "colour") in alarming(report)
    assert checked(report, "missing", "colour")["now"] == 1


def test_values_that_training_did_not_have_are_unknown_and_shown(world):
    change = pl.when(pl.col("colour") == "red").then(pl.lit("pink")).otherwise("colour")

    report = answered(world, change=change.alias("colour")).monitor()

    assert ("unknown", "colour") in alarming(report)
    [colour] = [each for each in report["features"] if each["feature"] == "colour"]
    [pink] = colour["new"]
    assert pink["value"] == "pink"
    assert pink["rows"] == sum(each["unknown"] for each in colour["by_day"])
    assert colour["categories"] == ["blue", "green", "red", "(other values)"]
    assert colour["now"][3] == pytest.approx(pink["rows"] / (900 - _missing(colour)))


@pytest.mark.parametrize("key", ["colour", "size"])
def test_a_feature_that_is_in_the_key_is_compared_without_its_values_in_the_report(world, key):
    ours = world()
    changed = customers("binary", 300, 100).with_columns(
        pl.lit("c-4711").alias("colour"), pl.col("size") + 4711
    )
    ours.answer(0, changed)
    ours.answer(1, changed.head(1))
    definition = ours.document()["definition"]
    definition["content"]["data"]["key"] = [key]

    report = ours.monitor(definition=definition)

    entries = {each["feature"]: each for each in report["features"]}
    assert any(check[1] == key for check in alarming(report))
    assert {
        name: entries[key].get(name) or None
        for name in ("categories", "edges", "new", "before", "now")
    } == dict.fromkeys(("categories", "edges", "new", "before", "now"))
    assert entries[key]["by_day"][1]["mean"] is None
    other = {"colour": "size", "size": "colour"}[key]
    assert entries[other]["now"]


def test_the_psi_of_the_only_day_is_that_of_the_check(world):
    # A new value beyond doubt counts as unknown alone, in the check and in the course.
    change = pl.when(pl.col("colour") == "red").then(pl.lit("pink")).otherwise("colour")

    report = answered(world, days=1, count=900, change=change.alias("colour")).monitor()

    for each in report["features"]:
        of_check = checked(report, "drift", each["feature"])
        assert each["by_day"][0]["psi"] == pytest.approx(of_check["value"], abs=1e-12)
    assert report["predictions"]["by_day"][0]["psi"] == pytest.approx(
        checked(report, "prediction")["value"], abs=1e-12
    )


def _missing(entry):
    return sum(each["missing"] for each in entry["by_day"])


def test_rows_that_break_a_rule_of_the_definition_are_invalid(world):
    ours = answered(world)
    plan = ours.document()
    plan["definition"]["content"]["features"][0] |= {"minimum": 0}

    report = ours.monitor(definition=plan["definition"])

    assert alarming(report) == {("invalid", None)}
    assert 300 < report["rows"]["invalid"] < 500
    assert checked(report, "invalid")["now"] == report["rows"]["invalid"] / 900


def test_parts_of_dates_and_numbers_with_an_offset_are_watched_as_training_saw_them(world):
    ours, moved = world("binary", "dated"), world("binary", "dated")
    frame = dated(customers("binary", 600, 100))
    for each in (ours, moved):
        each.label("a.csv", frame.select("id", "target"))
    ours.answer(0, frame)
    moved.answer(0, frame.with_columns(pl.col("stamp") + 500))

    report = ours.monitor()

    assert report["state"] == "healthy"
    assert [(each["feature"], each["kind"]) for each in report["features"]] == [
        ("month", "numeric"),
        ("stamp", "numeric"),
        ("day", "categorical"),
    ]
    stamp = checked(report, "drift", "stamp")
    assert abs(stamp["now"] - stamp["before"]) < 100
    # A column of rows is named day; that of the feature is another.
    assert {each["value"] for each in report["quality"]["segments"]} > {"blue", "green", "red"}
    assert {each["column"] for each in report["quality"]["segments"]} == {"day"}
    assert ("drift", "stamp") in alarming(moved.monitor())


def test_a_release_that_did_not_record_its_scores_has_no_check_of_predictions(world):
    import monitor.__main__

    ours = answered(world)
    paths = ours.job()
    evaluation = paths.input("evaluation") / "evaluation.json"
    document = json.loads(evaluation.read_text())
    del document["scores"]
    evaluation.write_text(json.dumps(document))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor.__main__, "s3_client", lambda: ours.bucket)
        monitor.__main__.main(paths)

    report = json.loads((paths.output("report") / "report.json").read_text())

    assert (report["state"], checked(report, "prediction")["state"]) == ("healthy", "no baseline")
    assert sum(each["rows"] for each in report["predictions"]["by_day"]) == 900


def test_a_private_feature_is_not_captured_which_is_no_alarm(world):
    ours = answered(world)
    plan = ours.document()
    plan["definition"]["content"]["features"][2] |= {"private": True}

    report = ours.monitor(definition=plan["definition"])

    assert report["state"] == "healthy"
    assert checked(report, "drift", "colour")["state"] == "not captured"
    assert checked(report, "missing", "colour")["state"] == "not captured"
    assert [each["feature"] for each in report["features"]] == ["size", "weight"]


def test_no_request_at_all_is_no_data_and_neither_health_nor_a_failure(world):
    report = world().monitor()

    assert report["state"] == "no data"
    assert alarming(report) == set()
    assert {each["state"] for each in report["checks"]} <= {"too few rows", "no baseline"}
    assert (report["rows"]["captured"], report["quality"]) == (0, None)


def test_fewer_rows_than_the_floor_are_too_few_whatever_they_are(world):
    report = answered(world, days=1, count=80, change=pl.col("size") + 3).monitor()

    assert report["state"] == "too few rows"
    assert checked(report, "drift", "size")["state"] == "too few rows"


def test_rows_of_other_releases_and_days_are_counted_but_not_compared(world):
    ours = answered(world)
    ours.answer(0, customers("binary", 200, 5).with_columns(pl.col("size") + 5), release=6)
    ours.answer(-3, customers("binary", 200, 6).with_columns(pl.col("size") + 5))
    ours.answer(7, customers("binary", 200, 7).with_columns(pl.col("size") + 5))

    report = ours.monitor()

    assert report["state"] == "healthy"
    assert (report["rows"]["captured"], report["rows"]["other_releases"]) == (900, {"6": 200})


def test_a_damaged_line_is_counted_and_costs_no_other(world):
    ours = answered(world)
    key = next(iter(ours.bucket.contents))
    ours.bucket.contents[key] += b"{oops\n"

    report = ours.monitor()

    assert report["damaged"] == {"lines": 1, "files": 0, "batches": []}
    assert report["rows"]["captured"] == 900


def test_what_was_deleted_after_the_plan_is_counted(world):
    ours = answered(world)
    ours.label("x.csv", pl.DataFrame({"id": ["c1"], "target": ["yes"]}))
    plan = ours.document()
    first = min(key for key in ours.bucket.contents if key.startswith("capture/"))
    del ours.bucket.contents[first], ours.bucket.contents["labels/m/x.csv"]

    report = ours.monitor(capture=plan["capture"], labels=plan["labels"])

    assert report["rows"]["captured"] == 850
    assert report["gone"] == {"objects": 2, "samples": [first, "labels/m/x.csv"]}


def test_the_same_plan_gives_the_same_report(world):
    ours = answered(world, labels=(0,))
    plan = ours.document()

    ours.bucket.delete_object = lambda **request: None
    first = ours.monitor(**plan)

    assert ours.monitor(**plan) == first


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model/model.tar.gz", "there is no model; start a new monitoring"),
        ("report/baseline.json", r"baseline.json: missing; run the step that writes it again"),
        ("evaluation/evaluation.json", r"evaluation.json: missing"),
        ("plan/plan.json", "there is no plan; start a new monitoring with `kanmon monitor`"),
    ],
)
def test_a_missing_input_is_named(world, monkeypatch, name, said):
    import monitor.__main__

    paths = world().job()
    (paths.root / "input" / name).unlink()

    with pytest.raises(StepError, match=said):
        monitor.__main__.main(paths)


def test_a_model_that_is_not_the_releases_is_refused(world):
    release = {"number": RELEASE, "run": "r-1", "artifact_sha256": "0" * 64}

    with pytest.raises(StepError, match=r"but release 7 has 0+: the file was changed"):
        world().monitor(release=release)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ('{"format": 1}', "the plan has no 'release': another version wrote it"),
        ("{", "the plan is damaged"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused_in_one_line(world, plan, said):
    import monitor.__main__

    paths = world().job()
    (paths.input("plan") / "plan.json").write_text(plan)

    with pytest.raises(StepError, match=said):
        monitor.__main__.main(paths)
