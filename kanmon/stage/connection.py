"""A connection to a stage. Only here, the local stage differs from AWS: by its endpoint."""

import json
import os
from collections.abc import Iterator
from functools import cache, cached_property
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from kanmon.errors import StageError
from kanmon.project import Project, StageSettings, stage_settings

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient


class Connection:
    """A stage's clients, made at first use because each takes 50 to 100 ms, and its outputs."""

    def __init__(
        self,
        settings: StageSettings,
        session: "Session",
        endpoint: str | None,
        account: str | None = None,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.stack = settings.stack
        self.endpoint = endpoint
        # The local stage answers in milliseconds, but each question takes some of the processor
        # that its work needs; an account has request quotas.
        self.poll_seconds = 0.1 if endpoint else 2.0
        # It works on a stack for half a second, and answers nothing while it makes a resource.
        self.stack_poll_seconds = 0.02 if endpoint else 2.0
        self._session = session
        self._account = account
        self._clients: dict[str, Any] = {}
        self._making = Lock()

    @cached_property
    def account(self) -> str:
        """The number of the stage's account."""
        return self._account or str(self.client("sts").get_caller_identity()["Account"])

    @property
    def region(self) -> str:
        """The region of all clients."""
        return str(self._session.get_config_variable("region") or "")

    def client(self, service: str) -> Any:
        """The stage's client of a service."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def client_in(self, service: str, region: str) -> Any:
        """A client of a service that is not in every region, in one where it is."""
        return self._make_client(service, region)

    def _make_client(self, service: str, region: str | None = None) -> Any:
        from botocore.config import Config

        patient = Config(
            retries={"mode": "standard", "max_attempts": 2 if self.endpoint else 5},
            connect_timeout=5,
            read_timeout=30 if self.endpoint else 60,
            # The local stage has no host name per bucket.
            s3={"addressing_style": "path"} if self.endpoint else None,
        )
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            config=patient,
        )

    @property
    def s3(self) -> "S3Client":
        """S3."""
        return self.client("s3")  # type: ignore[no-any-return]

    @property
    def dynamodb(self) -> "DynamoDBClient":
        """DynamoDB."""
        return self.client("dynamodb")  # type: ignore[no-any-return]

    @property
    def stepfunctions(self) -> "SFNClient":
        """Step Functions."""
        return self.client("stepfunctions")  # type: ignore[no-any-return]

    @property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation."""
        return self.client("cloudformation")  # type: ignore[no-any-return]

    @property
    def sagemaker(self) -> "SageMakerClient":
        """SageMaker."""
        return self.client("sagemaker")  # type: ignore[no-any-return]

    def prepare(self, service: str) -> None:
        """Make a service's client in the background, while the command waits."""
        Thread(target=self.client, args=[service], daemon=True).start()

    def stack_description(self) -> dict[str, Any] | None:
        """CloudFormation's description of the stage's stack; None if there is no stack."""
        from botocore.exceptions import ClientError

        try:
            found = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return dict(found[0]) if found else None

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs. Raises StageError if nothing is deployed."""
        stack = self.stack_description()
        written = {} if stack is None else stack_outputs(stack)
        if not written:
            raise StageError(
                f"nothing is deployed on stage {self.name} (stack {self.stack})",
                f"Deploy with `kanmon deploy{stage_flag(self.name)}`.",
            )
        return written

    @property
    def bucket(self) -> str:
        """The data bucket's name."""
        return self.outputs["DataBucketName"]

    @property
    def table(self) -> str:
        """The model table's name."""
        return self.outputs["ModelTableName"]

    @property
    def machine(self) -> str:
        """The retrain state machine's ARN."""
        return self.outputs["RetrainStateMachineArn"]

    @property
    def score_machine(self) -> str:
        """The ARN of the state machine that scores in batch."""
        return self._machine_of("ScoreStateMachineArn", "batch scoring")

    @property
    def monitor_machine(self) -> str:
        """The ARN of the state machine that monitors."""
        return self._machine_of("MonitorStateMachineArn", "monitoring")

    def _machine_of(self, output: str, what: str) -> str:
        arn = self.outputs.get(output)
        if arn is None:
            raise StageError(
                f"stage {self.name} has no {what}: an earlier version was deployed",
                f"Deploy with `kanmon deploy{stage_flag(self.name)}`.",
            )
        return arn

    def monitoring_execution_arn(self, monitoring: str) -> str:
        """The ARN of the monitoring's execution, which has its name."""
        return f"{self.monitor_machine.replace(':stateMachine:', ':execution:')}:{monitoring}"

    def batch_execution_arn(self, name: str) -> str:
        """The ARN of an execution that works on a batch."""
        return f"{self.score_machine.replace(':stateMachine:', ':execution:')}:{name}"

    def execution_arn(self, run: str) -> str:
        """The ARN of the run's execution, which has the run's name."""
        return f"{self.machine.replace(':stateMachine:', ':execution:')}:{run}"


def connect(name: str, project: Project) -> Connection:
    """Connect to a stage: to the local one by its endpoint, to others by AWS's usual settings."""
    settings = stage_settings(project, name)
    return _local(settings, project) if name == "local" else _account(settings)


def _local(settings: StageSettings, project: Project) -> Connection:
    from kanmon.stage import local

    running = local.status(project.home)
    if running is None:
        raise not_running(project)
    session = light_session(None)
    session.set_credentials(running.access_key, running.secret_key)
    session.set_config_variable("region", running.region)
    return Connection(settings, session, running.endpoint, running.account)


def not_running(project: Project) -> StageError:
    """The error for a local stage that is stopped, or that crashed and why."""
    from kanmon.stage import local

    reason = local.ended_unexpectedly(project.home)
    if reason is None:
        return StageError("the local stage is not running", "Start it with `kanmon up`.")
    log = project.home / "logs" / "server.log"
    return StageError(
        f"the local stage has ended unexpectedly: {reason}",
        f"Start it again with `kanmon up`; its log is {log}.",
    )


def _account(settings: StageSettings) -> Connection:
    session = light_session(settings.profile)
    # botocore reads AWS_DEFAULT_REGION only; other tools read AWS_REGION, too.
    region = settings.region or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    if not session.get_config_variable("region"):
        raise StageError(
            f"no region is set for stage {settings.name}",
            f"Set region in samconfig.toml under [{settings.name}.deploy.parameters], "
            "or set AWS_REGION.",
        )
    return Connection(settings, session, os.environ.get("AWS_ENDPOINT_URL"))


def light_session(profile: str | None) -> "Session":
    """A botocore session that makes its clients in half the time."""
    from kanmon.stage import light_botocore

    light_botocore.load()
    from botocore.session import Session

    session = Session(profile=profile)
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    """Reads each service's description once for all sessions."""
    from botocore.loaders import Loader

    class ByFolder(Loader):
        """Lists services by folder name; botocore opens all 400 folders, twice."""

        def list_available_services(self, type_name: str) -> list[str]:
            places = filter(os.path.isdir, self.search_paths)
            return [entry.name for place in places for entry in os.scandir(place)]

    return ByFolder()


def stack_outputs(description: dict[str, Any]) -> dict[str, str]:
    """The outputs of a described stack by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}


def stage_flag(name: str) -> str:
    """The option that makes a command use this stage."""
    return "" if name == "local" else f" --stage {name}"


def read_json(connection: Connection, key: str) -> Any:
    """A JSON object of the data bucket; None if it does not exist (yet)."""
    from botocore.exceptions import ClientError

    try:
        body = connection.s3.get_object(Bucket=connection.bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    return json.loads(body)


def objects_under(connection: Connection, prefix: str) -> Iterator[dict[str, Any]]:
    """The current objects under a prefix of the data bucket, by key."""
    pages = connection.s3.get_paginator("list_objects_v2").paginate(
        Bucket=connection.bucket, Prefix=prefix
    )
    for page in pages:
        yield from (dict(found) for found in page.get("Contents", []))
