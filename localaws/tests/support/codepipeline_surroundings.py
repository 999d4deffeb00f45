"""Buckets, roles, a topic and a function on a running stage, for pipelines of a release."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from support.codepipeline_bench import action, approval, entered_when, function
from support.codepipeline_bench import stage as part
from support.making import make_function, make_role
from support.waiting import eventually

ACCOUNT = "123456789012"
SERVICE = "codepipeline.amazonaws.com"
Client = Callable[[str], Any]
Statement = dict[str, Any]

TEMPLATE = """
Parameters:
  Value: {Type: String}
  Version: {Type: String}
Resources:
  Setting:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Sub "${Value} ${Version}"}
Outputs:
  Setting: {Value: !Ref Setting}
"""
ANSWERING = """
import json, boto3
pipeline = boto3.client("codepipeline")

def handler(event, context):
    job = event["CodePipeline.job"]
    given = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    keys = job["data"]["artifactCredentials"]
    s3 = boto3.client(
        "s3",
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )
    place = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
    size = s3.get_object(Bucket=place["bucketName"], Key=place["objectKey"])["ContentLength"]
    try:
        s3.get_object(Bucket=place["bucketName"], Key=given["other"])
        other = "read"
    except s3.exceptions.ClientError as error:
        other = error.response["Error"]["Code"]
    made = {"Size": str(size), "Other": other, "Setting": given["setting"]}
    pipeline.put_job_success_result(jobId=job["id"], outputVariables=made)
"""


class Surroundings:
    """Buckets, roles, a topic and a function for pipelines of a test."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.bucket = f"pipeline-{uuid.uuid4().hex[:10]}"
        s3 = client("s3")
        s3.create_bucket(Bucket=self.bucket)
        s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("template.yaml", TEMPLATE)
        self.bundle = packed.getvalue()
        self.version = s3.put_object(
            Bucket=self.bucket, Key="releases/7/bundle.zip", Body=self.bundle
        )["VersionId"]
        self.topic = client("sns").create_topic(Name=self.bucket)["TopicArn"]
        self.deploy_role = make_role(client, "cloudformation.amazonaws.com")
        self.function = make_function(
            client, ANSWERING, {"Action": "codepipeline:PutJobSuccessResult", "Resource": "*"}
        )
        self.name = f"release-{uuid.uuid4().hex[:6]}"
        self.stack = f"serving-{uuid.uuid4().hex[:6]}"

    def grants(self) -> list[Statement]:
        return [
            {
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{self.bucket}/*",
            },
            {"Action": "s3:GetBucketVersioning", "Resource": f"arn:aws:s3:::{self.bucket}"},
            {"Action": "sns:Publish", "Resource": self.topic},
            {
                "Action": "lambda:InvokeFunction",
                "Resource": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{self.function}",
            },
        ]

    def deployment_grants(self) -> list[Statement]:
        stack = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{self.stack}/*"
        calls = ("CreateStack", "UpdateStack", "DeleteStack", "DescribeStacks")
        return [
            {"Action": [f"cloudformation:{call}" for call in calls], "Resource": stack},
            {"Action": "iam:PassRole", "Resource": self.deploy_role},
        ]

    def declaration(self, role: str, deployer: str | None = None) -> dict[str, Any]:
        """Source, Review, Promote and Record, as a release goes through them."""
        source = {
            "S3Bucket": self.bucket,
            "S3ObjectKey": "releases/none",
            "PollForSourceChanges": "false",
            "AllowOverrideForS3ObjectKey": "true",
        }
        deployment = {
            "ActionMode": "REPLACE_ON_FAILURE",
            "StackName": self.stack,
            "TemplatePath": "Bundle::template.yaml",
            "ParameterOverrides": json.dumps(
                {"Value": "#{variables.model}", "Version": "#{Bundle.VersionId}"}
            ),
            "RoleArn": self.deploy_role,
        }
        recording = {
            "FunctionName": self.function,
            "UserParameters": json.dumps(
                {"setting": "#{Serving.Setting}", "other": "releases/7/bundle.zip"}
            ),
        }
        asked = {
            "NotificationArn": self.topic,
            "CustomData": "#{variables.model}",
            "ExternalEntityLink": "https://example.com/review",
        }
        deployer_of = {"roleArn": deployer} if deployer else {}
        bundle = [{"name": "Bundle"}]
        return {
            "name": self.name,
            "roleArn": role,
            "pipelineType": "V2",
            "executionMode": "PARALLEL",
            "artifactStore": {"type": "S3", "location": self.bucket},
            "variables": [{"name": "model"}, {"name": "review", "defaultValue": "manual"}],
            "stages": [
                part(
                    "Source",
                    action(
                        "Bundle",
                        "Source",
                        "S3",
                        namespace="Bundle",
                        configuration=source,
                        outputArtifacts=bundle,
                    ),
                ),
                part(
                    "Review",
                    approval(configuration=asked),
                    beforeEntry=entered_when("#{variables.review}", "manual"),
                ),
                part(
                    "Promote",
                    action(
                        "Deploy",
                        "Deploy",
                        "CloudFormation",
                        namespace="Serving",
                        configuration=deployment,
                        inputArtifacts=bundle,
                        **deployer_of,
                    ),
                ),
                part(
                    "Record",
                    function(
                        "Record",
                        namespace="Recorded",
                        configuration=recording,
                        inputArtifacts=bundle,
                    ),
                ),
            ],
        }

    def start(self, client: Client | None = None, review: str = "automatic") -> str:
        answer = (client or self.client)("codepipeline").start_pipeline_execution(
            name=self.name,
            variables=[
                {"name": "model", "value": "abalone"},
                {"name": "review", "value": review},
            ],
            sourceRevisions=[
                {
                    "actionName": "Bundle",
                    "revisionType": "S3_OBJECT_KEY",
                    "revisionValue": "releases/7/bundle.zip",
                },
                {
                    "actionName": "Bundle",
                    "revisionType": "S3_OBJECT_VERSION_ID",
                    "revisionValue": self.version,
                },
            ],
        )
        return str(answer["pipelineExecutionId"])

    def actions(self, identity: str, client: Client | None = None) -> dict[str, dict[str, Any]]:
        answer = (client or self.client)("codepipeline").list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": identity}
        )
        return {run["actionName"]: run for run in answer["actionExecutionDetails"]}

    def token(self, identity: str, client: Client | None = None) -> str:
        waiting = eventually(lambda: self.actions(identity, client).get("Approve"))
        return str(waiting["output"]["executionResult"]["externalExecutionId"])

    def ends(self, identity: str, client: Client | None = None) -> str:
        pipelines = (client or self.client)("codepipeline")

        def status() -> str:
            asked = {"pipelineName": self.name, "pipelineExecutionId": identity}
            return str(pipelines.get_pipeline_execution(**asked)["pipelineExecution"]["status"])

        eventually(lambda: status() != "InProgress")
        return status()

    def approval(self, token: str, status: str = "Approved") -> dict[str, Any]:
        return {
            "pipelineName": self.name,
            "stageName": "Review",
            "actionName": "Approve",
            "result": {"summary": "looked at it", "status": status},
            "token": token,
        }
