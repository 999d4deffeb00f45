"""Which of a run's steps is begun ahead, as a function or as a job."""

from typing import Any

import pytest
from ministack.services import lambda_svc

from localaws import expected, sagemaker
from localaws.patches import functions

JOBS = '{"Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync"}'


class Pool:
    """Takes down what is prepared; a function's name is its step."""

    def __init__(self) -> None:
        self.prepared: list[str] = []

    def step_of(self, config: dict[str, Any]) -> str | None:
        name: str = config["FunctionName"]
        return name if name in ("prepare", "fit", "check") else None

    def prepare(self, config: dict[str, Any], package: bytes | None) -> None:
        self.prepared.append(config["FunctionName"])


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    names = ("prepare", "fit", "check", "close")
    known = {
        name: {"config": {"FunctionName": name, "FunctionArn": f"arn:{name}."}} for name in names
    }
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
    for step in (None, "prepare", "fit", "check"):
        pool.prepared.clear()
        functions.prepare_steps_after(step)
        after.append(list(pool.prepared))

    assert after == [["prepare", "fit", "check"], ["fit", "check"], ["check"], []]


def test_a_run_that_can_call_a_function_begins_no_job_ahead(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps(f'{JOBS} "arn:prepare."')

    assert (pool.prepared, jobs) == (["prepare"], [])


def test_work_that_is_no_run_begins_none_of_its_steps(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps(f'{JOBS} "arn:check."')

    assert (pool.prepared, jobs) == ([], [])


def test_a_run_of_jobs_begins_its_first_job_ahead(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps(JOBS)

    assert (pool.prepared, jobs) == ([], ["job"])


def test_a_machine_without_jobs_begins_none(pool: Pool, jobs: list[str]) -> None:
    expected.expect_steps('{"Resource": "arn:close."}')

    assert (pool.prepared, jobs) == ([], [])
