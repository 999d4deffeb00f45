"""Which of a run's steps is begun ahead, as a function or as a job."""

import time
from typing import Any

import pytest
from ministack.services import lambda_svc, stepfunctions

from localaws import expected, sagemaker
from localaws.patches import functions
from support.waiting import eventually

JOBS = '{"Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync"}'


class Pool:
    """Takes down what is prepared; a function's name is its step."""

    def __init__(self) -> None:
        self.prepared: list[str] = []

    def step_of(self, config: dict[str, Any]) -> str | None:
        name: str = config["FunctionName"]
        return name if name in ("prepare", "fit", "check") else None

    def prepare(self, config: dict[str, Any], package: bytes | None) -> bool:
        self.prepared.append(config["FunctionName"])
        return True


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    names = ("prepare", "fit", "check", "close")
    known = {
        name: {"config": {"FunctionName": name, "FunctionArn": f"arn:{name}."}} for name in names
    }
    known["close"]["config"]["Runtime"] = "python3.13"
    known["close"]["code_zip"] = {"": ""}
    monkeypatch.setattr(expected, "APART_SECONDS", 0.0)
    made = Pool()
    monkeypatch.setattr(lambda_svc, "_functions", known)
    monkeypatch.setattr(functions, "_pool", made)
    monkeypatch.setattr(functions, "_steps", ("prepare", "fit", "check"))
    return made


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    begun: list[str] = []
    monkeypatch.setattr(sagemaker, "expect_jobs", lambda: begun.append("job"))
    return begun


def test_a_step_is_followed_by_all_after_it_and_the_last_by_none(pool: Pool) -> None:
    after = []
    for step in ("prepare", "fit", "check"):
        pool.prepared.clear()
        functions.prepare_steps_after(step)
        after.append(list(pool.prepared))

    assert after == [["fit", "check"], ["check"], []]


def test_a_run_that_can_call_a_function_begins_no_job_ahead(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps(f'{JOBS} "arn:prepare."')

    assert (pool.prepared, jobs) == (["prepare"], [])


def test_a_run_begins_all_its_steps_in_their_order(pool: Pool) -> None:
    expected.expect_steps('"arn:check." "arn:fit." "arn:prepare."')

    assert pool.prepared == ["prepare", "fit", "check"]


def test_a_deployment_begins_the_functions_and_steps_of_the_machine_that_runs_them(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = ('"arn:prepare." "arn:close."', '"arn:check."', JOBS)
    machines = {text: {"definition": text} for text in definitions}
    monkeypatch.setattr(stepfunctions, "_state_machines", machines)

    expected.deployed()

    assert pool.prepared == ["close", "prepare"]


def test_the_steps_of_the_next_run_are_begun_when_who_waited_for_this_one_has_been_told(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "PAUSE_SECONDS", 0.3)
    begun = time.monotonic()
    expected.execution_changed("SUCCEEDED", '"arn:prepare." "arn:close."')

    eventually(lambda: pool.prepared == ["prepare"])
    assert time.monotonic() - begun >= 0.3


def test_work_that_is_no_run_begins_none_of_its_steps(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps(f'{JOBS} "arn:check."')

    assert (pool.prepared, jobs) == ([], [])


def test_a_run_of_jobs_begins_its_first_job_ahead(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps(JOBS)

    assert (pool.prepared, jobs) == ([], ["job"])


def test_a_machine_without_jobs_begins_none(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps('{"Resource": "arn:close."}')

    assert (pool.prepared, jobs) == ([], [])
