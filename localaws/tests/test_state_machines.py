"""The stage's state machines behave as the Amazon States Language says, under their own role."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.waiting import eventually

Client = Callable[[str], Any]
Machine = Callable[..., "Run"]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ],
}


class Run:
    """One execution and what became of it."""

    def __init__(self, states: Any, arn: str) -> None:
        self.states, self.arn = states, arn

    def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = self.states.describe_execution(executionArn=self.arn)
        return description

    def ended(self) -> dict[str, Any]:
        eventually(lambda: self.describe()["status"] != "RUNNING", pause_seconds=0.02)
        return self.describe()

    def output(self) -> Any:
        ended = self.ended()
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def events(self) -> list[str]:
        history = self.states.get_execution_history(executionArn=self.arn, maxResults=1000)
        return [event["type"] for event in history["events"]]


@pytest.fixture(scope="module")
def role(client: Client) -> Iterator[str]:
    """A role that may list buckets and nothing else."""
    iam = client("iam")
    arn: str = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))[
        "Role"
    ]["Arn"]
    allow = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    iam.put_role_policy(
        RoleName="machine",
        PolicyName="list",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    yield arn


@pytest.fixture
def run(client: Client, role: str, request: pytest.FixtureRequest) -> Machine:
    """Create a JSONata machine of the given states and start it."""
    states = client("stepfunctions")

    def start(definition: dict[str, Any], **execution: Any) -> Run:
        definition = {"QueryLanguage": "JSONata", **definition}
        machine = states.create_state_machine(
            name=request.node.name[:60] + str(time.monotonic_ns()),
            definition=json.dumps(definition),
            roleArn=role,
        )
        started = states.start_execution(
            stateMachineArn=machine["stateMachineArn"], **{"input": "{}", **execution}
        )
        return Run(states, started["executionArn"])

    return start


def only(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": state}}


def failing(**fields: Any) -> dict[str, Any]:
    """A task that the role is not allowed to do."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sns:listTopics",
        "Arguments": {},
        **fields,
    }


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('$states.input.text & "!"', 'he said "hi"!'),  # quotes survive declaration
        ("$states.input.n + 1", 4),  # an integer stays one
        ("$append([1], $states.input.n > 2 ? [2] : [])", [1, 2]),
        ("$states.input.rows[$.x = 2].y", "b"),  # a bare $ inside a predicate
        ("$states.input.rows.x", [1, 2]),
        ("$exists($states.input.missing)", False),
        (
            "$hash('a', 'SHA-256')",
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        ("$parse('[1]')", [1]),
        ("$substring('0123', $sum([0, 6 * $states.context.Execution.RedriveCount]), 1)", "0"),
        ("$contains($states.input.text, /sa(id|y)/)", True),
    ],
)
def test_jsonata_gives_what_aws_documents(run: Machine, expression: str, value: Any) -> None:
    given = {"text": 'he said "hi"', "n": 3, "rows": [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]}

    result = run(
        only({"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True}),
        input=json.dumps(given),
    )

    assert result.output() == value


def test_a_literal_with_escapes_stays_what_it_says(run: Machine) -> None:
    literal = 'tab\t quote" é \\'

    result = run(only({"Type": "Pass", "Output": {"x": literal}, "End": True}))

    assert result.output() == {"x": literal}


def test_what_a_state_assigns_is_seen_by_later_states(run: Machine) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"seen": {"deep": [1, 2]}}, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% $seen.deep[1] = 2 %}", "Next": "C"}]},
        "C": {"Type": "Succeed", "Output": "{% $seen %}"},
    }

    assert run({"StartAt": "A", "States": states}).output() == {"deep": [1, 2]}


def test_services_are_called_as_the_machines_role(run: Machine) -> None:
    allowed = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
        "Arguments": {},
        "Output": "{% $exists($states.result.Buckets) %}",
        "End": True,
    }

    assert run(only(allowed)).output() is True
    refused = run(only(failing(End=True))).ended()
    assert refused["status"] == "FAILED"
    assert "not authorized to perform: SNS:ListTopics" in refused["cause"] or (
        "sns:ListTopics" in refused["cause"]
    )


