"""What one model in production must be like: its linters, words, permissions, take-over."""

import json
import re
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from core.definition.schema import Serving
from core.releases.deployment import Wanted, made_for
from core.stage.serving_stack import Deployed
from tests.support.arns import NARROWED_AT_A_COST, fits, resource_formats
from tests.support.linting import findings
from tests.support.serving_template import GIVEN, TEMPLATE, granted, resources, source, translated
from tests.support.translation import ROOT

SOURCE = source()
FUNCTIONS = resources("AWS::Lambda::Function")
ROLES = sorted(resources("AWS::IAM::Role"))
ALARMS = resources("AWS::CloudWatch::Alarm")
# The others watch the model in service, and must not undo or block a deployment.
OF_A_CANARY = ("ErrorsAlarm", "LatencyAlarm", "ScoreShiftAlarm")
GRANTS = [
    pytest.param(role, statement, id=f"{role}-{statement['Sid']}")
    for role in ROLES
    for statement in granted(role)
]
# The only statements on every resource, because their actions can name none.
ON_EVERYTHING = {"SendTraces", "AnswerTheDeployment", "WatchTheAlarms"}
# Types that cost nothing while nobody asks for a score; an alarm costs some cents a month.
WITHOUT_STANDING_COST = {
    "AWS::CloudWatch::Alarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
}


def test_the_sam_template_passes_cfn_lint_and_its_serverless_rules() -> None:
    assert findings(TEMPLATE.read_text(), ["cfn_lint_serverless.rules"]) == []


def test_the_translated_template_passes_cfn_lint() -> None:
    # SAM writes the deployment configuration's name out and leaves the parameter unused.
    found = [line for line in findings(json.dumps(translated())) if "Parameters/Canary" not in line]

    assert found == []


def test_everything_a_person_meets_is_explained_by_a_sentence() -> None:
    words = [SOURCE["Description"]]
    words += [entry["Description"] for entry in SOURCE["Parameters"].values()]
    words += [entry["Description"] for entry in SOURCE["Outputs"].values()]
    for entry in SOURCE["Resources"].values():
        properties = entry["Properties"]
        if entry["Type"] in ("AWS::Serverless::Function", "AWS::IAM::Role"):
            words.append(properties["Description"])
        if entry["Type"] == "AWS::CloudWatch::Alarm":
            words.append(properties["AlarmDescription"])
    for sentence in (word if isinstance(word, str) else word["Fn::Sub"] for word in words):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence.split()) >= 4, sentence


def test_every_parameter_is_grouped_labelled_and_bounded() -> None:
    interface = SOURCE["Metadata"]["AWS::CloudFormation::Interface"]
    names = {name for group in interface["ParameterGroups"] for name in group["Parameters"]}

    assert names == set(interface["ParameterLabels"]) == set(SOURCE["Parameters"])
    for name, entry in SOURCE["Parameters"].items():
        assert {"AllowedValues", "AllowedPattern", "MinValue"} & set(entry), name


def test_the_outputs_are_those_the_pipeline_and_the_command_line_read() -> None:
    assert list(SOURCE["Outputs"]) == [
        "AliasArn",
        "FunctionUrl",
        "FunctionName",
        "Release",
        "DeploymentApplication",
        "DeploymentGroup",
    ]


@pytest.mark.parametrize(("role", "statement"), GRANTS)
def test_every_grant_names_existing_actions_on_resources_they_can_name(
    role: str, statement: dict[str, Any]
) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]{5,}", statement["Sid"])
    for action in statement["Action"]:
        service, name = action.split(":")
        assert get_action_data(service, name)[service][0]["action"] == action
        if statement["Resource"] == ["*"]:
            assert statement["Sid"] in ON_EVERYTHING
            assert action in NARROWED_AT_A_COST or resource_formats(action) == []
        else:
            formats = resource_formats(action)
            assert any(fits(arn, known) for arn in statement["Resource"] for known in formats)
    for arn in statement["Resource"]:
        if arn != "*":
            partition, service, region, account = arn.split(":")[1:5]
            assert (partition, "*" in region + account) == ("aws", False)


def test_the_scoring_function_may_read_nothing_and_writes_only_its_models_captures() -> None:
    by_action = {
        action: statement["Resource"]
        for statement in granted("ScoringRole")
        for action in statement["Action"]
    }

    assert by_action == {
        "s3:PutObject": ["arn:aws:s3:::kanmon-test-data/capture/shells/*"],
        "logs:CreateLogStream": ["arn:aws:logs:us-east-1:123456789012:log-group:LogGroup:*"],
        "logs:PutLogEvents": ["arn:aws:logs:us-east-1:123456789012:log-group:LogGroup:*"],
        "xray:PutTelemetryRecords": ["*"],
        "xray:PutTraceSegments": ["*"],
    }


