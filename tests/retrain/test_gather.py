"""A model whose data a query makes, on a stage: from the lake to a release, and its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.grants import GATHERERS, GATHERING, UNSEEN_OF_QUERIES, unused
from tests.support.laptop import TINY, Laptop, deployed, rows

pytestmark = pytest.mark.faults

LAKE, DATABASE = "lake-of-queries", "sales"
HERE = "us-east-1:123456789012"
FROM = ",".join(
    [
        f"arn:aws:s3:::{LAKE}",
        f"arn:aws:s3:::{LAKE}/orders/*",
        f"arn:aws:s3:::{LAKE}/visits/*",
        f"arn:aws:glue:{HERE}:database/{DATABASE}",
        f"arn:aws:glue:{HERE}:table/{DATABASE}/*",
    ]
)
GATHERED = TINY + "gather: {{database: sales, maximum_gb: {gb}}}\n"
QUERY = "-- what was ordered\nSELECT a, b, y FROM orders WHERE y IS NOT NULL;\n"


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage that gathers, beside a lake with a table of orders and a large one of visits."""
    parameters = f"Stage=local LogRetentionDays=1 GatherFrom={FROM}"
    with deployed(tmp_path_factory.mktemp("gathering"), parameters=parameters) as laptop:
        laptop.client("s3").create_bucket(Bucket=LAKE)
        laptop.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        for table in ("orders", "visits", "salaries"):
            create(laptop, table)
        fill(laptop, "orders", rows(300))
        yield laptop


def create(laptop: Laptop, table: str) -> None:
    columns = {"a": "double", "b": "string", "y": "double"}
    laptop.client("glue").create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": table,
            "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Location": f"s3://{LAKE}/{table}/",
                "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
                "SerdeInfo": {"Parameters": {"field.delim": ","}},
            },
        },
    )


def fill(laptop: Laptop, table: str, content: str | bytes) -> None:
    body = content.encode() if isinstance(content, str) else content
    laptop.client("s3").put_object(Bucket=LAKE, Key=f"{table}/data.csv", Body=body)


def add(laptop: Laptop, name: str, query: str = QUERY, gb: int = 10) -> None:
    laptop.add_model(name, GATHERED.format(name=name, floor=5.0, gb=gb))
    (laptop.root / "models" / name / "gather.sql").write_text(query)


def failure(laptop: Laptop, model: str) -> str:
    """The line with which a run of the model fails."""
    assert laptop.kanmon("run", model).code == 1
    return str(laptop.must("show", model)["message"])


def gathered(laptop: Laptop, model: str) -> list[str]:
    listed = laptop.client("s3").list_objects_v2(
        Bucket=laptop.outputs["DataBucketName"], Prefix=f"gathered/{model}/"
    )
    return [each["Key"] for each in listed.get("Contents", [])]


def test_a_query_makes_the_data_and_an_unchanged_result_trains_nothing(laptop: Laptop) -> None:
    add(laptop, "sea")

    first = laptop.must("run", "sea")
    assert first["outcome"] == "new"
    machine = laptop.outputs["RetrainStateMachineArn"].replace(":stateMachine:", ":execution:")
    path = laptop.states_of(f"{machine}:{first['run']}")
    assert path[:5] == ["Open Run", "Anything New?", "Gather", "Take Snapshot", "Anything New?"]
    assert len(path) + 1 <= 18
    assert len(gathered(laptop, "sea")) == 2

    again = laptop.must("run", "sea")
    assert (again["outcome"], again["equals"]) == ("nothing new", first["run"])
    assert len(gathered(laptop, "sea")) == 2

    fill(laptop, "orders", rows(301))
    assert laptop.must("run", "sea")["outcome"] == "new"
    fill(laptop, "orders", rows(300))


