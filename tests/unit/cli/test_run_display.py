"""A run's end as a person reads it."""

from click import unstyle

from core.cost.prices import SAMPLE
from core.usage.sizing import sizings
from kanmon.runs import display

VERDICT = {
    "verdict": "hold",
    "summary": "the difference may be chance",
    "rules": [
        {"outcome": "pass", "words": "rmse 2.08 is at most 2.5"},
        {"outcome": "hold", "words": "the interval includes loss"},
        {"outcome": "hold", "words": "the difference may be chance"},
        {"outcome": "pass", "words": "rmse is 2.08", "name": "metric computed"},
    ],
}
EVALUATION = {
    "rows": {"test": 1234},
    "metrics": ["rmse", "r2"],
    "candidate": {"metrics": {"rmse": {"value": 2.08134, "low": 2.0, "high": 2.2}, "r2": None}},
    "champion": None,
    "difference": None,
}


def plain(lines):
    return [unstyle(line) for line in lines]


def test_the_verdict_comes_with_all_its_rules_the_worst_first_and_also_the_one_that_decides():
    assert plain(display.verdict_lines(VERDICT)) == [
        "Verdict   hold: the difference may be chance",
        "  hold  the interval includes loss",
        "  hold  the difference may be chance",
        "  pass  rmse 2.08 is at most 2.5",
    ]


def test_what_the_gate_says_besides_its_rules_comes_last():
    verdict = VERDICT | {"notes": ["The test set is too small for the margin."]}

    lines = plain(display.verdict_lines(verdict))

    assert lines[-1] == "  The test set is too small for the margin."


def test_each_step_is_shown_with_what_it_used_and_the_machine_that_it_needs():
    used = {"seconds": 6, "cpu_seconds": 9, "peak_memory_mb": 412, "disk_mb": 3, "processors": 2}
    placed = {
        "preprocess": {"rung": "processing", "instance_type": "ml.m5.large", "instance_count": 2},
        "train": {"rung": "lambda", "memory_mb": 3008},
        "evaluate": {"rung": "processing", "instance_type": "ml.t3.medium"},
    }
    verdict = {"sizing": sizings({"preprocess": used, "train": used}, placed, SAMPLE)}

    assert plain(display.step_lines(verdict)) == [
        "Steps",
        "              worked  on                processors  disk  machine",
        "  Preprocess   6.0 s  2 × ml.m5.large     1.5 of 2  3 MB  "
        "fits ml.t3.medium (peak 412 MB of 4 GB)",
        "  Train        6.0 s  Lambda, 3,008 MB    1.5 of 2  3 MB  "
        "fits the function (peak 412 MB of 3,008 MB); as a job ml.t3.medium",
        "  Evaluate            ml.t3.medium                        not measured",
    ]
    assert display.step_lines({"verdict": "promote"}) == display.step_lines(None) == []


def test_metrics_without_a_champion():
    assert plain(display.metric_lines(EVALUATION)) == [
        "Metrics   on 1,234 test rows; there is no champion yet",
        "           candidate  95 % interval",
        "  RMSE         2.081  2.000 to 2.200",
        "  R²    not computed",
    ]


def test_metrics_beside_the_champions():
    compared = EVALUATION | {
        "metrics": ["rmse"],
        "champion": {"run": "wine-1", "version": 3, "metrics": {"rmse": {"value": 2.1}}},
        "difference": {"rmse": {"value": -0.01866, "low": -0.05, "high": 0.01}},
    }

    assert plain(display.metric_lines(compared)) == [
        "Metrics   on 1,234 test rows; the champion is version 3 (run wine-1)",
        "        candidate  95 % interval   champion  difference  95 % interval",
        "  RMSE      2.081  2.000 to 2.200     2.100      −0.019  −0.050 to +0.010",
    ]
    assert plain(display.metric_lines(compared, 2))[0] == (
        "Metrics   on 1,234 test rows; the champion is release 2 (run wine-1)"
    )


def test_a_failure_is_one_line():
    assert display.failure_words("States.TaskFailed", "row 3:\n  not a number") == (
        "row 3: not a number"
    )
    assert display.failure_words("States.Timeout", "") == "States.Timeout"
    assert len(display.failure_words("", "x" * 5000)) == 600


