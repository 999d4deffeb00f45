"""A stage in memory: bucket, table, registry, images, event bus and state machine, by moto."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import boto3

from core.definition.folder import folder_digest
from core.stage.table_key import key_of
from tests.support.control_cases import MODEL_YAML, passing_evaluation
from tests.support.event_schema import EVENT_SCHEMA

RUN = "churn-261121055501-x7k"
BUCKET = "kanmon-test-data"
TABLE = "kanmon-test-models"
TOPIC = "arn:aws:sns:us-east-1:123456789012:kanmon-test-mails"
EVENT_BUS = "kanmon-test"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-retrain"
SCORE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-score"

MONITOR_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-monitor"
ARRIVALS = "https://sqs.us-east-1.amazonaws.com/123456789012/arrivals"

CHAMPION = {
    "run": "churn-261101000000-abc",
    "definition": "d" * 64,
    "artifact_uri": "s3://kanmon-test-data/runs/churn/churn-261101000000-abc/train/model.tar.gz",
    "artifact_sha256": "e" * 64,
    "evaluation_uri": "s3://kanmon-test-data/runs/churn/old/evaluate/evaluation.json",
    "report_uri": "s3://kanmon-test-data/runs/churn/old/preprocess/report/",
}


@dataclass
class Context:
    """What Lambda passes beside the event."""

    function_name: str = "kanmon-test-function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:kanmon-test"
    aws_request_id: str = "d5b6ab1a-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass
class Stage:
    s3: Any = field(default_factory=lambda: boto3.client("s3"))
    dynamodb: Any = field(default_factory=lambda: boto3.client("dynamodb"))
    sagemaker: Any = field(default_factory=lambda: boto3.client("sagemaker"))
    ecr: Any = field(default_factory=lambda: boto3.client("ecr"))
    states: Any = field(default_factory=lambda: boto3.client("stepfunctions"))
    sqs: Any = field(default_factory=lambda: boto3.client("sqs"))
    events: Any = field(default_factory=lambda: boto3.client("events"))
    facts_queue: str = ""

    def deploy(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "model", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "model", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.ecr.create_repository(repositoryName="kanmon-test-steps")
        for step in ("preprocess", "train", "evaluate", "score"):
            self.push_image(step)
        self.facts_queue = self._subscribe()
        self.sqs.create_queue(QueueName="arrivals", Attributes={"VisibilityTimeout": "300"})
        for workflow in ("retrain", "score", "monitor"):
            self.states.create_state_machine(
                name=f"kanmon-test-{workflow}",
                definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
                roleArn="arn:aws:iam::123456789012:role/kanmon-test",
            )

    def _subscribe(self) -> str:
        """The address of a queue that gets every event of the stage's bus."""
        self.events.create_event_bus(Name=EVENT_BUS)
        rule = {"Name": "all", "EventBusName": EVENT_BUS}
        self.events.put_rule(**rule, EventPattern='{"source": ["kanmon"]}')
        queue: str = self.sqs.create_queue(QueueName="facts")["QueueUrl"]
        target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:facts"}
        self.events.put_targets(Rule="all", EventBusName=EVENT_BUS, Targets=[target])
        return queue

    def put(self, key: str, content: str | bytes | dict[str, Any]) -> None:
        body = json.dumps(content) if isinstance(content, dict) else content
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def get_json(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def publish(self, model_yaml: str = MODEL_YAML, gather_sql: str | None = None) -> str:
        """Store a definition and make it the model's current one."""
        files = {"model.yaml": model_yaml} | ({"gather.sql": gather_sql} if gather_sql else {})
        sha256 = folder_digest({name: text.encode() for name, text in files.items()})
        for name, text in files.items():
            self.put(f"definitions/churn/{sha256}/{name}", text)
        self.write_item("definition", sha256=sha256, published_at="2026-11-21T05:00:00Z")
        return sha256

    def push_image(self, step: str, content: str = "") -> None:
        manifest = {"schemaVersion": 2, "layers": [], "config": {"digest": step + content}}
        self.ecr.put_image(
            repositoryName="kanmon-test-steps",
            imageManifest=json.dumps(manifest),
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageDigest="sha256:" + (step + content).encode().hex().ljust(64, "0")[:64],
            imageTag=step,
        )

    def register(self, status: str, **metadata: str) -> str:
        """A package as Register Candidate leaves it."""
        arn: str = self.sagemaker.create_model_package(
            ModelPackageGroupName="kanmon-test-churn",
            ModelApprovalStatus=status,
            CustomerMetadataProperties=metadata,
        )["ModelPackageArn"]
        return arn

    def promote(self, release: int = 3, **metadata: str) -> str:
        """A package that the release pipeline has put into service, as RecordRelease leaves it."""
        self.sagemaker.create_model_package_group(ModelPackageGroupName="kanmon-test-churn")
        arn = self.register("Approved", **metadata)
        item = {
            "model": {"S": "churn"},
            "item": {"S": "champion"},
            "release": {"N": str(release)},
            "run": {"S": metadata.get("run", "by-hand")},
            "package_arn": {"S": arn},
        }
        self.dynamodb.put_item(TableName=TABLE, Item=item)
        return arn

    def write_release(self, number: int, package_arn: str, decision: str) -> None:
        """The record of a release that was put into service."""
        self.write_item(
            f"release#{number:06d}", status="PROMOTED", package_arn=package_arn, decision=decision
        )
        self.dynamodb.update_item(
            TableName=TABLE,
            Key={"model": {"S": "churn"}, "item": {"S": f"release#{number:06d}"}},
            UpdateExpression="SET #r = :n, package_version = :v",
            ExpressionAttributeNames={"#r": "release"},
            ExpressionAttributeValues={":n": {"N": str(number)}, ":v": {"N": "1"}},
        )

    def item(self, name: str) -> dict[str, Any]:
        """One of the model's items, in DynamoDB's own form; empty when there is none."""
        found: dict[str, Any] = self.dynamodb.get_item(
            TableName=TABLE, Key=key_of("churn", name)
        ).get("Item", {})
        return found

    def write_item(self, name: str, **fields: str) -> None:
        values = {key: {"S": value} for key, value in fields.items()}
        self.dynamodb.put_item(TableName=TABLE, Item={**key_of("churn", name), **values})

    def record(self, run: str = RUN) -> dict[str, str]:
        return {name: next(iter(value.values())) for name, value in self.item(f"run#{run}").items()}

    def batch(self, batch: str) -> dict[str, str]:
        """A batch's record."""
        item = self.item(f"batch#{batch}")
        return {name: next(iter(value.values())) for name, value in item.items()}

    def holder(self) -> str | None:
        return self.item("retrain-lock").get("holder", {}).get("S")

    def executions(self) -> list[str]:
        listed = self.states.list_executions(stateMachineArn=MACHINE)["executions"]
        return [execution["name"] for execution in listed]

    def facts(self) -> list[dict[str, Any]]:
        """What the bus got since the last look, in order; each as its schema wants it."""
        received = self.sqs.receive_message(QueueUrl=self.facts_queue, MaxNumberOfMessages=10)
        messages = received.get("Messages", [])
        for message in messages:
            self.sqs.delete_message(
                QueueUrl=self.facts_queue, ReceiptHandle=message["ReceiptHandle"]
            )
        details = [json.loads(message["Body"])["detail"] for message in messages]
        for detail in details:
            EVENT_SCHEMA.validate(detail)
        return details

    def write_results(self, run: str = RUN, **evaluation: Any) -> None:
        """What Preprocess, Train and Evaluate leave for a run."""
        folder = f"runs/churn/{run}"
        self.put(f"{folder}/train/model.tar.gz", b"model")
        self.put(f"{folder}/train/training.json", {"rounds": 7, "model_sha256": "e" * 64})
        self.put(f"{folder}/preprocess/report/preprocess.json", {"rows_read": 1000})
        document = {**passing_evaluation(), "run": run, "champion": None, **evaluation}
        self.put(f"{folder}/evaluate/evaluation.json", document)
        golden = {"format": 1, "task": "binary", "rows": [{"gender": "f"}], "scores": [[0.25]]}
        self.put(f"{folder}/evaluate/golden.json", {**golden, "tolerance": 1e-4})
