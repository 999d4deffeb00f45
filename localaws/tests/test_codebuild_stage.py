"""CodeBuild through the gateway of a running stage: real S3, IAM, logs, events, templates."""

import inspect
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.codebuild.builds import CodeBuild
from localaws.codebuild.projects import Handover, PipelineArtifact
from localaws.codebuild.stage import clean_place
from localaws.credentials import Credentials
from localaws.jobs.processes import Processes
from localaws.stage import Stage
from support.codebuild_bench import ENVIRONMENT, Bench, Surroundings, context, unzipped, zipped
from support.making import make_role
from support.stage import connect
from support.waiting import eventually

ACCOUNT = "123456789012"
PRINCIPAL = "codebuild.amazonaws.com"
Client = Callable[[str], Any]

LOGS = {
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/codebuild/*",
}
BUILDSPEC = """\
version: 0.2
env:
  parameter-store: {TOKEN: /codebuild/token}
phases:
  build:
    commands:
      - mkdir -p out/deep
      - echo "$TOKEN from $(cat name.txt)" > out/deep/said.txt
      - ./run.sh > out/ran.txt
      - >
        python -c "import boto3;
        print(boto3.client('sts').get_caller_identity()['Arn'].split('/')[1])"
artifacts:
  base-directory: out
  files: ["**/*"]
  name: made-$CODEBUILD_BUILD_NUMBER.zip
"""


@pytest.fixture
def bucket(client: Client) -> str:
    name = f"builds-{uuid.uuid4().hex[:12]}"
    client("s3").create_bucket(Bucket=name)
    client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def reading(bucket: str, *actions: str) -> dict[str, Any]:
    return {"Action": list(actions), "Resource": f"arn:aws:s3:::{bucket}/*"}


def make_project(client: Client, role: str, **settings: Any) -> str:
    name = f"project-{uuid.uuid4().hex[:8]}"
    client("codebuild").create_project(
        name=name,
        serviceRole=role,
        environment=ENVIRONMENT,
        **{"artifacts": {"type": "NO_ARTIFACTS"}, **settings},
    )
    return name


def run(client: Client, project: str, **request: Any) -> dict[str, Any]:
    codebuild = client("codebuild")
    build = codebuild.start_build(projectName=project, **request)["build"]["id"]

    def ended() -> Any:
        found = codebuild.batch_get_builds(ids=[build])["builds"][0]
        return found if found["buildComplete"] else None

    return dict(eventually(ended))


def printed(client: Client, build: Mapping[str, Any]) -> list[str]:
    place = build["logs"]
    events = client("logs").get_log_events(
        logGroupName=place["groupName"], logStreamName=place["streamName"]
    )["events"]
    lines = [event["message"] for event in events]
    return [line for line in lines if not line.startswith("[Container]")]


def test_a_build_goes_from_sources_to_artifacts_as_its_role(
    client: Client, bucket: str, stage_home: Path
) -> None:
    s3 = client("s3")
    client("ssm").put_parameter(Name="/codebuild/token", Value="word", Type="SecureString")
    first = s3.put_object(
        Bucket=bucket,
        Key="in/source.zip",
        Body=zipped(
            {"buildspec.yml": BUILDSPEC, "name.txt": "v1", "run.sh": "#!/bin/sh\necho ran\n"},
            executable="run.sh",
        ),
    )
    s3.put_object(Bucket=bucket, Key="in/source.zip", Body=b"not this version")
    role = make_role(
        client,
        PRINCIPAL,
        LOGS,
        reading(bucket, "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
        {"Action": "ssm:GetParameters", "Resource": "*"},
    )
    project = make_project(
        client,
        role,
        source={"type": "S3", "location": f"{bucket}/in/source.zip"},
        artifacts={
            "type": "S3",
            "location": bucket,
            "path": "out",
            "packaging": "ZIP",
            "overrideArtifactName": True,
        },
    )

    build = run(client, project, sourceVersion=first["VersionId"])

    assert build["buildStatus"] == "SUCCEEDED", printed(client, build)
    made = s3.get_object(Bucket=bucket, Key="out/made-1.zip")["Body"].read()
    assert unzipped(made) == {
        "deep/said.txt": "word from v1\n",
        "ran.txt": "ran\n",
    }
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{bucket}/out/made-1.zip"
    assert printed(client, build) == [role.rpartition("/")[2]]
    assert uses(stage_home, role) >= {
        ("logs:CreateLogGroup", True),
        ("logs:PutLogEvents", True),
        ("s3:GetObjectVersion", True),
        ("s3:PutObject", True),
        ("ssm:GetParameters", True),
    }


def uses(home: Path, role: str) -> set[tuple[str, bool]]:
    """What the record says of a role."""
    name = role.rpartition("/")[2]
    lines = (home / "state" / "authorizations.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return {(one["action"], one["allowed"]) for one in entries if one["role"] == name}


def test_builds_run_where_no_settings_of_the_project_are_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    first, second, other = (clean_place(Path(home)) for home in ("/a", "/a", "/b"))

    assert (first, first.parent) == (second, tmp_path)
    assert other != first
    first.chmod(0o755)  # somebody else may have made it, and could read the builds
    assert clean_place(Path("/a")) != first


def test_a_role_without_rights_to_its_source_fails_the_build(client: Client, bucket: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="source.zip", Body=zipped({"buildspec.yml": ""}))
    role = make_role(client, PRINCIPAL, LOGS)
    project = make_project(client, role, source={"type": "S3", "location": f"{bucket}/source.zip"})

    build = run(client, project)

    assert build["buildStatus"] == "FAILED"
    said = context(build, "DOWNLOAD_SOURCE")
    assert said.startswith("CLIENT_ERROR: AccessDenied")
    assert said.endswith(f"for primary source and source version arn:aws:s3:::{bucket}/source.zip")


def test_a_build_s_end_reaches_a_rule_on_the_event_bus(client: Client) -> None:
    role = make_role(client, PRINCIPAL, LOGS)
    spec = "version: 0.2\nphases: {build: {commands: ['exit 4']}}"
    project = make_project(client, role, source={"type": "NO_SOURCE", "buildspec": spec})
    queue = client("sqs").create_queue(QueueName=project)["QueueUrl"]
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": [project]}}
    pattern["detail"]["build-status"] = ["FAILED"]  # type: ignore[call-overload]
    client("events").put_rule(Name=project, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{project}"
    client("events").put_targets(Rule=project, Targets=[{"Id": "1", "Arn": arn}])

    build = run(client, project)

    received = eventually(lambda: client("sqs").receive_message(QueueUrl=queue).get("Messages", []))
    event = json.loads(received[0]["Body"])
    assert (event["detail-type"], event["resources"]) == (
        "CodeBuild Build State Change",
        [build["arn"]],
    )


def test_a_caller_needs_rights_to_the_project(client: Client, stage: Stage) -> None:
    spec = {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}"}
    role = make_role(client, PRINCIPAL, LOGS)
    mine, other = (make_project(client, role, source=spec) for _ in range(2))
    allowed = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/{mine}"
    grants = {"Action": ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], "Resource": allowed}
    as_role = acting(client, stage, grants)

    build = as_role.start_build(projectName=mine)["build"]

    assert as_role.batch_get_builds(ids=[build["id"]])["builds"][0]["projectName"] == mine
    assert build["initiator"].endswith("/test")
    with pytest.raises(ClientError, match="codebuild:StartBuild"):
        as_role.start_build(projectName=other)


def acting(client: Client, stage: Stage, *statements: dict[str, Any]) -> Any:
    """Make a CodeBuild client of a role that may do just this."""
    name = f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    granted = [{"Effect": "Allow", **statement} for statement in statements]
    client("iam").put_role_policy(
        RoleName=name,
        PolicyName="grants",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": granted}),
    )
    keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return connect(
        stage,
        "codebuild",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


TEMPLATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: codebuild.amazonaws.com}, Action: sts:AssumeRole}
  Project:
    Type: AWS::CodeBuild::Project
    Properties:
      ServiceRole: !GetAtt Role.Arn
      TimeoutInMinutes: "TIMEOUT"
      Source: {Type: CODEPIPELINE, BuildSpec: ci/buildspec.yml}
      Artifacts: {Type: CODEPIPELINE}
      Environment:
        Type: LINUX_CONTAINER
        ComputeType: BUILD_GENERAL1_SMALL
        Image: aws/codebuild/standard:7.0
        PrivilegedMode: false
        EnvironmentVariables: [{Name: ANSWER, Value: 42}]
      Tags: [{Key: a, Value: b}]
Outputs:
  Name: {Value: !Ref Project}
  Arn: {Value: !GetAtt Project.Arn}
"""


def test_templates_make_change_and_delete_projects(client: Client) -> None:
    stacks, codebuild = client("cloudformation"), client("codebuild")
    stack = f"stack-{uuid.uuid4().hex[:8]}"
    parts = {"StackName": stack, "Capabilities": ["CAPABILITY_IAM"]}

    stacks.create_stack(TemplateBody=TEMPLATE.replace("TIMEOUT", "20"), **parts)
    stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    stacks.update_stack(TemplateBody=TEMPLATE.replace("TIMEOUT", "30"), **parts)
    stacks.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})

    described = stacks.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    project = codebuild.batch_get_projects(names=[outputs["Name"]])["projects"][0]
    assert project["arn"] == outputs["Arn"]
    assert (project["timeoutInMinutes"], project["source"]) == (
        30,
        {"type": "CODEPIPELINE", "buildspec": "ci/buildspec.yml"},
    )
    assert project["environment"]["privilegedMode"] is False
    assert project["environment"]["environmentVariables"] == [{"name": "ANSWER", "value": "42"}]
    assert project["tags"] == [{"key": "a", "value": "b"}, *project["tags"][1:]]

    stacks.delete_stack(StackName=stack)
    eventually(lambda: not codebuild.batch_get_projects(names=[outputs["Name"]])["projects"])


