"""Reads the scores that a run kept of its test rows."""

import io
from typing import TYPE_CHECKING

from kanmon.comparison.pairing import NotPairedError
from kanmon.comparison.sides import Side
from kanmon.stage.aws_errors import REFUSED

if TYPE_CHECKING:
    import polars as pl

    from kanmon.stage.connection import Connection


def scores_of(connection: "Connection", side: Side) -> "pl.DataFrame":
    """The content of scores.parquet. Raises NotPairedError where it cannot be read."""
    import polars as pl
    from botocore.exceptions import ClientError

    key = f"runs/{side.record.model}/{side.run}/evaluate/scores.parquet"
    try:
        content = connection.s3.get_object(Bucket=connection.bucket, Key=key)["Body"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"NoSuchKey", "404"}:
            raise NotPairedError(
                f"{side.run} kept no scores of its test rows: it was made by an earlier version, "
                "or its file was removed"
            ) from None
        if code in REFUSED:
            raise NotPairedError(
                "the scores of test rows are for data scientists: --as data-scientist shows more"
            ) from None
        raise
    try:
        return pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError:
        raise NotPairedError(f"s3://{connection.bucket}/{key} is damaged") from None
