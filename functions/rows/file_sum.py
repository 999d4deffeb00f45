"""The sum of a Parquet file's rows: see functions/control/core/runs/row_sum.py."""

from pathlib import Path

# No column is called so. The names of columns are part of a row's JSON, and so are missing values.
_ROW = "__row_of_the_file"
_SUM = f"""
    SELECT count(*), coalesce(sum((number >> 64)::HUGEINT), 0),
           coalesce(sum((number & 18446744073709551615)::HUGEINT), 0)
    FROM (SELECT md5_number(to_json({_ROW})::VARCHAR) AS number FROM read_parquet(?) AS {_ROW})
"""  # noqa: S608 - made of constants
_SETTINGS = (
    # Moments with a time zone are written in that of the session.
    "SET TimeZone = 'UTC'",
    "SET preserve_insertion_order = false",
    "SET autoinstall_known_extensions = false",
    "SET memory_limit = '1GB'",
)


def file_sum(file: Path) -> dict[str, object]:
    """{columns, rows, high, low}. The sums are text: JSON readers keep no integers so long.

    Memory does not grow with the file.
    """
    import duckdb

    with duckdb.connect() as engine:
        for setting in _SETTINGS:
            engine.execute(setting)
        described = engine.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()
        rows, high, low = engine.execute(_SUM, [str(file)]).fetchall()[0]
    return {
        "columns": [[str(name), str(kind)] for name, kind, *_ in described],
        "rows": int(rows),
        "high": str(high),
        "low": str(low),
    }
