"""The linters' word on the template, as SAM and as the CloudFormation that SAM makes of it."""

import json
from pathlib import Path

import pytest

from tests.support.linting import SKIPPED, findings
from tests.support.translation import STACKS, TEMPLATE, source, translated
from tests.support.workflow_definition import deployed, with_plain_timeouts


def test_the_sam_template_passes_cfn_lint_and_its_serverless_rules() -> None:
    assert findings(TEMPLATE.read_text(), ["cfn_lint_serverless.rules"]) == []


def test_the_translated_template_passes_cfn_lint_with_the_workflow_inlined() -> None:
    template = translated()
    properties = template["Resources"]["RetrainStateMachine"]["Properties"]
    del properties["DefinitionS3Location"]
    del properties["DefinitionSubstitutions"]
    properties["Definition"] = with_plain_timeouts(deployed())

    assert findings(json.dumps(template)) == []


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_nested_templates_pass_cfn_lint(stack: Path) -> None:
    assert findings(stack.read_text()) == []


def test_cfn_lint_would_see_an_action_that_does_not_exist() -> None:
    template = translated()
    topic = template["Resources"]["NotificationsTopicPolicy"]
    topic["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "sns:Publisch"
    alone = {"Resources": {"Policy": topic, "NotificationsTopic": {"Type": "AWS::SNS::Topic"}}}

    assert any(line.startswith("W3037") for line in findings(json.dumps(alone)))


def test_every_skipped_check_says_why() -> None:
    assert all(reason.strip() for reason in SKIPPED.values())


@pytest.mark.parametrize("template", [TEMPLATE, *STACKS], ids=lambda path: path.stem)
def test_each_section_of_a_template_is_readable_in_one_sitting(template: Path) -> None:
    sections = template.read_text().split("  # ---- ")

    assert max(len(section.splitlines()) for section in sections) <= 400


def test_the_templates_parts_stand_in_the_usual_order() -> None:
    assert list(source()) == [
        "AWSTemplateFormatVersion",
        "Transform",
        "Description",
        "Metadata",
        "Parameters",
        "Mappings",
        "Conditions",
        "Globals",
        "Resources",
        "Outputs",
    ]
