"""What the command line knows of states by their names is what the workflows have."""

from kanmon.runs.execution import JOB_STATES, LAMBDA_STATES
from tests.support.workflow_definition import WORKFLOWS, states

TASKS = {
    name: state["Resource"]
    for workflow in WORKFLOWS
    for name, state in states("Task", workflow).items()
}


def test_every_state_that_starts_a_job_is_known_to_have_a_log() -> None:
    jobs = {name for name, resource in TASKS.items() if ":::sagemaker:create" in resource}

    assert {name for name in jobs if "Job.sync" in TASKS[name]} == JOB_STATES


def test_every_step_that_is_a_function_is_known_to_have_a_log() -> None:
    assert {name for name, resource in TASKS.items() if "-step-" in resource} == LAMBDA_STATES
