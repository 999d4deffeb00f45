"""Every function of a run and of a release, killed before each of its writes and called again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.gate.judge_candidate import judge_candidate
from core.releases.decision import Decision
from core.releases.open_release import open_release
from core.releases.record_decision import settle_as
from core.releases.record_release import record_live
from core.releases.service import Live
from core.review.page import render
from core.runs.close_run import close_run
from core.runs.failure import occurrence
from core.runs.open_run import open_run
from core.runs.report_failure import report_failure
from core.stage import gateways
from tests.support.killing import NOW, Bench, bench, check_each_kill
from tests.support.stage_in_memory import BUCKET, CHAMPION, RUN

__all__ = ["bench"]

pytestmark = pytest.mark.faults

WAITING = "churn-261121060000-a1b"

# ---- what each function is given, and its call


def opened(bench: Bench, run: str = RUN) -> dict[str, Any]:
    return open_run(gateways.stage(), run, {"model": "churn"}, NOW, lambda run: False)


def with_results(bench: Bench) -> None:
    bench.stage.promote(3, **CHAMPION)
    opened(bench)
    bench.stage.write_results(champion={"metrics": {"auc": {"value": 0.79}}})


def judged(bench: Bench) -> dict[str, Any]:
    return judge_candidate(gateways.stage().store, render, "churn", RUN, NOW)


def candidate(bench: Bench, run: str = RUN) -> dict[str, Any]:
    arn = bench.stage.register("PendingManualApproval", run=run, verdict="hold")
    return {"run": run, "model": "churn", "package_arn": arn, "verdict": "hold"}


def registered(bench: Bench) -> None:
    """A judged candidate, and one of another run whose release waits for its review."""
    with_results(bench)
    judged(bench)
    keys = bench.stage.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"runs/churn/{RUN}/")["Contents"]
    for key in [one["Key"] for one in keys]:
        body = bench.stage.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        bench.stage.put(key.replace(RUN, WAITING), body.replace(RUN.encode(), WAITING.encode()))
    open_release(bench.opening, candidate(bench, WAITING), NOW)
    candidate(bench)


def release_opened(bench: Bench) -> Any:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/3"
    event = {"run": RUN, "model": "churn", "package_arn": arn, "verdict": "hold"}
    return open_release(bench.opening, event, NOW)


def approved(bench: Bench) -> None:
    registered(bench)
    release_opened(bench)
    release = gateways.stage().releases.release("churn", 2)
    assert release is not None
    settle_as(gateways.stage(), release, Decision("approved", "ada", "2026-11-21T07:00:00Z", "ok"))


def recorded(bench: Bench) -> Any:
    release = gateways.stage().releases.release("churn", 2)
    assert release is not None
    live = Live("churn", 2, "promotion", str(release.execution), "alias", "https://url")
    return record_live(gateways.stage(), live, NOW)


def with_one_behind(bench: Bench) -> None:
    opened(bench)
    opened(bench, WAITING)


def closed(bench: Bench) -> Any:
    event: dict[str, Any] = {"run": RUN, "model": "churn", "outcome": "new", "summary": "so"}
    event |= {"fingerprint": "f" * 64, "verdict": "hold", "package_arn": "arn", "release": 1}
    return close_run(gateways.stage(), event, NOW)


def failed(bench: Bench) -> Any:
    event = {"run": RUN, "model": "churn", "error": "TrainJobFailed", "cause": "too few rows"}
    return report_failure(gateways.stage(), occurrence(event), NOW)[0]


FUNCTIONS: dict[str, tuple[Callable[[Bench], Any], Callable[[Bench], Any], int]] = {
    # What is there before, the call, and the least number of writes it makes.
    "Open Run": (lambda bench: None, opened, 5),
    "Open Run, queued": (opened, lambda bench: opened(bench, WAITING), 2),
    "Judge Candidate": (with_results, judged, 3),
    "Open Release": (registered, release_opened, 13),
    "Record Release": (approved, recorded, 5),
    "Close Run": (with_one_behind, closed, 7),
    "Report Failure": (with_one_behind, failed, 6),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_killed_before_any_write_ends_as_if_it_had_not_been(
    bench: Bench,
    name: str,
) -> None:
    check_each_kill(bench, *FUNCTIONS[name])
