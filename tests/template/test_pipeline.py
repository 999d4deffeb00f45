"""The release pipeline and its build, checked against the services' own API models."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.support.aws_requests import problems
from tests.support.translation import granted, resolve, resources, translated

ORDER = [
    ("Source", ["Bundle"]),
    ("Review", ["ApproveRelease"]),
    ("Verify", ["AdmitRelease", "VerifyRelease"]),
    ("Promote", ["ConfirmRelease", "DeployRelease"]),
    ("Redeploy", ["AdmitRelease", "DeployRelease"]),
    ("Record", ["RecordRelease"]),
]
VARIABLE = re.compile(r"#\{([\w.]+)\}")
# What CodePipeline and the actions of a provider ask of the pipeline's role.
NEEDS = {
    "S3": {
        *("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging"),
        *("s3:GetObjectVersionTagging", "s3:GetBucketAcl", "s3:GetBucketLocation"),
        *("s3:GetBucketVersioning", "s3:PutObject"),
    },
    "Manual": set(),  # it notifies nobody
    "Lambda": {"lambda:InvokeFunction"},
    "CodeBuild": {"codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"},
    "CloudFormation": {
        *("cloudformation:CreateStack", "cloudformation:DeleteStack"),
        *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"),
        *("cloudformation:UpdateStack", "iam:PassRole"),
    },
}


@cache
def _properties(name: str, parameters: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    found: dict[str, Any] = resolve(
        translated()["Resources"][name]["Properties"], **dict(parameters)
    )
    return found


def pipeline(**parameters: Any) -> dict[str, Any]:
    return _properties("ReleasePipeline", tuple(parameters.items()))


def stages(**parameters: Any) -> dict[str, dict[str, Any]]:
    return {stage["Name"]: stage for stage in pipeline(**parameters)["Stages"]}


def actions(**parameters: Any) -> dict[str, dict[str, Any]]:
    """By name; those that deploy again, which are called alike, with their stage's name."""
    return {
        f"{name} {action['Name']}" if name == "Redeploy" else action["Name"]: action
        for name, stage in stages(**parameters).items()
        for action in stage["Actions"]
    }


