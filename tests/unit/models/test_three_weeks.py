"""The demo's three weeks of requests: what is planted in them, and that they are played once."""

import io
import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest

from contract.plan import Plan
from observed import captured
from reading.source import SourceFile
from sample_data import churn_traffic, three_weeks
from tests.unit.models.test_models import definition

TODAY = date(2026, 11, 30)


def test_the_drift_begins_with_the_third_week():
    played = list(churn_traffic.days(TODAY))
    before, after = played[: churn_traffic.DRIFT_FROM], played[churn_traffic.DRIFT_FROM :]

    def mean(column, days):
        return pl.concat([one.rows for one in days])[column].mean()

    assert (len(before), len(after), played[-1].day) == (14, 7, date(2026, 11, 29))
    assert mean("monthly_charge", after) > 1.3 * mean("monthly_charge", before)
    assert mean("support_calls", after) > mean("support_calls", before) + 1.5
    assert ["5g" in one.rows["internet"].to_list() for one in played] == [False] * 14 + [True] * 7


def test_labels_come_late_and_the_same_requests_come_again():
    first, again = (list(churn_traffic.days(TODAY)) for _ in range(2))

    known = churn_traffic.labels_known(TODAY, first)

    assert known.height == 17 * churn_traffic.REQUESTS_A_DAY
    assert known["customer_id"].is_unique().all()
    assert all(one.rows.equals(two.rows) for one, two in zip(first, again, strict=True))


class Cloud:
    """The services that the demo asks; its scorer answers every row alike."""

    def __init__(self):
        self.objects = {}
        self.asked = 0

    def describe_stacks(self, StackName):  # noqa: N803 - boto3's names
        outputs = {"DataBucketName": "data", "AliasArn": "live", "Release": "7"}
        found = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
        return {"Stacks": [{"Outputs": found}]}

    def list_objects_v2(self, Bucket, Prefix):  # noqa: N803
        return {"KeyCount": sum(key.startswith(Prefix) for key in self.objects)}

    def put_object(self, Bucket, Key, Body):  # noqa: N803
        self.objects[Key] = Body

    def invoke(self, FunctionName, Payload):  # noqa: N803
        self.asked += 1
        rows = json.loads(Payload)["rows"]
        answers = [{"row": row, "prediction": "no", "probability": 0.1} for row in range(len(rows))]
        answer = {"model": "churn", "release": 7, "predictions": answers}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


def test_a_day_is_played_once_and_reads_as_a_captured_one(tmp_path, monkeypatch):
    cloud = Cloud()
    monkeypatch.setattr(three_weeks, "boto3", SimpleNamespace(client=lambda service: cloud))
    monkeypatch.setattr(three_weeks, "DATASETS", tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    three_weeks.main()
    three_weeks.main()

    assert (cloud.asked, len(cloud.objects)) == (21, 21)
    labels = pl.read_csv(tmp_path / "churn-labels" / "labels.csv")
    assert labels.columns == ["customer_id", "churned"]
    content = json.loads(definition("churn").model_dump_json())
    plan = Plan.from_document({"run": "r", "model": "churn", "definition": {"content": content}})
    key, lines = max(cloud.objects.items())
    path = tmp_path / "captured.jsonl"
    path.write_bytes(lines)
    found = captured.read([SourceFile(path, key)], plan)
    assert (found.rows.height, found.damage.count) == (churn_traffic.REQUESTS_A_DAY, 0)
    assert found.rows["__key_0"].null_count() == 0
    assert found.rows["day"][0] < datetime.now(UTC).date()


def test_without_a_stage_it_says_what_is_missing(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    with pytest.raises(SystemExit, match="no local stage is named"):
        three_weeks.main()
