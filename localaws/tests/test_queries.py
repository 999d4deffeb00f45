"""Queries on the local stage: UNLOAD, a workgroup's limit, and the permissions of who asks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError

from localaws import queries
from localaws.stage import Stage
from support.stage import connect
from support.waiting import eventually

Client = Callable[[str], Any]
LAKE, RESULTS = "queries-lake", "queries-results"
ROWS = "id,price\n" + "".join(f"{number},{number * 0.5}\n" for number in range(100))
HERE = "us-east-1:123456789012"
# Athena takes no lower one.
LEAST_LIMIT = 10_000_000
READ = [
    {
        "Effect": "Allow",
        "Action": ["glue:GetDatabase", "glue:GetTable"],
        "Resource": [
            f"arn:aws:glue:{HERE}:{name}" for name in ("catalog", "database/sales", "table/sales/*")
        ],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{LAKE}", f"arn:aws:s3:::{LAKE}/*"],
    },
]
WRITE = [
    {
        "Effect": "Allow",
        "Action": ["athena:StartQueryExecution", "athena:GetQueryExecution"],
        "Resource": f"arn:aws:athena:{HERE}:workgroup/*",
    },
    {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{RESULTS}", f"arn:aws:s3:::{RESULTS}/*"],
    },
]


@pytest.fixture(scope="module", autouse=True)
def lake(client: Client) -> None:
    """A table of a hundred orders, one of visits that is too large for one of two workgroups."""
    s3, glue, athena = client("s3"), client("glue"), client("athena")
    for bucket in (LAKE, RESULTS):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=LAKE, Key="orders/a.csv", Body=ROWS.encode())
    glue.create_database(DatabaseInput={"Name": "sales"})
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "price", "Type": "double"}]
    for name in ("orders", "visits"):
        table = {
            "Name": name,
            "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Location": f"s3://{LAKE}/{name}/",
                "Columns": columns,
                "SerdeInfo": {"Parameters": {"field.delim": ","}},
            },
        }
        glue.create_table(DatabaseName="sales", TableInput=table)
    s3.put_object(Bucket=LAKE, Key="visits/a.csv", Body=bytes(LEAST_LIMIT + 1))
    for name, limit in (("wide", 10 * LEAST_LIMIT), ("narrow", LEAST_LIMIT)):
        athena.create_work_group(
            Name=name,
            Configuration={
                "EnforceWorkGroupConfiguration": True,
                "BytesScannedCutoffPerQuery": limit,
                "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/lists/"},
            },
        )


@pytest.fixture(scope="module")
def role(client: Client) -> Iterator[Callable[..., str]]:
    """Makes a role of Step Functions that may do what the statements say; its ARN."""
    made = iter(range(100))

    def role(*statements: dict[str, Any]) -> str:
        name = f"queries-{next(made)}"
        trust = {"Service": "states.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        return arn

    yield role


def unload(query: str, folder: str) -> str:
    options = "format = 'PARQUET', compression = 'SNAPPY'"
    return f"UNLOAD (\n{query}\n) TO 's3://{RESULTS}/{folder}/' WITH ({options})"


def start(athena: Any, statement: str, workgroup: str = "wide", **more: Any) -> str:
    started: dict[str, str] = athena.start_query_execution(
        QueryString=statement,
        WorkGroup=workgroup,
        QueryExecutionContext={"Database": "sales"},
        **more,
    )
    return started["QueryExecutionId"]


def ended(athena: Any, query: str) -> dict[str, Any]:
    def execution() -> dict[str, Any]:
        found: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query)
        return dict(found["QueryExecution"])

    eventually(lambda: execution()["Status"]["State"] not in ("QUEUED", "RUNNING"))
    return execution()


def written(client: Client, folder: str) -> list[str]:
    listed = client("s3").list_objects_v2(Bucket=RESULTS, Prefix=f"{folder}/").get("Contents", [])
    return [each["Key"] for each in listed]


def rows(client: Client, keys: list[str], folder: Path) -> list[tuple[Any, ...]]:
    for number, key in enumerate(keys):
        client("s3").download_file(RESULTS, key, str(folder / f"{number}.parquet"))
    found = duckdb.sql(f"SELECT * FROM '{folder}/*.parquet'").fetchall()  # noqa: S608
    return list(found)


def test_unload_writes_all_rows_into_files_without_an_ending(
    client: Client, tmp_path: Path
) -> None:
    athena = client("athena")
    query = start(athena, unload("SELECT id, price FROM orders WHERE id >= 10", "all"))
    execution = ended(athena, query)

    assert execution["Status"]["State"] == "SUCCEEDED", execution
    assert execution["Statistics"]["DataScannedInBytes"] == len(ROWS)
    keys = written(client, "all")
    assert len(keys) == 2
    assert all("." not in key for key in keys)
    assert sorted(rows(client, keys, tmp_path)) == [(n, n * 0.5) for n in range(10, 100)]


def test_the_order_of_rows_is_another_each_time(client: Client, tmp_path: Path) -> None:
    athena = client("athena")
    orders = []
    for name in ("first", "second"):
        ended(athena, start(athena, unload("SELECT id FROM orders", name)))
        (tmp_path / name).mkdir()
        orders.append(rows(client, written(client, name), tmp_path / name))

    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_no_rows_are_no_files(client: Client) -> None:
    athena = client("athena")
    execution = ended(athena, start(athena, unload("SELECT id FROM orders WHERE id < 0", "none")))

    assert execution["Status"]["State"] == "SUCCEEDED"
    assert written(client, "none") == []


def test_unload_wants_an_empty_prefix(client: Client) -> None:
    athena = client("athena")
    ended(athena, start(athena, unload("SELECT 1 AS one", "twice")))
    execution = ended(athena, start(athena, unload("SELECT 1 AS one", "twice")))

    assert execution["Status"]["State"] == "FAILED"
    assert execution["Status"]["StateChangeReason"].startswith("HIVE_PATH_ALREADY_EXISTS")


def test_a_workgroup_ends_a_query_that_scans_more_than_its_limit(client: Client) -> None:
    athena = client("athena")
    execution = ended(athena, start(athena, unload("SELECT id FROM visits", "much"), "narrow"))

    assert execution["Status"]["State"] == "CANCELLED"
    assert execution["Status"]["StateChangeReason"] == queries.SCANNED_TOO_MUCH
    assert written(client, "much") == []


def test_a_wrong_query_fails_with_the_reason(client: Client) -> None:
    athena = client("athena")
    execution = ended(athena, start(athena, unload("SELECT weight FROM orders", "wrong")))

    assert execution["Status"]["State"] == "FAILED"
    assert "weight" in execution["Status"]["StateChangeReason"]


def test_a_failed_query_is_not_answered_with_how_it_was_run(client: Client) -> None:
    athena = client("athena")
    for query in ("SELECT id,\nweight FROM orders", "SELECT id\nFROM nowhere"):
        execution = ended(athena, start(athena, unload(query, "unsaid")))
        reason = execution["Status"]["StateChangeReason"]

        assert reason.endswith("(line 2)"), reason
        assert "CREATE TABLE" not in reason and "Did you mean" not in reason
        assert "\n" not in reason and "^" not in reason


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UNLOAD SELECT 1 TO 's3://a/b/'", "SYNTAX_ERROR"),
        ("UNLOAD (SELECT 1) TO 's3://a/b/' WITH (format = 'JSON')", "NOT_SUPPORTED"),
        ("UNLOAD (SELECT 1) TO 's3://a/b/' WITH (format)", "SYNTAX_ERROR: format is no option"),
        (
            "UNLOAD (SELECT 1) TO 's3://a/b/' WITH (format = 'PARQUET', compression = 'LZO')",
            "NOT_SUPPORTED: compression LZO",
        ),
        (
            "UNLOAD (SELECT 1) TO 's3://no-bucket-of-queries/b/' WITH (format = 'PARQUET')",
            "NoSuchBucket",
        ),
    ],
)
def test_what_unload_is_not_here_is_refused_by_name(
    client: Client, statement: str, words: str
) -> None:
    athena = client("athena")
    execution = ended(athena, start(athena, statement))

    assert execution["Status"]["State"] == "FAILED"
    assert words in execution["Status"]["StateChangeReason"]


def test_an_unknown_workgroup_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="WorkGroup other is not found"):
        start(client("athena"), "SELECT 1", "other")


def test_an_enforced_workgroup_decides_where_lists_of_files_are(client: Client) -> None:
    athena = client("athena")
    elsewhere = {"OutputLocation": f"s3://{LAKE}/elsewhere/"}
    asked = start(athena, unload("SELECT 1 AS one", "listed"), ResultConfiguration=elsewhere)
    ended(athena, asked)

    assert written(client, "lists") != []
    assert client("s3").list_objects_v2(Bucket=LAKE, Prefix="elsewhere/")["KeyCount"] == 0


# ---- in a state machine


def played(
    client: Client, arn: str, query: str, folder: str, workgroup: str = "wide"
) -> dict[str, Any]:
    """A machine of one state that runs the query as the role; how it ended."""
    states = client("stepfunctions")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
        "Arguments": {
            "QueryString": unload(query, folder),
            "WorkGroup": workgroup,
            "QueryExecutionContext": {"Database": "sales"},
        },
        "End": True,
    }
    machine = states.create_state_machine(
        name=f"queries-{folder}",
        roleArn=arn,
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}}),
    )
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")

    def described() -> dict[str, Any]:
        return dict(states.describe_execution(executionArn=execution["executionArn"]))

    eventually(lambda: described()["status"] != "RUNNING")
    return described()


def test_a_state_waits_for_its_query(client: Client, role: Callable[..., str]) -> None:
    execution = played(client, role(*READ, *WRITE), "SELECT id FROM orders", "state")

    assert execution["status"] == "SUCCEEDED", execution
    query = json.loads(execution["output"])["QueryExecution"]
    assert query["Status"]["State"] == "SUCCEEDED"
    assert query["Statistics"]["DataScannedInBytes"] == len(ROWS)
    assert len(written(client, "state")) == 2


@pytest.mark.parametrize(
    ("query", "workgroup", "state", "words"),
    [
        ("SELECT weight FROM orders", "wide", "FAILED", "weight"),
        ("SELECT id FROM visits", "narrow", "CANCELLED", queries.SCANNED_TOO_MUCH),
    ],
)
def test_a_state_fails_with_its_query(
    client: Client, role: Callable[..., str], query: str, workgroup: str, state: str, words: str
) -> None:
    execution = played(client, role(*READ, *WRITE), query, f"failed-{state}", workgroup)

    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    status = json.loads(execution["cause"])["QueryExecution"]["Status"]
    assert status["State"] == state
    assert words in status["StateChangeReason"]


@pytest.mark.parametrize("lacking", ["glue:GetTable", "s3:GetObject", "s3:PutObject"])
def test_a_query_may_do_what_the_role_may_that_asks(
    client: Client, role: Callable[..., str], lacking: str
) -> None:
    granted = [
        {**each, "Action": [action for action in each["Action"] if action != lacking]}
        for each in (*READ, *WRITE)
    ]
    folder = f"lacking-{lacking.replace(':', '-')}"
    execution = played(client, role(*granted), "SELECT id FROM orders", folder)

    status = json.loads(execution["cause"])["QueryExecution"]["Status"]
    assert status["State"] == "FAILED"
    assert f"is not authorized to perform: {lacking} on resource" in status["StateChangeReason"]


def test_a_role_may_only_use_workgroups_that_it_is_granted(
    client: Client, role: Callable[..., str]
) -> None:
    narrow = {**WRITE[0], "Resource": f"arn:aws:athena:{HERE}:workgroup/narrow"}
    execution = played(client, role(*READ, narrow, WRITE[1]), "SELECT id FROM orders", "granted")

    assert execution["error"] == "Athena.AccessDeniedException"


def test_a_session_asks_about_its_query_by_the_workgroup(stage: Stage, client: Client) -> None:
    iam = client("iam")
    iam.create_user(UserName="queries")
    key = iam.create_access_key(UserName="queries")["AccessKey"]
    own = connect(
        stage,
        "athena",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    allowed = {**WRITE[0], "Resource": f"arn:aws:athena:{HERE}:workgroup/narrow"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="queries", PolicyName="own", PolicyDocument=document)
    known = {name: start(client("athena"), "SELECT 1", name) for name in ("narrow", "wide")}

    assert own.get_query_execution(QueryExecutionId=known["narrow"])["QueryExecution"]
    with pytest.raises(ClientError, match="AccessDenied"):
        own.get_query_execution(QueryExecutionId=known["wide"])