def test_the_lineage_names_the_query_and_what_it_scanned_and_cost(laptop: Laptop) -> None:
    add(laptop, "deep")
    run = laptop.must("run", "deep")["run"]

    shown = laptop.must("show", run)
    document: dict[str, Any] = json.loads(
        laptop.client("s3")
        .get_object(Bucket=laptop.outputs["DataBucketName"], Key=f"runs/deep/{run}/run.json")[
            "Body"
        ]
        .read()
    )["gather"]
    assert document["query"] == QUERY.strip().removesuffix(";")
    assert document["scanned_bytes"] == len(rows(300))
    assert document["usd"] == pytest.approx(5 * 10 / 1024**2, abs=1e-8)
    assert shown["gather"] == document
    said = laptop.kanmon("show", run)
    assert "Gathered     300 rows from the database sales\n" in said.out
    laptop.must("review", "deep", "--output", str(laptop.root / "page.html"))
    assert (
        "-- what was ordered ⏎ SELECT a, b, y FROM orders"
        in (laptop.root / "page.html").read_text()
    )


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("wrong", "SELECT weight FROM orders", "gather.sql: "),
        (
            "short",
            "SELECT a, y FROM orders",
            "preprocess: gather.sql, column b: is missing; select it there, or change model.yaml",
        ),
        (
            "nothing",
            "SELECT a, b, y FROM orders WHERE a > 1e9",
            "model nothing: gather.sql returned no rows; see whether its tables have data",
        ),
        (
            "secret",
            "SELECT a, b, y FROM salaries",
            "not authorized to perform: s3:GetObject on resource: arn:aws:s3:::lake-of-queries/sal",
        ),
    ],
)
def test_a_query_that_cannot_be_used_fails_the_run_with_one_line(
    laptop: Laptop, name: str, query: str, words: str
) -> None:
    fill(laptop, "salaries", rows(10))
    add(laptop, name, query)

    assert words in failure(laptop, name)
    laptop.settle(name)


def test_a_query_that_scans_more_than_it_may_fails_the_run_with_the_limit(laptop: Laptop) -> None:
    # A lower limit than a model can name, so that the test needs no gigabyte.
    limit = 10_000_000
    fill(laptop, "visits", bytes(limit + 1))
    laptop.client("athena").update_work_group(
        WorkGroup="kanmon-local-gather-1gb",
        ConfigurationUpdates={"BytesScannedCutoffPerQuery": limit},
    )
    add(laptop, "wide", "SELECT a, b, y FROM visits", gb=1)

    assert failure(laptop, "wide").startswith(
        "gather.sql would scan more than the 1 GB of gather.maximum_gb; read fewer columns"
    )


def test_every_permission_of_gathering_is_used_and_none_is_lacking(laptop: Laptop) -> None:
    add(laptop, "used")
    laptop.must("run", "used")
    laptop.must("run", "used")
    record = laptop.home / "state/authorizations.jsonl"
    decisions = [json.loads(line) for line in record.read_text().splitlines()]
    asked = {
        decision["action"]
        for decision in decisions
        if decision["allowed"] and "-RetrainStateMachineRole-" in decision["role"]
    }

    assert unused(record, GATHERERS).keys() <= {"SeeTheStagePolicy"}  # nobody looked at it
    # The object that test_grants.py leaves to this stage: the rows of a query, read by Preprocess.
    lines = map(json.loads, record.read_text().splitlines())
    assert any(
        one["allowed"] and "-PreprocessRole-" in one["role"] and "/gathered/" in one["resource"]
        for one in lines
    )
    assert GATHERING - asked == set(UNSEEN_OF_QUERIES)


def test_a_run_of_a_model_that_is_removed_leaves_nothing_gathered(
    laptop: Laptop, tmp_path: Path
) -> None:
    add(laptop, "gone")
    laptop.must("run", "gone")
    laptop.kanmon("reject", "gone", "--reason", "a test")
    laptop.settle("gone")
    said = laptop.kanmon("remove", "gone", "--yes", "--with-data")

    assert gathered(laptop, "gone") == [], said
