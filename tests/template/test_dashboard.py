"""The dashboard: its table has the columns that runs write, and its view's SQL answers on them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.gate.metrics_line import history_line
from core.stage.links import Links
from tests.support.translation import applications, nested, resolve

Ask = Callable[..., dict[str, Any]]

RESOURCES: dict[str, dict[str, Any]] = nested("Dashboard")["Resources"]
# The names that Trino has for what DuckDB calls otherwise.
TRINO = """
CREATE MACRO cardinality(list) AS len(list);
CREATE MACRO sequence(first, last) AS generate_series(first, last);
CREATE MACRO from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ);
"""
# DuckDB in a process of its own: beside Hypothesis it complains at the end that it was not let go.
ANSWERS = """
import json, sys
import duckdb
connection = duckdb.connect()
for statement in sys.argv[1:]:
    answer = connection.execute(statement)
columns = [column[0] for column in answer.description]
print(json.dumps({"columns": columns, "rows": answer.fetchall()}))
"""
# QuickSight's name for each of Athena's types.
QUICKSIGHT = {
    "string": "STRING",
    "timestamp": "DATETIME",
    "double": "DECIMAL",
    "int": "INTEGER",
}


def line(run: str, **changes: Any) -> dict[str, Any]:
    """What Judge Candidate writes of a run of two metrics, compared with a champion."""
    interval = {"low": 1.9, "high": 2.3}
    evaluation = {
        "primary": "rmse",
        "metrics": ["rmse", "mae"],
        "candidate": {"metrics": {"rmse": {"value": 2.1, **interval}, "mae": {"value": 1.5}}},
        "champion": {"metrics": {"rmse": {"value": 2.2, **interval}}},
        "difference": {"rmse": {"value": -0.1, "low": -0.2, "high": 0.05}},
        "rows": {"train": 2900, "test": 629},
        "data": {"rejected_share": 0.01},
    }
    plan = {
        "model": "abalone",
        "run": run,
        "reason": "manual",
        "definition": {"sha256": "d" * 64, "content": {"task": "regression"}},
        "champion": {"release": 6, "run": "abalone-1"},
        "snapshot": {"id": "5"},
        "fingerprint": "f" * 64,
        "commit": None,
    }
    verdict = {"verdict": "promote", "summary": "promote: every rule passed"}
    cost = {"seconds": {"train": 40.0, "evaluate": 20.0}, "usd": 0.01}
    return history_line(plan, evaluation, verdict, "2026-11-21T10:02:27Z", cost) | changes


def columns(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = RESOURCES[name]["Properties"]["TableInput"]["StorageDescriptor"][
        "Columns"
    ]
    return found


def view() -> dict[str, Any]:
    """The document that Athena keeps a view as."""
    _, [start, encoded, end] = RESOURCES["MetricsView"]["Properties"]["TableInput"][
        "ViewOriginalText"
    ]["Fn::Join"]
    text, names = encoded["Fn::Base64"]["Fn::Sub"]
    assert (start, end, list(names)) == ("/* Presto View: ", " */", ["Database"])
    document: dict[str, Any] = json.loads(text.replace("${Database}", "kanmon_test"))
    return document


@pytest.fixture
def athena(tmp_path: Path) -> Ask:
    """The table as Athena sees it: all lines below metrics/, with the types that Glue is told."""
    for number in (1, 2):
        folder = tmp_path / "model=abalone"
        folder.mkdir(exist_ok=True)
        (folder / f"run-{number}.json").write_text(json.dumps(line(f"run-{number}")) + "\n")
    types = {
        "string": "VARCHAR",
        "double": "DOUBLE",
        "int": "INTEGER",
    }
    names = [
        *("name VARCHAR", "value DOUBLE", "low DOUBLE", "high DOUBLE", "champion_value DOUBLE"),
        *("champion_low DOUBLE", "champion_high DOUBLE", "difference_value DOUBLE"),
        *("difference_low DOUBLE", "difference_high DOUBLE"),
    ]
    shown = {
        column["Name"]: types.get(column["Type"], f"STRUCT({', '.join(names)})[]")
        for column in columns("JudgedRunsTable")
    }
    lines = f"read_json('{tmp_path}/**/*.json', format='newline_delimited', columns={shown})"
    table = f"CREATE TABLE judged_runs AS SELECT * FROM {lines}"  # noqa: S608

    def ask(*statements: str) -> dict[str, Any]:
        command = [sys.executable, "-c", ANSWERS, TRINO, table, *statements]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return ask


def test_the_table_has_exactly_the_columns_that_a_run_writes() -> None:
    written = line("run-1")

    assert [column["Name"] for column in columns("JudgedRunsTable")] == list(written)
    assert struct_fields() == list(written["metrics"][0])


def struct_fields() -> list[str]:
    [metrics] = [one["Type"] for one in columns("JudgedRunsTable") if one["Name"] == "metrics"]
    assert metrics.startswith("array<struct<")
    return [field.partition(":")[0] for field in metrics[len("array<struct<") : -2].split(",")]


def test_the_view_gives_a_row_for_each_run_and_metric(athena: Ask) -> None:
    found = athena(
        f"CREATE VIEW metrics_of_runs AS {view()['originalSql']}",
        "SELECT run, metric, metric_kind, value, champion_value, difference, seconds, "
        "year(judged_at) FROM metrics_of_runs ORDER BY run, metric DESC",
    )["rows"]

    assert found == [
        [run, *rest, 60.0, 2026]
        for run in ("run-1", "run-2")
        for rest in (
            ("rmse", "primary", 2.1, 2.2, -0.1),
            ("mae", "other", 1.5, None, None),
        )
    ]


def test_the_views_columns_are_named_alike_wherever_they_are_written(
    athena: Ask,
) -> None:
    answered = athena(f"{view()['originalSql']} LIMIT 0")["columns"]
    data_set = RESOURCES["MetricsDataSet"]["Properties"]["PhysicalTableMap"]["metrics-of-runs"][
        "RelationalTable"
    ]["InputColumns"]

    assert [column["name"] for column in view()["columns"]] == answered
    assert [column["Name"] for column in columns("MetricsView")] == answered
    assert [(column["Name"], column["Type"]) for column in data_set] == [
        (column["Name"], QUICKSIGHT[column["Type"]]) for column in columns("MetricsView")
    ]


def test_the_dashboard_shows_columns_that_there_are() -> None:
    known = {column["Name"] for column in columns("MetricsView")}
    definition = json.dumps(RESOURCES["MetricsDashboard"]["Properties"]["Definition"])

    shown = {part.partition('"')[0] for part in definition.split('"ColumnName": "')[1:]}
    assert {"value", "usd", "metric_kind"} < shown <= known


def test_it_reads_the_metrics_of_each_table_and_no_other_data() -> None:
    [policy] = RESOURCES["DashboardRole"]["Properties"]["Policies"]
    on_data = {
        statement["Sid"]: statement["Action"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "DataBucketName" in json.dumps(statement["Resource"])
    }

    assert on_data == {"ReadMetricsOnly": "s3:GetObject", "FindMetricsOnly": "s3:ListBucket"}
    [read] = [s for s in policy["PolicyDocument"]["Statement"] if s["Sid"] == "ReadMetricsOnly"]
    tables = [
        one["Properties"]["TableInput"]["StorageDescriptor"]["Location"]["Fn::Sub"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::Glue::Table"
        and "Location" in one["Properties"]["TableInput"].get("StorageDescriptor", {})
    ]
    assert {one["Fn::Sub"].partition(":::")[2] for one in read["Resource"]} == {
        f"{table.removeprefix('s3://')}*" for table in tables
    }


def test_a_stage_has_it_only_when_it_names_who_gets_it() -> None:
    named = "arn:aws:quicksight:us-east-1:123456789012:group/default/everyone"

    assert applications()["Dashboard"]["Condition"] == "HasDashboard"
    asked = {"Fn::If": ["HasDashboard", "made", "none"]}
    assert resolve(asked) == "none"
    assert resolve(asked, DashboardPrincipalArn=named) == "made"


def test_the_link_of_an_approval_filters_the_dashboard_by_its_parameters() -> None:
    definition = RESOURCES["MetricsDashboard"]["Properties"]["Definition"]
    link = Links("r", dashboard="https://board").review("abalone", "abalone-1", "s3://b/page.html")
    given = set(re.findall(r"[#&]p\.(\w+)=", link))
    declared = {
        one["StringParameterDeclaration"]["Name"] for one in definition["ParameterDeclarations"]
    }
    filters = [
        one["CategoryFilter"] for group in definition["FilterGroups"] for one in group["Filters"]
    ]
    used = {
        one["Column"]["ColumnName"]: settings["ParameterName"]
        for one in filters
        if (settings := one["Configuration"].get("CustomFilterConfiguration"))
    }

    assert given == declared
    assert used == {name: name for name in given}
