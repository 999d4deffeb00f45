"""The workflow's role may do what its states need, and nothing else."""

import re

from tests.support.translation import granted
from tests.support.workflow_definition import SERVICE, states

# What Step Functions itself does with the role, besides the states' own calls.
FOR_TRACING = {
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
FOR_LOGGING = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
# To wait for a job it marks it, follows it through a rule of its own, and stops it when stopped.
TO_WAIT_FOR_A_JOB = {
    "events:DescribeRule",
    "events:PutRule",
    "events:PutTargets",
    "iam:PassRole",
    "sagemaker:AddTags",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:ListTags",
    "sagemaker:StopProcessingJob",
}
# CreateModelPackage may read with its caller's rights what it registers. AWS does not say.
TO_REGISTER = {
    "ecr:BatchGetImage",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "s3:GetObject",
}
GRANTED = granted("RetrainStateMachineRole")


def needed() -> set[str]:
    actions = FOR_TRACING | FOR_LOGGING
    for state in states("Task").values():
        call = SERVICE.match(state["Resource"])
        if call is None:
            actions |= {"lambda:InvokeFunction"}
            continue
        actions |= {f"{call['service']}:{call['action'][0].upper()}{call['action'][1:]}"}
        if call["pattern"] == "sync":
            actions |= TO_WAIT_FOR_A_JOB
        if call["action"] == "createModelPackage":
            actions |= TO_REGISTER
    return actions


def test_granted_and_needed_actions_are_the_same() -> None:
    assert {action for statement in GRANTED for action in statement["Action"]} == needed()


def test_it_may_call_exactly_the_functions_its_states_call() -> None:
    called = {
        state["Resource"] for state in states("Task").values() if ":function:" in state["Resource"]
    }
    allowed = [s["Resource"] for s in GRANTED if s["Action"] == ["lambda:InvokeFunction"]]

    assert {arn for each in allowed for arn in each} == called


def test_the_jobs_it_may_start_are_named_after_the_stack() -> None:
    [jobs] = [s["Resource"] for s in GRANTED if "sagemaker:CreateProcessingJob" in s["Action"]]

    assert jobs == ["arn:aws:sagemaker:us-east-1:123456789012:processing-job/kanmon-test-*"]


def test_steps_run_as_the_role_it_may_pass() -> None:
    [passed] = [s["Resource"] for s in GRANTED if "iam:PassRole" in s["Action"]]
    roles = {
        state["Arguments"]["RoleArn"]
        for state in states("Task").values()
        if "createProcessingJob" in state["Resource"]
    }

    assert roles == set(passed)


def test_registering_stays_within_the_stacks_package_groups() -> None:
    [packages] = [s["Resource"] for s in GRANTED if "sagemaker:CreateModelPackage" in s["Action"]]

    assert all(re.search(r":model-package(-group)?/kanmon-test-\*$", arn) for arn in packages)


def test_it_reads_what_it_registers_and_no_other_object() -> None:
    read = {
        action: statement["Resource"]
        for statement in GRANTED
        for action in statement["Action"]
        if action.startswith(("s3:", "ecr:"))
    }

    assert read.pop("s3:GetObject") == ["arn:aws:s3:::DataBucket/runs/*/train/model.tar.gz"]
    repository = "arn:aws:ecr:us-east-1:123456789012:repository/StepsRepository"
    assert set(map(tuple, read.values())) == {(repository,)}