def test_codedeploy_may_shift_this_alias_run_these_checks_and_look_at_alarms_only() -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:"
    by_sid = {statement["Sid"]: statement for statement in granted("TakeOverRole")}

    assert by_sid["ShiftTheAlias"]["Resource"] == [
        f"{function}ScoringFunction",
        f"{function}ScoringFunction:*",
    ]
    assert {arn.split(":")[6] for arn in by_sid["RunTheChecks"]["Resource"]} == {
        "CheckBeforeTrafficFunction",
        "CheckAfterTrafficFunction",
    }
    assert by_sid["WatchTheAlarms"]["Action"] == ["cloudwatch:DescribeAlarms"]
    assert set(by_sid) == {"ShiftTheAlias", "RunTheChecks", "WatchTheAlarms"}


def test_a_check_may_ask_for_scores_and_answer_the_deployment() -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:ScoringFunction"
    asked = {
        role: statement["Resource"]
        for role in ("CheckBeforeTrafficRole", "CheckAfterTrafficRole")
        for statement in granted(role)
        if statement["Action"] == ["lambda:InvokeFunction"]
    }

    assert asked == {
        "CheckBeforeTrafficRole": [f"{function}:*"],
        "CheckAfterTrafficRole": [f"{function}:live"],
    }


def test_every_role_is_bounded_unnamed_and_trusts_one_service() -> None:
    for role, properties in resources("AWS::IAM::Role").items():
        assert properties["PermissionsBoundary"] == GIVEN["PermissionsBoundaryArn"]
        assert not {"RoleName", "ManagedPolicyArns"} & set(properties)
        [trust] = properties["AssumeRolePolicyDocument"]["Statement"]
        service = "codedeploy" if role == "TakeOverRole" else "lambda"
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}


def test_each_function_has_a_role_of_its_own_and_the_stack_names_nothing() -> None:
    roles = [function["Role"] for function in FUNCTIONS.values()]

    assert len(set(roles)) == len(roles) == 3
    for entry in translated()["Resources"].values():
        names = {"FunctionName", "LogGroupName", "AlarmName", "ApplicationName"}
        if entry["Type"].split("::")[1] in ("CodeDeploy", "Logs", "CloudWatch"):
            given = [entry["Properties"].get(name) for name in names]
            assert not [name for name in given if isinstance(name, str)]


def test_the_url_answers_signed_requests_only_and_no_policy_opens_it_to_others() -> None:
    [url] = resources("AWS::Lambda::Url").values()

    assert url == {"TargetFunctionArn": "ScoringFunctionAliaslive", "AuthType": "AWS_IAM"}
    assert resources("AWS::Lambda::Permission") == {}


def test_functions_run_on_python_3_13_are_traced_and_log_to_a_group_with_a_retention() -> None:
    [(group, properties)] = resources("AWS::Logs::LogGroup").items()

    assert properties["RetentionInDays"] == 30
    for function in FUNCTIONS.values():
        assert function["Runtime"] == "python3.13"
        assert function["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": group}
        assert function["TracingConfig"] == {"Mode": "Active"}
        for handler in handlers(function["Handler"]):
            module, _, name = handler.partition(".")
            assert (ROOT / "serving/scoring" / f"{module}.py").is_file()
            assert name == "handler"


def handlers(given: Any) -> list[str]:
    """A function's handler, or those that a condition chooses from."""
    return [given] if isinstance(given, str) else given["Fn::If"][1:]


def versions(template: dict[str, Any]) -> set[str]:
    """The names of the function's versions; another name makes CloudFormation publish one."""
    kinds = {name: entry["Type"] for name, entry in template["Resources"].items()}
    return {name for name, kind in kinds.items() if kind == "AWS::Lambda::Version"}


@pytest.mark.parametrize(
    "changes",
    [
        {"PreviousRelease": "none"},
        {"Canary": "AllAtOnce"},
        {"Withdrawn": "true"},
        {"MemoryMb": "1024", "CaptureShare": "0.5"},
        {"Release": "8", "ArtifactSha256": "1" * 64},
    ],
)
def test_no_parameter_makes_a_new_version(changes: dict[str, str]) -> None:
    assert versions(translated(**changes)) == versions(translated())


