"""Athena's UNLOAD, and what a query may scan: rules only. patches/queries.py runs the queries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DIFFERS = (
    "SQL is DuckDB's, so functions that only Trino has fail here. Tables are those of the Glue "
    "catalog over S3, after FROM and JOIN. A query scans every byte of its tables' files, also of "
    "columns and partitions that it does not read, and is held to its workgroup's limit before it "
    "runs. UNLOAD writes Parquet only, in one or two files, its rows in another order each time. "
    "The role that asks needs its permissions for Glue and S3, but not for the catalog's "
    "name, for KMS or for Lake Formation."
)
# Athena's own words where a query reaches the limit of its workgroup.
SCANNED_TOO_MUCH = "Query cancelled! : Bytes scanned limit was exceeded"
_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'(?P<target>[^']*)'\s*(?:WITH\s*\((?P<options>.*)\))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_OPTION = re.compile(r"\s*(\w+)\s*=\s*'([^']*)'\s*")
_TARGET = re.compile(r"s3://([^/]+)/(.+/)")


class QueryError(Exception):
    """The query fails; the message is its reason."""


@dataclass(frozen=True)
class Unload:
    """UNLOAD (query) TO 's3://bucket/prefix/'."""

    query: str
    bucket: str
    prefix: str
    compression: str


def said(error: str) -> str:
    r"""DuckDB's words without its excerpt of the query, in which tables have become files already,
    and without the tables of its own that it thinks of where a table is not there.

    >>> said('Parser Error: syntax error at or near "WHERE"\n\nLINE 2: ...FROM t WHERE\n    ^')
    'Parser Error: syntax error at or near "WHERE" (line 2)'
    """
    words, _, excerpt = error.partition("\nLINE ")
    if "Table with name" in words:
        words = words.partition("\nDid you mean")[0]
    line = excerpt.partition(":")[0]
    return " ".join(words.split()) + (f" (line {line})" if line.isdigit() else "")


def parsed(statement: str) -> Unload | None:
    """The UNLOAD that a statement is; None for another statement. Raises QueryError.

    >>> parsed("UNLOAD (SELECT 1) TO 's3://b/p/' WITH (format = 'PARQUET')").prefix
    'p/'
    """
    if not re.match(r"\s*UNLOAD\b", statement, re.IGNORECASE):
        return None
    found = _UNLOAD.fullmatch(statement)
    target = _TARGET.fullmatch(found["target"]) if found else None
    if found is None or target is None:
        raise QueryError("SYNTAX_ERROR: UNLOAD (SELECT …) TO 's3://bucket/prefix/' WITH (…)")
    options = _options(found["options"] or "")
    if options.get("format", "").upper() != "PARQUET" or set(options) - {"format", "compression"}:
        raise QueryError("NOT_SUPPORTED: here UNLOAD takes format = 'PARQUET' and compression")
    compression = options.get("compression", "GZIP").upper()
    if compression not in ("SNAPPY", "GZIP", "ZSTD", "NONE"):
        raise QueryError(f"NOT_SUPPORTED: compression {compression}")
    return Unload(found["query"].strip(), target[1], target[2], compression)


def _options(text: str) -> dict[str, str]:
    options = {}
    for part in text.split(",") if text.strip() else ():
        found = _OPTION.fullmatch(part)
        if found is None:
            raise QueryError(f"SYNTAX_ERROR: {part.strip()} is no option of UNLOAD")
        options[found[1].lower()] = found[2]
    return options


def limit_of(workgroup: Mapping[str, Any]) -> int | None:
    """How many bytes a query of the workgroup may scan; None for no limit."""
    limit = (workgroup.get("Configuration") or {}).get("BytesScannedCutoffPerQuery")
    return None if limit is None else int(limit)


def enforces(workgroup: Mapping[str, Any]) -> bool:
    """Does the workgroup decide where results go, whatever the request says? It does by default."""
    configured = (workgroup.get("Configuration") or {}).get("EnforceWorkGroupConfiguration", True)
    return str(configured).lower() == "true"