def as_request(value: Any) -> Any:
    """CloudFormation's spelling turned into the API's; a configuration's own keys stay."""
    if isinstance(value, list):
        return [as_request(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key[0].lower() + key[1:]: part if key == "Configuration" else as_request(part)
        for key, part in value.items()
    }


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


# ---- What it is


def test_codepipeline_accepts_it() -> None:
    assert problems("codepipeline", "createPipeline", {"pipeline": as_request(pipeline())}) == []


def test_codebuild_accepts_the_verification() -> None:
    project = as_request(_properties("VerifyProject", ())) | {"name": "verify"}
    project["source"]["buildspec"] = project["source"].pop("buildSpec")

    assert problems("codebuild", "createProject", project) == []


def test_the_checks_see_what_is_wrong() -> None:
    broken = json.loads(json.dumps(as_request(pipeline())))
    broken["stages"][1]["beforeEntry"]["conditions"][0]["result"] = "PASS"

    [found] = problems("codepipeline", "createPipeline", {"pipeline": broken})

    assert "PASS is none of" in found


def test_a_release_passes_the_stages_in_the_drawn_order() -> None:
    assert [
        (name, [action["Name"] for action in stage["Actions"]]) for name, stage in stages().items()
    ] == ORDER
    first, second = stages()["Verify"]["Actions"]
    assert first["RunOrder"] < second["RunOrder"]


def test_executions_stand_side_by_side_and_each_says_what_it_is_about() -> None:
    assert (pipeline()["PipelineType"], pipeline()["ExecutionMode"]) == ("V2", "PARALLEL")
    assert [variable["Name"] for variable in pipeline()["Variables"]] == [
        *("model", "release", "purpose", "review", "summary", "review_url", "verify", "traffic"),
    ]
    # One that had a default could be forgotten: then it is verified, and has its canary.
    defaults = {one["Name"]: one["DefaultValue"] for one in pipeline()["Variables"][6:]}
    assert not [one for one in pipeline()["Variables"][:6] if "DefaultValue" in one]
    assert defaults == {"verify": "yes", "traffic": "canary"}


def test_an_execution_brings_its_own_bundle_and_nothing_else_starts_one() -> None:
    source = actions()["Bundle"]["Configuration"]

    assert source == {
        "S3Bucket": "DataBucket",
        "S3ObjectKey": "releases/none/bundle.zip",
        "AllowOverrideForS3ObjectKey": "true",
        "PollForSourceChanges": "false",
    }
    assert "Triggers" not in pipeline()


# ---- The review


def test_the_review_is_skipped_only_where_the_execution_says_that_nobody_is_asked() -> None:
    assert stages()["Review"]["BeforeEntry"] == {
        "Conditions": [
            {
                "Result": "SKIP",
                "Rules": [
                    {
                        "Name": "SomebodyIsAsked",
                        "RuleTypeId": {
                            "Category": "Rule",
                            "Owner": "AWS",
                            "Provider": "VariableCheck",
                            "Version": "1",
                        },
                        "Configuration": {
                            "Variable": "#{variables.review}",
                            "Operator": "EQ",
                            "Value": "manual",
                        },
                    }
                ],
            }
        ]
    }


def condition(name: str) -> tuple[str, dict[str, str]]:
    """What happens where a stage's only condition is not met, and what is compared."""
    [found] = stages()[name]["BeforeEntry"]["Conditions"]
    [rule] = found["Rules"]
    return found["Result"], rule["Configuration"]


def test_an_execution_verifies_and_promotes_or_deploys_again_and_never_both() -> None:
    verified = {"Variable": "#{variables.verify}", "Operator": "EQ", "Value": "yes"}

    assert condition("Verify") == condition("Promote") == ("SKIP", verified)
    # Whatever else is asked for comes to Admit Release, which refuses it.
    assert condition("Redeploy") == ("SKIP", {**verified, "Operator": "NE"})


def test_nothing_else_is_skipped_retried_or_rolled_back_by_the_pipeline_itself() -> None:
    for name, stage in stages().items():
        assert set(stage) - {"BeforeEntry"} == {"Name", "Actions"}, name
        assert ("BeforeEntry" in stage) is (name not in ("Source", "Record"))


def test_whoever_skipped_the_review_meets_admit_release_before_anything_is_built() -> None:
    names = [name for name, _ in ORDER]

    assert names.index("Review") + 1 == names.index("Verify")
    for stage in ("Verify", "Redeploy"):
        first = stages()[stage]["Actions"][0]
        assert first["Configuration"]["FunctionName"] == "AdmitReleaseFunction"
        assert json.loads(first["Configuration"]["UserParameters"]) == {
            "model": "#{variables.model}",
            "release": "#{variables.release}",
            "purpose": "#{variables.purpose}",
            "execution": "#{codepipeline.PipelineExecutionId}",
            "bundle_version": "#{Bundle.VersionId}",
            "verify": "#{variables.verify}",
            "traffic": "#{variables.traffic}",
        }


@pytest.mark.parametrize("days", [1, 7, 60])
def test_a_review_may_take_as_many_days_as_asked(days: int) -> None:
    review = actions(ApprovalDays=days)["ApproveRelease"]

    assert review["TimeoutInMinutes"] == days * 24 * 60


def test_every_number_of_days_to_choose_from_is_known_in_minutes() -> None:
    template = translated()
    allowed = template["Parameters"]["ApprovalDays"]["AllowedValues"]

    minutes = {days: known["Minutes"] for days, known in template["Mappings"]["Days"].items()}
    assert minutes == {str(days): days * 24 * 60 for days in allowed}


@pytest.mark.parametrize("days", [1, 2, 3, 5, 7, 14, 30, 60])
def test_what_a_review_waits_with_is_kept_until_long_after_it(days: int) -> None:
    bucket = _properties("PipelineBucket", (("ApprovalDays", days),))
    [rule] = bucket["LifecycleConfiguration"]["Rules"]

    assert days in translated()["Parameters"]["ApprovalDays"]["AllowedValues"]
    assert rule["ExpirationInDays"] == days + 30


def test_the_approval_shows_the_page_and_the_verdict_and_mails_nobody() -> None:
    assert actions()["ApproveRelease"]["Configuration"] == {
        "CustomData": "#{variables.model}/#{variables.release}: #{variables.summary}",
        "ExternalEntityLink": "#{variables.review_url}",
    }


# ---- What goes from action to action


def test_every_variable_is_declared_or_comes_from_an_earlier_action() -> None:
    known = {f"variables.{variable['Name']}" for variable in pipeline()["Variables"]}
    known.add("codepipeline.PipelineExecutionId")
    gives = {
        "Bundle": {"VersionId", "ETag", "BucketName", "ObjectKey"},
        "Admit": {"previous", "release_sha256"},
    }
    for action in actions().values():
        used = {name for text in strings(action) for name in VARIABLE.findall(text)}
        assert used <= known, action["Name"]
        if namespace := action.get("Namespace"):
            known |= {f"{namespace}.{name}" for name in gives[namespace]}
    assert "Admit.previous" in known


def test_every_artifact_comes_from_an_earlier_action() -> None:
    made: set[str] = set()
    for action in actions().values():
        assert {one["Name"] for one in action.get("InputArtifacts", [])} <= made
        made |= {one["Name"] for one in action.get("OutputArtifacts", [])}
    assert made == {"Bundle", "Verified", "Deployment", "Earlier"}


def test_what_is_deployed_does_not_come_from_a_stage_that_may_be_skipped_without_it() -> None:
    for name, stage in stages().items():
        given = {
            one["Name"] for action in stage["Actions"] for one in action.get("InputArtifacts", [])
        }
        allowed = {
            "Promote": {"Verified", "Deployment"},
            "Redeploy": {"Earlier"},
            "Verify": {"Bundle"},
        }
        assert given == allowed.get(name, set())


def test_settings_that_are_json_parse_with_their_variables_filled_in() -> None:
    # A summary has quotes and line breaks where words are; only ids and numbers go into JSON.
    in_json = [
        text
        for action in actions().values()
        for key, text in action["Configuration"].items()
        if key in ("UserParameters", "EnvironmentVariables")
    ]

    assert len(in_json) == 5
    for text in in_json:
        json.loads(text)
        assert not {"variables.summary", "variables.review_url"} & set(VARIABLE.findall(text))


def test_no_secret_is_in_any_environment() -> None:
    handed = json.loads(actions()["VerifyRelease"]["Configuration"]["EnvironmentVariables"])
    fixed = _properties("VerifyProject", ())["Environment"]["EnvironmentVariables"]

    assert {one["type"] for one in handed} == {"PLAINTEXT"}
    assert {one["name"]: one["value"] for one in handed} == {
        "MODEL": "#{variables.model}",
        "RELEASE": "#{variables.release}",
        "BUNDLE_VERSION": "#{Bundle.VersionId}",
        "PREVIOUS_RELEASE": "#{Admit.previous}",
    }
    assert {one["Name"]: one["Value"] for one in fixed} == {
        "DATA_BUCKET": "DataBucket",
        "STACK_NAME": "kanmon-test",
        "FUNCTION_ARCHITECTURE": "arm64",
        "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:NotificationsTopic",
        "LOG_RETENTION_DAYS": "30",
        "PERMISSIONS_BOUNDARY_ARN": "arn:aws:iam::123456789012:policy/ServingBoundary",
    }


# ---- As whom


def test_every_action_acts_as_the_pipeline_and_cloudformation_as_its_own_role() -> None:
    assert pipeline()["RoleArn"] == "arn:aws:iam::123456789012:role/ReleasePipelineRole"
    assert not [name for name, action in actions().items() if "RoleArn" in action]
    for name, artifact in (("DeployRelease", "Deployment"), ("Redeploy DeployRelease", "Earlier")):
        assert actions()[name]["Configuration"] == {
            "ActionMode": "REPLACE_ON_FAILURE",
            "StackName": "kanmon-test-serving-#{variables.model}",
            "TemplatePath": f"{artifact}::packaged.yaml",
            "TemplateConfiguration": f"{artifact}::configuration.json",
            "Capabilities": "CAPABILITY_IAM,CAPABILITY_AUTO_EXPAND",
            "RoleArn": "arn:aws:iam::123456789012:role/ServingDeployRole",
        }


def test_the_pipeline_may_do_what_its_actions_need_and_nothing_else() -> None:
    used = {action["ActionTypeId"]["Provider"] for action in actions().values()}
    allowed = {action for one in granted("ReleasePipelineRole") for action in one["Action"]}

    assert allowed == set().union(*(NEEDS[provider] for provider in used))


def test_the_pipeline_calls_the_functions_its_actions_name_and_builds_the_one_project() -> None:
    by_sid = {one["Sid"]: one["Resource"] for one in granted("ReleasePipelineRole")}
    named = [
        action["Configuration"]["FunctionName"]
        for action in actions().values()
        if action["ActionTypeId"]["Provider"] == "Lambda"
    ]

    prefix = "arn:aws:lambda:us-east-1:123456789012:function:"
    once = dict.fromkeys(named)  # one function admits and confirms
    assert by_sid["CallTheReleaseFunctions"] == [prefix + name for name in once]
    assert by_sid["VerifyTheRelease"] == [
        "arn:aws:codebuild:us-east-1:123456789012:project/VerifyProject"
    ]
    assert by_sid["FetchTheReleasesBundle"] == ["arn:aws:s3:::DataBucket/releases/*/bundle.zip"]


def test_a_build_is_small_bounded_and_without_docker() -> None:
    project = _properties("VerifyProject", ())
    environment = project["Environment"]

    assert (environment["ComputeType"], environment["PrivilegedMode"]) == (
        "BUILD_GENERAL1_SMALL",
        False,
    )
    assert project["TimeoutInMinutes"] <= 20
    assert project["LogsConfig"]["CloudWatchLogs"]["GroupName"] == "VerifyLogGroup"
    assert "VpcConfig" not in project
    assert list(resources("AWS::CodeBuild::Project")) == ["VerifyProject"]