def test_only_the_attempts_name_and_the_package_make_a_new_version() -> None:
    again = made_for(Deployed(TEMPLATE.read_text(), {}, {}), Wanted("second")).template
    lines = zip(TEMPLATE.read_text().splitlines(), again.splitlines(), strict=True)
    changed = [(before, after) for before, after in lines if before != after]

    assert changed == [('          ATTEMPT: "none"', '          ATTEMPT: "second"')]
    first, other = translated(), translated(attempt="second")
    assert versions(other) != versions(first) != versions(translated("packages/shells/7/1.zip"))
    # Lambda compares what the function is: the name is in it.
    scoring = other["Resources"]["ScoringFunction"]["Properties"]
    assert scoring["Environment"]["Variables"]["ATTEMPT"] == "second"


def test_a_withdrawn_model_answers_without_loading_anything_of_its_release() -> None:
    handler = translated()["Resources"]["ScoringFunction"]["Properties"]["Handler"]

    assert handler == {"Fn::If": ["IsWithdrawn", "withdrawn.handler", "answer_requests.handler"]}


def test_every_function_knows_its_release() -> None:
    for function in FUNCTIONS.values():
        variables = function["Environment"]["Variables"]
        assert (variables["MODEL"], variables["RELEASE"]) == ("shells", "7")
    assert FUNCTIONS["ScoringFunction"]["Environment"]["Variables"] == {
        "MODEL": "shells",
        "RELEASE": "7",
        "ARTIFACT_SHA256": "0" * 64,
        "DATA_BUCKET": "kanmon-test-data",
        "CAPTURE_SHARE": 0.1,
        "ATTEMPT": "none",
        "WITHDRAWN": "false",
    }


def test_what_the_scoring_function_can_cost_is_bounded() -> None:
    assert FUNCTIONS["ScoringFunction"]["ReservedConcurrentExecutions"] == 10


@pytest.mark.parametrize(
    "canary", ["AllAtOnce", "Canary10Percent5Minutes", "Linear10PercentEvery1Minute"]
)
def test_traffic_is_shifted_as_model_yaml_says_with_checks_alarms_and_rollback(
    canary: str,
) -> None:
    found = translated(Canary=canary)["Resources"]
    group = found["ScoringFunctionDeploymentGroup"]["Properties"]
    policy = found["ScoringFunctionAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]

    name = group["DeploymentConfigName"]["Fn::Sub"]
    assert name == ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": canary}]
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_ALARM",
            "DEPLOYMENT_STOP_ON_REQUEST",
        ],
    }
    assert group["AlarmConfiguration"]["Alarms"] == [
        {"Name": {"Ref": name}} for name in OF_A_CANARY
    ]
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["TakeOverRole", "Arn"]}
    assert policy["BeforeAllowTrafficHook"] == {"Ref": "CheckBeforeTrafficFunction"}
    assert policy["AfterAllowTrafficHook"] == {"Ref": "CheckAfterTrafficFunction"}


def test_what_a_deployment_leaves_out_is_as_model_yaml_has_it() -> None:
    defaults = {name: entry.get("Default") for name, entry in SOURCE["Parameters"].items()}
    model = Serving()

    assert defaults["Canary"] == model.canary == "Canary10Percent5Minutes"
    assert (defaults["MemoryMb"], defaults["TimeoutSeconds"], defaults["Concurrency"]) == (
        model.memory_mb,
        model.timeout_seconds,
        model.concurrency,
    )
    assert (defaults["CaptureShare"], defaults["MaximumLatencyMs"]) == (
        model.capture_share,
        model.maximum_latency_ms,
    )
    assert defaults["MaximumScoreShift"] == model.maximum_score_shift


def test_the_check_before_traffic_asks_the_new_version_and_the_other_the_alias() -> None:
    [version] = resources("AWS::Lambda::Version")

    before = FUNCTIONS["CheckBeforeTrafficFunction"]["Environment"]["Variables"]
    after = FUNCTIONS["CheckAfterTrafficFunction"]["Environment"]["Variables"]
    assert before["NEW_VERSION"] == version
    assert after["LIVE_ALIAS"].endswith(":function:ScoringFunction:live")


def test_every_package_is_a_new_version() -> None:
    def version(package: str) -> str:
        found = translated(package=package)["Resources"]
        [name] = [name for name, entry in found.items() if entry["Type"] == "AWS::Lambda::Version"]
        return name

    one, other = "packages/shells/7/0.zip", "packages/shells/8/1.zip"
    assert version(one) != version(other)
    assert version(one) == version(one)


def test_nothing_is_billed_by_the_hour() -> None:
    kinds = {entry["Type"] for entry in translated()["Resources"].values()}

    assert kinds == WITHOUT_STANDING_COST


def test_the_template_stays_readable_in_one_sitting() -> None:
    assert len(TEMPLATE.read_text().splitlines()) <= 600
