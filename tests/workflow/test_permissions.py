"""The workflow's role may do what its states need, and nothing else."""

import re

from tests.support.translation import LAKE, granted, resources, statements
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
# What a stage that gathers grants besides. Athena reads and writes with the rights of who asks.
BESIDES = {
    name: statements(policy["Properties"]["PolicyDocument"])
    for name, policy in resources("AWS::IAM::Policy").items()
}
TO_GATHER = BESIDES["GatherPolicy"]
GRANTED = [each for each in granted("RetrainStateMachineRole") if each not in TO_GATHER]


def to_wait_for(kind: str) -> set[str]:
    """What waiting for a job of this kind needs."""
    return {action.replace("ProcessingJob", kind) for action in TO_WAIT_FOR_A_JOB}


def needed() -> set[str]:
    actions = FOR_TRACING | FOR_LOGGING
    for state in states("Task").values():
        call = SERVICE.match(state["Resource"])
        if call is None:
            actions |= {"lambda:InvokeFunction"}
            continue
        if call["service"] == "athena":
            continue
        actions |= {f"{call['service']}:{call['action'][0].upper()}{call['action'][1:]}"}
        if call["pattern"] == "sync":
            actions |= to_wait_for(call["action"].removeprefix("create"))
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
    for kind in ("processing", "training"):
        create = f"sagemaker:Create{kind.title()}Job"
        [jobs] = [s["Resource"] for s in GRANTED if create in s["Action"]]

        assert jobs == [f"arn:aws:sagemaker:us-east-1:123456789012:{kind}-job/kanmon-test-*"]


def test_steps_run_as_the_role_it_may_pass() -> None:
    passed = [arn for s in GRANTED if "iam:PassRole" in s["Action"] for arn in s["Resource"]]
    roles = {
        state["Arguments"]["RoleArn"]
        for state in states("Task").values()
        if ":sagemaker:create" in state["Resource"] and ".sync" in state["Resource"]
    }

    # Of the jobs that gather, each model's own.
    own = {arn.replace("{% '", "").replace("' & $run.model %}", "*") for arn in roles}
    assert own == set(passed)


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


def gathering(*actions: str) -> list[list[str]]:
    """The resources of each statement that grants one of these to a stage that gathers."""
    return [each["Resource"] for each in TO_GATHER if {*actions} & {*each["Action"]}]


def test_queries_run_in_the_stages_own_workgroups() -> None:
    [workgroups] = gathering("athena:StartQueryExecution")

    assert workgroups == ["arn:aws:athena:us-east-1:123456789012:workgroup/kanmon-test-gather-*"]


def test_queries_read_what_the_stage_names_and_no_other_table_or_object() -> None:
    catalog = [
        f"arn:aws:glue:us-east-1:123456789012:{name}" for name in ("catalog", "database/default")
    ]
    lists = ["arn:aws:s3:::PipelineBucket/athena/*"]

    assert gathering("glue:GetTable", "kms:Decrypt") == [catalog, LAKE]
    assert gathering("s3:GetObject") == [LAKE, lists]


def test_queries_write_rows_to_gathered_and_lists_of_files_to_athena() -> None:
    assert gathering("s3:PutObject") == [
        ["arn:aws:s3:::DataBucket/gathered/*"],
        ["arn:aws:s3:::PipelineBucket/athena/*"],
    ]
    assert not gathering("s3:DeleteObject")


def test_a_stage_that_names_nothing_lets_no_query_run() -> None:
    policy = resources("AWS::CloudFormation::Stack")["Gather"]

    assert policy["Condition"] == "Gathers"