def test_of_many_rules_that_pass_only_some_are_told():
    rules = [{"outcome": "pass", "words": f"segment {i} is fine"} for i in range(40)]
    failed = [{"outcome": "reject", "words": f"segment {i} is not"} for i in range(20)]

    lines = plain(
        display.verdict_lines({"verdict": "reject", "summary": "no", "rules": [*rules, *failed]})
    )

    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  and 40 more pass"


def test_the_first_warnings_about_the_data_are_told_and_the_rest_counted():
    warnings = [f"c{number} loses digits\nreally" for number in range(5)]

    assert plain(display.warning_lines(EVALUATION | {"data": {"warnings": warnings}})) == [
        "Warning   c0 loses digits really",
        "Warning   c1 loses digits really",
        "Warning   c2 loses digits really",
        "  and 2 more on the review page",
    ]
    assert display.warning_lines(EVALUATION) == []


GATHERED = {
    "query": "SELECT a\nFROM t",
    "database": "sea",
    "maximum_gb": 10,
    "query_id": "q-1",
    "rows": 4177,
    "scanned_bytes": 3_000_000_000,
    "usd": 0.01364242,
}


def test_the_query_that_made_the_data_comes_with_what_it_scanned_and_cost():
    assert plain(display.gather_lines(GATHERED)) == [
        "Gathered     4,177 rows from the database sea",
        "Scanned      3 GB of at most 10 GB, 0.0136 US dollars; query q-1",
        "Query",
        "  SELECT a",
        "  FROM t",
    ]


OF_A_JOB = {
    "by": "job",
    "job": "kanmon-dev-crm-261130190000-x7k-gather-0",
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/kanmon-dev-steps@sha256:a1",
    "program": "0a1b2c3d4e5f",
    "secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm-1a2B3c",
    "files": 3,
    "bytes": 12_000_000,
    "written": 2,
    "names": ["orders.csv", "visits.parquet"],
}


def test_the_job_that_made_the_data_comes_with_its_files_and_the_name_of_its_secret():
    assert plain(display.gather_lines(OF_A_JOB)) == [
        "Gathered     3 files, 12 MB, by gather.py; stored orders.csv, visits.parquet",
        "Job          kanmon-dev-crm-261130190000-x7k-gather-0",
        "Secret       arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm-1a2B3c",
    ]


def test_of_many_files_the_first_are_named_and_of_none_that_is_said():
    many = plain(display.gather_lines({**OF_A_JOB, "written": 40, "secret": None}))
    none = plain(display.gather_lines({**OF_A_JOB, "written": 0, "names": []}))

    assert many[0].endswith("stored orders.csv, visits.parquet, and 38 files more")
    assert len(many) == 2
    assert none[0].endswith("by gather.py; all of them there already")


def test_of_a_long_query_the_first_lines_are_shown():
    lines = plain(display.gather_lines({**GATHERED, "query": "x\n" * 30, "usd": None}))

    assert lines[1].endswith("of unknown cost; query q-1")
    assert lines[-1] == "  and 10 lines more in run.json"
    assert len(lines) == 24


def test_a_search_is_told_in_a_line():
    found = {
        "metric": "rmse",
        "trials": 50,
        "failed": 0,
        "best": {"trial": 31, "value": 2.0312},
        "own": 2.0444,
        "stopped_by": None,
    }

    assert display.search_lines({"search": found}, EVALUATION) == [
        "Search    50 trials, best RMSE 2.031 (trial 31), own parameters 2.044, on the validation "
        "rows"
    ]
    odd = {**found, "trials": 9, "failed": 2, "own": None, "stopped_by": "minutes"}
    assert display.search_lines({"search": odd}, EVALUATION) == [
        "Search    9 trials (2 failed), best RMSE 2.031 (trial 31), own parameters none, on the "
        "validation rows; ended by its minutes, so not repeatable"
    ]
    assert display.search_lines({"verdict": "promote"}, EVALUATION) == []


def test_a_step_that_found_no_spot_machine_says_so():
    why = "train: no spot machine was free for long enough within 150 minutes"
    ran = {"preprocess": {"rung": "lambda"}, "train": {"rung": "processing", "left_spot": why}}

    assert plain(display.rung_lines({"ran": ran})) == [
        f"Note      train went on without a spot machine: {why}"
    ]
