"""MiniStack's Athena: UNLOAD, the limits of workgroups, and IAM for what a query reads and writes.

MiniStack runs a SELECT on DuckDB as nobody in particular, without a limit.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import athena, glue, s3

from localaws import authorization, queries
from localaws.home import ACCOUNT, REGION
from localaws.queries import QueryError, Unload

Execution = dict[str, Any]
# Who asked, beside what GetQueryExecution answers.
_CALLER = "_caller"
_ASSUMED = ":assumed-role/"


def install() -> None:
    """Ask about queries by their workgroup, and run them as the caller."""
    start = athena._start_query_execution
    execute = athena._execute_query

    def start_as_caller(data: dict[str, Any]) -> Any:
        name = data.get("WorkGroup", "primary")
        workgroup = athena._workgroups.get(name)
        if workgroup is None:
            words = f"WorkGroup {name} is not found."
            return error_response_json("InvalidRequestException", words, 400)
        if queries.enforces(workgroup) and (workgroup.get("Configuration") or {}).get(
            "ResultConfiguration"
        ):
            data = {key: value for key, value in data.items() if key != "ResultConfiguration"}
        answer = start(data)
        if answer[0] == 200:
            query = json.loads(answer[2])["QueryExecutionId"]
            athena._executions[query][_CALLER] = iam_evaluator.caller_arn()
        return answer

    async def execute_within_limits(
        query_id: str, query: str, database: str, ddl: Any, catalog: str | None = None
    ) -> None:
        execution = athena._executions[query_id]
        try:
            unload = queries.parsed(query)
            reading = unload.query if unload else query
            scanned = _checked(execution, reading, database)
        except QueryError as error:
            _end(execution, "FAILED", str(error))
            return
        if scanned is None:
            return
        if unload is None:
            await execute(query_id, query, database, ddl, catalog)
        else:
            await _unloaded(execution, unload, database, catalog)
        execution["Statistics"]["DataScannedInBytes"] = scanned

    athena._start_query_execution = start_as_caller
    athena._execute_query = execute_within_limits
    _know_a_query_by_its_workgroup()


def _know_a_query_by_its_workgroup() -> None:
    """For AWS a query's resource is its workgroup; MiniStack asks for everything there is."""
    known = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *more: Any
    ) -> Any:
        found = known(service, method, path, headers, body, *more)
        if service != "athena" or found != "*" or b"QueryExecutionId" not in (body or b""):
            return found
        execution = athena._executions.get(json.loads(body).get("QueryExecutionId")) or {}
        return athena._arn_workgroup(execution.get("WorkGroup", "primary"))

    iam_actions.extract_resource_arn = extract_resource_arn


# ---- before a query runs


