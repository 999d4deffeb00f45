"""Play three weeks of requests to the churn model on the local stage, and their labels.

The live release answers every request of sample_data.churn_traffic. Its scorer captures requests as
they come, so the past has no captured ones. This writes the answers where the scorer would have,
with days of the past: only the days are made up. The labels that would have come by now are written
to a file, for `kanmon put-labels`. Played again, it only adds the days that are not there yet.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from sample_data import DATASETS
from sample_data.churn_traffic import Day, days, labels_known

STACK = "kanmon-local"
KEY = "customer_id"


def main() -> None:
    """Write the captured requests to the stage that the environment names, and labels.csv."""
    if "AWS_ENDPOINT_URL" not in os.environ:
        sys.exit('no local stage is named: run eval "$(.venv/bin/kanmon env)" first')
    now = datetime.now(UTC)
    stack, serving = (_outputs(name) for name in (STACK, f"{STACK}-serving-churn"))
    played = list(days(now.date()))
    for day in played:
        if not _is_captured(stack["DataBucketName"], serving["Release"], day):
            _capture(stack["DataBucketName"], serving["AliasArn"], day)
    path = DATASETS / "churn-labels" / "labels.csv"
    _write_labels(path, now, played)
    print(path)


def _outputs(stack: str) -> Mapping[str, str]:
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}


def _is_captured(bucket: str, release: str, day: Day) -> bool:
    """Is the day there already, as it was written or as a monitoring has compacted it?"""
    found = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=_folder(release, day))
    return found["KeyCount"] > 0


def _folder(release: str, day: Day) -> str:
    return f"capture/churn/{release}/dt={day.day.isoformat()}/"


def _capture(bucket: str, alias_arn: str, day: Day) -> None:
    """Have the day's customers scored, and write the answers as a day of the past."""
    rows = day.rows.to_dicts()
    # A check is answered like any request, but the scorer does not capture it itself.
    asked = json.dumps({"rows": rows, "check": True})
    sent = boto3.client("lambda").invoke(FunctionName=alias_arn, Payload=asked)
    answer = json.loads(sent["Payload"].read())
    lines = [_line(answer, prediction, rows, day) for prediction in answer["predictions"]]
    boto3.client("s3").put_object(
        Bucket=bucket,
        Key=f"{_folder(str(answer['release']), day)}120000-{_request(day)}.jsonl",
        Body="".join(f"{json.dumps(line)}\n" for line in lines).encode(),
    )


def _line(
    answer: Mapping[str, Any], prediction: Mapping[str, Any], rows: list[dict[str, Any]], day: Day
) -> dict[str, Any]:
    """A line as serving/scoring/scorer/capture.py writes it."""
    row = rows[prediction["row"]]
    facts = {"request_id": _request(day), "model": answer["model"], "release": answer["release"]}
    features = {name: value for name, value in row.items() if name != KEY}
    at = f"{day.day.isoformat()}T12:00:00Z"
    return {"at": at, **facts, **prediction, "key": {KEY: row[KEY]}, "features": features}


def _request(day: Day) -> str:
    return f"three-weeks-{day.day.isoformat()}"


def _write_labels(path: Path, now: datetime, played: list[Day]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    labels_known(now.date(), played).write_csv(path)


if __name__ == "__main__":
    main()
