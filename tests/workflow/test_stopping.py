"""A run that a person stops, wherever it is."""

from threading import Event
from typing import Any
from unittest.mock import patch

from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import Seconds

from tests.support.playing import LOST, Services, path_of, playing, start
from tests.support.waiting import PATIENCE_SECONDS, eventually


def test_stopping_a_run_stops_the_job_under_way() -> None:
    services = Services({"Train": [{"ProcessingJobStatus": "InProgress"}]})
    with playing(services):
        running = start({"model": "abalone"})
        eventually(lambda: services.asked("Train"))

        running.stop("Operator", "enough")

        assert running.ended.wait(PATIENCE_SECONDS)
        eventually(lambda: services.stopped)
    assert services.stopped == ["kanmon-test-abalone-261121055501-x7k-train-0"]


def test_a_run_that_is_stopped_at_once_enters_no_further_state() -> None:
    stopped = Event()

    class Slow(Services):
        def invoke(self, **request: Any) -> dict[str, Any]:
            stopped.wait(PATIENCE_SECONDS)
            return super().invoke(**request)

    with playing(Slow({})):
        running = start({"model": "abalone"})
        running.stop("Operator", "enough")
        stopped.set()
        assert running.ended.wait(PATIENCE_SECONDS)

    assert running.outcome().status == "ABORTED"
    assert path_of(running) in ([], ["Open Run"])


def test_a_run_that_is_stopped_when_it_is_about_to_wait_does_not_wait() -> None:
    lost = {"Train": [LOST]}

    def stopped(wait: Seconds, env: Any) -> int:
        running.stop("Operator", "enough")
        return 3600

    with playing(Services(lost)), patch.object(Seconds, "_get_wait_seconds", stopped):
        running = start({"model": "abalone"})
        assert running.ended.wait(PATIENCE_SECONDS)

    assert running.outcome().status == "ABORTED"
    assert path_of(running)[-1] == "Wait For The Platform"
    assert running.events()[-1]["type"] == "ExecutionAborted"
