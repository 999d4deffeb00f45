"""Every function of a batch and of a monitoring, killed before each write and called again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from core.batches import open_batch as batches
from core.batches.close_batch import close_batch
from core.batches.report_failure import failed_batch, report_batch_failure
from core.monitoring import open_monitoring as monitorings
from core.monitoring.close_monitoring import close_monitoring
from core.releases.live_release import LiveRelease
from core.stage import gateways
from tests.support.batches import BATCH, RELEASE, leave_scored
from tests.support.control_cases import DEFINITION
from tests.support.killing import NOW, Bench, bench, check_each_kill
from tests.support.monitoring_documents import (
    MONITORING,
    alarming_report,
    sample_plan,
    sample_report,
)

__all__ = ["bench"]

pytestmark = pytest.mark.faults

LIVE = LiveRelease(**RELEASE)  # type: ignore[arg-type]
AGAIN = f"{BATCH}-r2"
JOB = (
    f'{{"ProcessingJobName": "kanmon-test-{BATCH}-score-0", "ProcessingJobStatus": "Failed", '
    '"ExitMessage": "column tenure is missing; add it", '
    '"ProcessingStartTime": 1795240501000, "ProcessingEndTime": 1795240511000}'
)


@pytest.fixture(autouse=True)
def _live(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release in service; who asks for it writes nothing."""
    for module in (batches, monitorings):
        monkeypatch.setattr(module, "live_release", lambda stage, model: LIVE)


# ---- batches


def with_the_releases_run(bench: Bench) -> None:
    content = DEFINITION.model_dump(mode="json")
    bench.stage.put(f"runs/churn/{RELEASE['run']}/run.json", {"definition": {"content": content}})
    bench.stage.push_image("monitor")


def opened(bench: Bench, execution: str = BATCH, **request: Any) -> Any:
    asked = {"model": "churn", **request}
    return batches.open_batch(gateways.stage(), execution, asked, NOW, lambda execution: True)


def planned(bench: Bench) -> None:
    with_the_releases_run(bench)
    opened(bench)


def scored(bench: Bench) -> None:
    planned(bench)
    leave_scored(bench.stage)


def failed(bench: Bench) -> Any:
    event = {"run": BATCH, "model": "churn", "error": "States.TaskFailed", "cause": JOB}
    return report_batch_failure(gateways.stage(), failed_batch(event), NOW)[0]


def failed_before(bench: Bench) -> None:
    planned(bench)
    failed(bench)


def stopped(bench: Bench) -> Any:
    detail = {"name": BATCH, "status": "ABORTED", "input": '{"model": "churn"}'}
    return report_batch_failure(gateways.stage(), failed_batch({"detail": detail}), NOW)[0]


def resumed(bench: Bench) -> Any:
    return opened(bench, AGAIN, batch=BATCH)


def resumed_and_scored(bench: Bench) -> None:
    failed_before(bench)
    resumed(bench)
    leave_scored(bench.stage)


def closed(bench: Bench) -> Any:
    times = {"began": 1795240501000, "ended": 1795240561000}
    return close_batch(gateways.stage(), {"batch": BATCH, "model": "churn", **times}, NOW)


# ---- monitorings


def answered(bench: Bench) -> None:
    with_the_releases_run(bench)
    bench.stage.put("capture/churn/3/dt=2026-11-20/a.jsonl", b"{}")


def watching(bench: Bench) -> Any:
    asked = {"model": "churn"}
    return monitorings.open_monitoring(gateways.stage(), MONITORING, asked, NOW, lambda name: False)


def unanswered(bench: Bench) -> None:
    with_the_releases_run(bench)
    watching(bench)


def alarming(bench: Bench) -> None:
    answered(bench)
    watching(bench)
    bench.stage.put(f"monitoring/churn/{MONITORING}/plan.json", sample_plan())
    bench.stage.put(f"monitoring/churn/{MONITORING}/report.json", alarming_report())


def page(
    plan: Mapping[str, Any], report: Mapping[str, Any], *, closed_at: str, sizing: Mapping[str, Any]
) -> str:
    return f"{report['state']} {closed_at}"


def monitoring_closed(bench: Bench, outcome: str = "to watch") -> Any:
    event = {"monitoring": MONITORING, "model": "churn", "outcome": outcome}
    return close_monitoring(gateways.stage(), page, event, NOW)


def nothing_closed(bench: Bench) -> Any:
    return monitoring_closed(bench, "no data")


def alarmed_before(bench: Bench) -> None:
    """An earlier monitoring alarmed; this one is healthy."""
    alarming(bench)
    earlier = MONITORING.replace("261121", "261120")
    bench.stage.put(f"monitoring/churn/{earlier}/plan.json", sample_plan(monitoring=earlier))
    bench.stage.put(f"monitoring/churn/{earlier}/report.json", alarming_report())
    event = {"monitoring": earlier, "model": "churn", "outcome": "to watch"}
    close_monitoring(gateways.stage(), page, event, NOW)
    bench.stage.put(f"monitoring/churn/{MONITORING}/report.json", sample_report())


def monitoring_failed(bench: Bench) -> Any:
    event = {"monitoring": MONITORING, "model": "churn", "error": "States.TaskFailed", "cause": "x"}
    closed = close_monitoring(gateways.stage(), page, event, NOW)
    return closed.output


FUNCTIONS: dict[str, tuple[Callable[[Bench], Any], Callable[[Bench], Any], int]] = {
    # What is there before, the call, and the least number of writes it makes.
    "Open Batch": (with_the_releases_run, opened, 3),
    "Open Batch, resumed": (failed_before, resumed, 2),
    "Close Batch": (scored, closed, 4),
    "Close Batch, resumed": (resumed_and_scored, closed, 4),
    "Close Batch, failed": (planned, failed, 3),
    "Close Batch, stopped": (planned, stopped, 3),
    "Open Monitoring": (answered, watching, 2),
    "Open Monitoring, no data": (with_the_releases_run, watching, 2),
    "Close Monitoring, alarm": (alarming, monitoring_closed, 6),
    "Close Monitoring, recovered": (alarmed_before, monitoring_closed, 6),
    "Close Monitoring, no data": (unanswered, nothing_closed, 4),
    "Close Monitoring, failed": (unanswered, monitoring_failed, 3),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_killed_before_any_write_ends_as_if_it_had_not_been(
    bench: Bench,
    name: str,
) -> None:
    check_each_kill(bench, *FUNCTIONS[name])