def test_a_caught_failure_carries_error_and_cause_on(run: Machine) -> None:
    catch = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"failure": "{% $states.errorOutput %}"},
        "Next": "Fail",
    }
    states = {
        "S": failing(Catch=[catch], End=True),
        "Fail": {"Type": "Fail", "Error": "{% $failure.Error %}", "Cause": "so: {% 1 %}"},
    }

    ended = run({"StartAt": "S", "States": states}).ended()

    assert ended["error"].startswith("SNS.") or ended["error"].startswith("Sns.")


def test_retries_are_counted_in_the_context(run: Machine) -> None:
    retry = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}
    catch = {
        "ErrorEquals": ["States.ALL"],
        "Output": "{% $states.context.State.RetryCount %}",
        "Next": "Done",
    }
    states = {"S": failing(Retry=[retry], Catch=[catch], End=True), "Done": {"Type": "Succeed"}}

    result = run({"StartAt": "S", "States": states})

    assert result.output() == 1
    assert result.events().count("TaskFailed") == 2


def test_a_machine_that_runs_too_long_times_out(run: Machine) -> None:
    definition = only({"Type": "Wait", "Seconds": 30, "End": True}) | {"TimeoutSeconds": 1}

    assert run(definition).ended()["status"] == "TIMED_OUT"


def test_a_stopped_execution_ends_at_once_and_stays_aborted(run: Machine) -> None:
    result = run(only({"Type": "Wait", "Seconds": 600, "End": True}))

    result.states.stop_execution(executionArn=result.arn, error="Stopped", cause="by hand")

    ended = result.ended()
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Stopped", "by hand")
    eventually(lambda: result.events()[-1] == "ExecutionAborted")


def test_history_grows_while_the_machine_runs(run: Machine) -> None:
    states = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Wait", "Seconds": 600, "End": True},
    }

    result = run({"StartAt": "A", "States": states})

    eventually(lambda: "WaitStateEntered" in result.events())
    assert result.describe()["status"] == "RUNNING"
    assert result.events()[:3] == ["ExecutionStarted", "PassStateEntered", "PassStateExited"]
    result.states.stop_execution(executionArn=result.arn)


def test_the_same_start_twice_is_one_execution(run: Machine) -> None:
    wait = only({"Type": "Wait", "Seconds": 600, "End": True})
    first = run(wait, name="once", input='{"a": 1}')
    machine = first.describe()["stateMachineArn"]

    again = first.states.start_execution(stateMachineArn=machine, name="once", input='{ "a":1 }')

    assert again["executionArn"] == first.arn
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        first.states.start_execution(stateMachineArn=machine, name="once", input='{"a": 2}')
    first.states.stop_execution(executionArn=first.arn)
    first.ended()
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        first.states.start_execution(stateMachineArn=machine, name="once", input='{"a": 1}')


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Nope", "End": True},
        {"Type": "Pass", "Output": "{% $states.input. %}", "End": True},  # not JSONata
    ],
)
def test_a_definition_that_cannot_run_is_refused_and_poisons_nothing(
    run: Machine, state: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="InvalidDefinition"):
        run(only(state))

    assert run(only({"Type": "Succeed", "Output": 1})).output() == 1


def test_branches_and_items_run_side_by_side(run: Machine) -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    states = {
        "P": {"Type": "Parallel", "Branches": [inner, inner], "Next": "M"},
        "M": {
            "Type": "Map",
            "Items": [1, 2, 3],
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **inner},
            "End": True,
        },
    }

    assert run({"StartAt": "P", "States": states}).output() == [1, 2, 3]


def test_an_expression_that_cannot_be_evaluated_fails_as_aws_names_it(run: Machine) -> None:
    bad = {"Type": "Pass", "Output": "{% $number('x') %}", "End": True}

    ended = run(only(bad)).ended()

    assert (ended["status"], ended["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_a_function_that_cannot_be_called_fails_with_an_error_of_lambda(run: Machine) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:not-there"
    catch = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Done"}
    states = {
        "S": {"Type": "Task", "Resource": arn, "Catch": [catch], "End": True},
        "Done": {"Type": "Succeed"},
    }

    assert run({"StartAt": "S", "States": states}).output()["Error"].startswith("Lambda.")