def _checked(execution: Execution, query: str, database: str) -> int | None:
    """The bytes that the query scans; None where they are too many. Raises QueryError."""
    limit = queries.limit_of(athena._workgroups.get(execution["WorkGroup"]) or {})
    scanned = 0
    for database_name, table in _tables(query, database):
        _may_read_table(execution, database_name, table)
        bucket, files = _files((table.get("StorageDescriptor") or {}).get("Location") or "")
        for key, size in files:
            _ask(execution, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
            scanned += size
    if limit is not None and scanned > limit:
        execution["Statistics"]["DataScannedInBytes"] = limit
        _end(execution, "CANCELLED", queries.SCANNED_TOO_MUCH)
        return None
    return scanned


def _tables(query: str, database: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables that a query names, once each."""
    seen = set()
    for each in athena._table_references(query):
        name = each.database or database or "default"
        table = glue._tables.get(f"{name}/{each.table}")
        if table and (name, each.table) not in seen:
            seen.add((name, each.table))
            yield name, table


def _may_read_table(execution: Execution, database: str, table: dict[str, Any]) -> None:
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    catalog, own = f"{arn}:catalog", f"{arn}:database/{database}"
    named = f"{arn}:table/{database}/{table['Name']}"
    for action, places in (
        ("glue:GetDatabase", (catalog, own)),
        ("glue:GetTable", (catalog, own, named)),
        *([("glue:GetPartitions", (catalog, own, named))] if table.get("PartitionKeys") else []),
    ):
        for place in places:
            _ask(execution, action, place)
    bucket, prefix = _place((table.get("StorageDescriptor") or {}).get("Location") or "")
    if bucket:
        _ask(execution, "s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
        _ask(execution, "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix})


def _files(location: str) -> tuple[str, list[tuple[str, int]]]:
    """The bucket of a table, and its files with their sizes."""
    name, prefix = _place(location)
    bucket = s3._buckets.get(name)
    if bucket is None:
        return name, []
    return name, [
        (key, int(entry.get("size") or 0))
        for key, entry in list(bucket["objects"].items())
        if key.startswith(prefix)
        and not key.endswith("/")
        and not athena._hidden(key[len(prefix) :])
    ]


def _place(location: str) -> tuple[str, str]:
    bucket, _, prefix = location.partition("://")[2].partition("/")
    return bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _ask(
    execution: Execution, action: str, resource: str, context: dict[str, str] | None = None
) -> None:
    """May the caller do this? Raises QueryError. The account's root may do everything."""
    caller = str(execution.get(_CALLER))
    if _ASSUMED not in caller:
        return
    role = caller.partition(_ASSUMED)[2].partition("/")[0]
    if not authorization.allowed(f"role/{role}", action, resource, context):
        raise QueryError(
            f"Insufficient permissions to execute the query. User: {caller} is not authorized to "
            f"perform: {action} on resource: {resource}"
        )


# ---- UNLOAD


async def _unloaded(
    execution: Execution, unload: Unload, database: str, catalog: str | None
) -> None:
    execution["Status"]["State"] = "RUNNING"
    workdirs: list[str] = []
    try:
        _ask_to_write(execution, unload)
        query, _, workdirs = await athena._rewrite_data_paths(unload.query, database, catalog)
        files = await asyncio.to_thread(_written, query, unload.compression)
        if execution["Status"]["State"] != "RUNNING":  # stopped in the meantime
            return
        for number, content in enumerate(files):
            # Athena's names have no ending.
            name = f"{execution['QueryExecutionId']}_{number:05d}"
            _put(execution, unload.bucket, unload.prefix + name, content)
        _put_manifest(execution, unload, len(files))
        _end(execution, "SUCCEEDED", "")
    except Exception as error:  # whatever DuckDB says is the query's reason
        _end(execution, "FAILED", queries.said(str(error))[:2000])
    finally:
        for folder in workdirs:
            shutil.rmtree(folder, ignore_errors=True)


def _ask_to_write(execution: Execution, unload: Unload) -> None:
    bucket = s3._buckets.get(unload.bucket)
    if bucket is None:
        raise QueryError(f"NoSuchBucket: the bucket {unload.bucket} does not exist")
    arn = f"arn:aws:s3:::{unload.bucket}"
    _ask(execution, "s3:GetBucketLocation", arn)
    _ask(execution, "s3:ListBucket", arn, {"s3:prefix": unload.prefix})
    if any(key.startswith(unload.prefix) for key in list(bucket["objects"])):
        target = f"s3://{unload.bucket}/{unload.prefix}"
        raise QueryError(f"HIVE_PATH_ALREADY_EXISTS: Target directory '{target}' already exists")


def _written(query: str, compression: str) -> list[bytes]:
    """The result as Parquet files: none for no rows. Runs on a thread of its own."""
    import duckdb

    codec = "UNCOMPRESSED" if compression == "NONE" else compression
    with tempfile.TemporaryDirectory(prefix="localaws-unload-") as folder, duckdb.connect() as own:
        own.execute("SET disabled_optimizers = 'type_pushdown'")  # as MiniStack does
        own.execute(f"CREATE TABLE result AS {query}")
        rows = int(own.execute("SELECT count(*) FROM result").fetchall()[0][0])
        files = []
        for part in range(min(rows, 2)):
            file = Path(folder) / str(part)
            own.execute(
                f"COPY (SELECT * FROM result WHERE rowid % 2 = {part} ORDER BY random()) "  # noqa: S608
                f"TO '{file}' (FORMAT parquet, COMPRESSION {codec})"
            )
            files.append(file.read_bytes())
        return files


def _put_manifest(execution: Execution, unload: Unload, files: int) -> None:
    """The list of what was written, where the workgroup keeps its results."""
    bucket, prefix = _place(execution["ResultConfiguration"]["OutputLocation"].rpartition("/")[0])
    query = execution["QueryExecutionId"]
    place = f"s3://{unload.bucket}/{unload.prefix}"
    listed = "".join(f"{place}{query}_{number:05d}\n" for number in range(files))
    _put(execution, bucket, f"{prefix}{query}-manifest.csv", listed.encode())


def _put(execution: Execution, bucket: str, key: str, content: bytes) -> None:
    _ask(execution, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
    headers = {"content-length": str(len(content))}
    answer = s3._put_object(bucket, key, content, headers)
    if answer[0] >= 300:
        raise QueryError(f"An error occurred while writing to s3://{bucket}/{key}")


def _end(execution: Execution, state: str, reason: str) -> None:
    import time

    execution["Status"]["State"] = state
    execution["Status"]["StateChangeReason"] = reason
    execution["Status"]["CompletionDateTime"] = int(time.time())
