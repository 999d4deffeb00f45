"""Everything a person meets in the console says in a sentence what it is for."""

from collections.abc import Iterator

import pytest

from tests.support.translation import ROOT, TEMPLATE, applications, nested, source

TEMPLATE_SOURCE = source()
APPLICATIONS = sorted(applications())
SECTIONS = [
    *(
        "Data",
        "Images",
        "Functions",
        "Data that queries and jobs make",
        "Workflow",
        "Batch scoring",
    ),
    *("Monitoring", "Planning"),
    *(
        "Report",
        "Chat",
        "Experiments",
        "Releases",
        "Release pipeline",
        "Serving",
        "People",
        "Steps as functions",
        "Dashboards",
        "Alarms",
    ),
]


DESCRIBED = {
    "AWS::Athena::WorkGroup",
    "AWS::CodeBuild::Project",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Serverless::Function",
    "AWS::Serverless::LayerVersion",
}


def described() -> Iterator[tuple[str, str | None]]:
    # With loops written out, as the console shows what they made.
    for where, template in {"core": source(), **{one: nested(one) for one in APPLICATIONS}}.items():
        yield where, template["Description"]
        for part in ("Parameters", "Outputs"):
            for name, entry in template.get(part, {}).items():
                yield f"{where}/{part}/{name}", entry.get("Description")
        for name, entry in template["Resources"].items():
            if entry["Type"] in DESCRIBED:
                yield name, text_of(entry["Properties"].get("Description"))
            if entry["Type"] == "AWS::CloudWatch::Alarm":
                yield name, entry["Properties"].get("AlarmDescription")


def text_of(words: str | dict[str, str] | None) -> str | None:
    return words["Fn::Sub"] if isinstance(words, dict) else words


@pytest.mark.parametrize(("name", "words"), list(described()))
def test_it_is_described_by_a_sentence(name: str, words: str | None) -> None:
    assert words
    assert words[0].isupper()
    assert words.endswith(".")
    assert len(words.split()) >= 5


def test_every_parameter_is_grouped_labelled_and_has_a_default() -> None:
    interface = TEMPLATE_SOURCE["Metadata"]["AWS::CloudFormation::Interface"]
    parameters = list(TEMPLATE_SOURCE["Parameters"])

    assert [name for group in interface["ParameterGroups"] for name in group["Parameters"]] == (
        parameters
    )
    assert list(interface["ParameterLabels"]) == parameters
    assert all("Default" in entry for entry in TEMPLATE_SOURCE["Parameters"].values())


def test_every_parameter_is_bounded() -> None:
    for name, entry in TEMPLATE_SOURCE["Parameters"].items():
        assert {"AllowedValues", "AllowedPattern", "MinValue"} & set(entry), name


def test_resources_stand_under_their_headings_in_order() -> None:
    headings = [
        line.removeprefix("  # ---- ")
        for line in TEMPLATE.read_text().splitlines()
        if line.startswith("  # ---- ")
    ]

    assert headings == SECTIONS


def test_each_function_has_the_name_of_its_module() -> None:
    for name, entry in TEMPLATE_SOURCE["Resources"].items():
        if entry["Type"] == "AWS::Serverless::Function":
            module, _, function = entry["Properties"]["Handler"].partition(".")
            words = module.replace("_", " ").title().replace(" ", "")
            assert (name, function) == (f"{words}Function", "handler")
            folder = entry["Properties"].get("CodeUri", "functions/control/")
            assert (ROOT / folder / f"{module}.py").is_file()


def test_outputs_are_the_ones_the_command_line_reads() -> None:
    assert list(TEMPLATE_SOURCE["Outputs"]) == [
        "NextStep",
        "DataBucketName",
        "ModelTableName",
        "RetrainStateMachineArn",
        "ScoreStateMachineArn",
        "MonitorStateMachineArn",
        "PlanFunctionName",
        "StepsRepositoryUri",
        "NotificationsTopicArn",
        "EventBusName",
        "ChatTopicArn",
        "PackageGroupPrefix",
        "PipelineBucketName",
        "ServingStackPrefix",
        "ReleasePipelineName",
        "VerifyProjectName",
        "DataScientistRoleArn",
        "ExploreJobRoleArn",  # notebooks/exploration.py reads it
        "ApproverRoleArn",
        "OperatorRoleArn",
        "StewardRoleArn",
        "OperationsDashboardName",
        "DashboardUrl",
    ]