def test_ministack_has_what_the_template_s_type_is_made_with() -> None:
    """A failure here after raising the pin is about localaws/src/localaws/patches/builds.py."""
    from ministack.services.cloudformation import provisioners

    assert set(provisioners._RESOURCE_HANDLERS["AWS::CodeBuild::Project"]) >= {
        "create",
        "update",
        "delete",
    }
    named = inspect.signature(provisioners._physical_name).parameters
    assert list(named)[:2] == ["stack_name", "logical_id"] and "max_len" in named


PIPELINED = """\
version: 0.2
phases:
  build:
    commands:
      - cat "$CODEBUILD_SRC_DIR/bundle.txt" > copy.txt
      - echo "$CODEBUILD_INITIATOR $CODEBUILD_RESOLVED_SOURCE_VERSION" > who.txt
artifacts: {files: ["*.txt"]}
"""


def test_a_pipeline_hands_over_a_zip_and_takes_a_zip(
    client: Client, stage: Stage, bucket: str, tmp_path: Path
) -> None:
    s3 = client("s3")
    s3.put_object(
        Bucket=bucket,
        Key="in/bundle",
        Body=zipped({"ci/buildspec.yml": PIPELINED, "bundle.txt": "bundle\n"}),
    )
    processes = Processes("folder")
    key = Credentials(stage.access_key, stage.secret_key, "")
    around = Surroundings(endpoint=stage.endpoint, credentials=key)
    bench = Bench(tmp_path, around, processes)
    bench.project(
        source={"type": "CODEPIPELINE", "buildspec": "ci/buildspec.yml"},
        artifacts={"type": "CODEPIPELINE"},
    )

    build = bench.ended(start(bench.service, bucket))

    assert build["buildStatus"] == "SUCCEEDED", around.lines
    left = unzipped(s3.get_object(Bucket=bucket, Key="out/files")["Body"].read())
    assert left == {
        "bundle.txt": "bundle\n",
        "copy.txt": "bundle\n",
        "who.txt": "codepipeline/release abc\n",
    }
    processes.close()


def start(service: CodeBuild, bucket: str) -> str:
    return service.builds.start_for_pipeline(
        "verify",
        Handover(
            initiator="codepipeline/release",
            source=PipelineArtifact("Bundle", bucket, "in/bundle"),
            output=PipelineArtifact("Files", bucket, "out/files"),
            revision="abc",
        ),
    )
