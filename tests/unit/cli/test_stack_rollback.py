"""A stack whose rollback had failed takes no deployment; a retry continues the rollback first."""

from types import SimpleNamespace
from typing import Any

import pytest

from kanmon.errors import RunFailedError
from kanmon.releases.stack_rollback import continue_if_failed


class CloudFormation:
    """Shows one status after the other, the last for good."""

    def __init__(self, *statuses: str) -> None:
        self.statuses, self.continued = list(statuses), []

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Stacks": [{"StackStatus": status}]}

    def continue_update_rollback(self, StackName: str) -> None:  # noqa: N803
        self.continued.append(StackName)


def stage(cloudformation: CloudFormation) -> Any:
    outputs = {"ServingStackPrefix": "kanmon-dev-serving-"}
    return SimpleNamespace(
        name="dev",
        stack="kanmon-dev",
        poll_seconds=0,
        outputs=outputs,
        cloudformation=cloudformation,
    )


def test_a_stack_at_rest_is_left_alone():
    cloudformation = CloudFormation("UPDATE_COMPLETE")

    assert not continue_if_failed(stage(cloudformation), "wine")
    assert cloudformation.continued == []


def test_a_rollback_that_failed_is_continued_and_waited_for():
    going_on = "UPDATE_ROLLBACK_IN_PROGRESS"
    cloudformation = CloudFormation(
        "UPDATE_ROLLBACK_FAILED", going_on, going_on, "UPDATE_ROLLBACK_COMPLETE"
    )

    assert continue_if_failed(stage(cloudformation), "wine")
    assert cloudformation.continued == ["kanmon-dev-serving-wine"]


def test_one_that_fails_again_says_so():
    cloudformation = CloudFormation("UPDATE_ROLLBACK_FAILED")

    with pytest.raises(RunFailedError, match="it is UPDATE_ROLLBACK_FAILED"):
        continue_if_failed(stage(cloudformation), "wine")
