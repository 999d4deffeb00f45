"""Record Experiment: one run of MLflow for each of Kanmon's, whatever the server does meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from core.experiments import tracking_server
from core.experiments.record import record
from core.experiments.target import TargetError
from core.experiments.tracking_server import (
    RefusedError,
    SecretError,
    UnreachableError,
    open_server,
)
from core.stage.experiment_table import BeingWrittenError
from core.stage.gateways import stage as gateways
from core.stage.table_key import key_of
from core.words.formats import parsed
from tests.support.recorded_runs import (
    REGISTERED,
    about,
    event_of,
    monitored,
    put_monitoring,
    put_run,
)
from tests.support.stage_in_memory import RUN, TABLE, Context, Stage
from tests.support.tracking_double import TrackingDouble, tracking_double

Call = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def double(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackingDouble]:
    """The stage's tracking server."""
    queue = stage.sqs.create_queue(QueueName="waiting", Attributes={"VisibilityTimeout": "0"})
    monkeypatch.setenv("EXPERIMENTS_QUEUE_URL", queue["QueueUrl"])
    monkeypatch.setenv("MLFLOW_SECRET_ARN", "")
    put_run(stage)
    with tracking_double() as double:
        monkeypatch.setenv("MLFLOW_TRACKING", double.address)
        gateways.cache_clear()
        yield double
    gateways.cache_clear()


def call(event: dict[str, Any], milliseconds: int = 180_000) -> dict[str, Any]:
    import record_experiment  # late: it reads the settings of the conftest

    context = Context()
    context.get_remaining_time_in_millis = lambda: milliseconds  # type: ignore[method-assign]
    return dict(record_experiment.handler(event, context))


def leave(event: dict[str, Any]) -> None:
    """What Lambda does with an event that failed for good."""
    queue = boto3.client("sqs").get_queue_url(QueueName="waiting")["QueueUrl"]
    body = json.dumps({"version": "1.0", "requestPayload": event})
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=body)


def waiting() -> int:
    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName="waiting")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(number) for number in found.values())


def only(double: TrackingDouble) -> dict[str, Any]:
    [run] = double.runs.values()
    return run


def test_a_run_that_ended_is_one_run_of_its_models_experiment(double: TrackingDouble) -> None:
    assert call(event_of(REGISTERED)) == {"run": RUN}

    run = only(double)
    assert double.experiments == {"kanmon-test/churn": "1"}
    assert (run["info"]["run_name"], run["info"]["status"]) == (RUN, "FINISHED")
    assert run["params"]["trainer.parameters.learning_rate"] == "0.05"
    measured = {name: value for name, value, _, _ in run["metrics"]}
    assert (measured["auc"], measured["auc.low"], measured["auc.high"]) == (0.84, 0.82, 0.86)
    assert run["tags"]["kanmon.verdict"] == "promote"
    assert run["tags"]["kanmon.data"] == "0b7d" * 8


def test_a_repeat_writes_nothing_twice(double: TrackingDouble) -> None:
    call(event_of(REGISTERED))
    first = json.dumps(only(double), default=sorted)

    call(event_of(REGISTERED))

    assert json.dumps(only(double), default=sorted) == first


def test_a_promotion_and_a_monitoring_are_written_to_the_same_run(
    double: TrackingDouble, stage: Stage
) -> None:
    put_monitoring(stage)
    call(event_of(REGISTERED))
    call(about("release promoted", "2026-11-22T08:00:00Z", "arn:aws:iam::1:user/bob"))
    assert call(monitored()) == {"run": RUN}

    run = only(double)
    promoted = run["tags"]["kanmon.release.promoted"]
    assert promoted.startswith("2026-11-22T08:00:00Z by bob")
    assert run["tags"]["kanmon.monitoring.state"] == "healthy"
    found = {name: (value, step) for name, value, _, step in run["metrics"]}
    assert found["monitoring.auc"] == (0.81, 10)


def test_a_run_that_was_stopped_ends_as_killed(double: TrackingDouble, stage: Stage) -> None:
    put_run(stage, status="FAILED", error="Stopped")

    call(about("run stopped", "2026-11-21T06:00:00Z"))

    assert only(double)["info"]["status"] == "KILLED"


def test_a_run_that_failed_before_it_was_judged_is_recorded_with_what_is_known(
    double: TrackingDouble, stage: Stage
) -> None:
    stage.dynamodb.delete_item(TableName=TABLE, Key=key_of("churn", f"run#{RUN}"))
    stage.write_item(
        f"run#{RUN}",
        status="FAILED",
        opened_at="2026-11-21T05:55:01Z",
        closed_at="2026-11-21T05:56:00Z",
        summary="train: no rows",
        error="TrainError",
    )

    call(about("run failed", "2026-11-21T05:56:00Z"))

    run = only(double)
    assert run["info"]["status"] == "FAILED"
    assert (run["tags"]["kanmon.error"], run["params"]) == ("TrainError", {})
    assert run["metrics"] == set()


def test_an_event_of_a_run_that_is_not_there_writes_nothing(
    double: TrackingDouble, stage: Stage
) -> None:
    stage.dynamodb.delete_item(TableName=TABLE, Key=key_of("churn", f"run#{RUN}"))

    assert call(event_of(REGISTERED)) == call(monitored()) == {"run": None}
    assert double.asked == []


@pytest.mark.parametrize("path", ["experiments/create", "runs/create", "runs/log-batch"])
def test_a_server_that_answers_500_after_it_wrote_has_the_run_once(
    double: TrackingDouble, path: str
) -> None:
    double.fails[path] = ["written, then 500"]
    with pytest.raises(UnreachableError, match="500"):
        call(event_of(REGISTERED))

    assert call(event_of(REGISTERED)) == {"run": RUN}

    assert list(double.experiments) == ["kanmon-test/churn"]
    assert only(double)["info"]["status"] == "FINISHED"


def test_two_events_at_once_make_one_run(double: TrackingDouble) -> None:
    def attempt(event: dict[str, Any]) -> object:
        try:
            return call(event)["run"]
        except BeingWrittenError as error:
            return type(error)

    registered, waits = event_of(REGISTERED), about("release waits", "2026-11-21T06:08:01Z")
    with ThreadPoolExecutor(2) as callers:
        ended = list(callers.map(attempt, [registered, waits]))

    assert set(ended) <= {RUN, BeingWrittenError}
    assert RUN in ended
    # What came too early is tried again by Lambda.
    assert call(waits) == {"run": RUN}
    assert "kanmon.release.waits" in only(double)["tags"]


def test_after_a_function_that_died_the_next_one_waits_until_its_time_is_over(
    double: TrackingDouble,
) -> None:
    here = gateways()
    server = open_server(here, "")
    began, soon, late = (parsed(f"2026-11-21T06:{at}Z") for at in ("00:00", "03:19", "03:21"))
    assert began
    assert soon
    assert late
    claim = here.experiments.writing("churn", RUN, double.address, began)
    claim.__enter__()  # and it dies

    with pytest.raises(BeingWrittenError):
        record(here, server, event_of(REGISTERED), soon)
    assert record(here, server, event_of(REGISTERED), late) == RUN


def test_a_server_that_is_down_for_an_hour_loses_nothing(double: TrackingDouble) -> None:
    events = [event_of(REGISTERED), about("release promoted", "2026-11-22T08:00:00Z")]
    double.fails["*"] = ["down"] * 3
    for event in events:
        with pytest.raises(UnreachableError, match="did not answer"):
            call(event)
        leave(event)

    # It is asked once, and not once for each event that waits.
    before = len(double.asked)
    tried = call({"waiting": True})
    assert (tried["recorded"], waiting()) == (0, 2)
    assert "did not answer" in tried["problem"]
    assert len(double.asked) == before + 1

    # It is up again.
    assert call({"waiting": True}) == {"recorded": 2, "problem": None}
    assert waiting() == 0
    assert "kanmon.release.promoted" in only(double)["tags"]


def test_a_server_that_does_not_answer_in_time_is_given_up(
    double: TrackingDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_server, "_PATIENCE", 0.2)
    double.fails["runs/create"] = ["slow"]

    with pytest.raises(UnreachableError, match="TimeoutError"):
        call(event_of(REGISTERED))
    assert call(event_of(REGISTERED)) == {"run": RUN}


def test_a_server_that_answers_each_call_late_is_given_up_altogether(
    double: TrackingDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_server, "_ALTOGETHER", 0.0)

    with pytest.raises(UnreachableError, match="TimeoutError"):
        call(event_of(REGISTERED))


def test_what_waits_is_left_where_time_is_short(double: TrackingDouble) -> None:
    leave(event_of(REGISTERED))

    assert call({"waiting": True}, milliseconds=59_000) == {"recorded": 0, "problem": None}
    assert waiting() == 1


def test_a_call_of_the_schedule_that_failed_is_nothing_to_record(double: TrackingDouble) -> None:
    leave({"waiting": True})

    assert call({"waiting": True}) == {"recorded": 1, "problem": None}
    assert (waiting(), double.asked) == (0, [])


def test_one_that_cannot_be_recorded_does_not_keep_the_others(
    double: TrackingDouble, stage: Stage
) -> None:
    """It comes back until the queue itself puts it into the dead letters."""
    stage.sqs.set_queue_attributes(
        QueueUrl=stage.sqs.get_queue_url(QueueName="waiting")["QueueUrl"],
        Attributes={"VisibilityTimeout": "60"},
    )
    leave({"source": "kanmon", "detail": {"format": 99}})
    leave(event_of(REGISTERED))

    done = call({"waiting": True})

    assert (done["recorded"], waiting()) == (1, 1)
    assert done["problem"].startswith("FactError: the detail has no")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("403", "answered experiments/get-by-name with 403"),
        ("elsewhere", "with 302"),  # a redirect is not followed
        ("page", "answered with no JSON: is it a tracking server?"),
    ],
)
def test_a_server_that_refuses_is_shown_by_its_answer(
    double: TrackingDouble, fault: str, words: str
) -> None:
    double.fails["*"] = [fault]

    with pytest.raises(RefusedError, match=words.replace("?", r"\?")):
        call(event_of(REGISTERED))


def test_a_run_that_a_person_deleted_in_mlflow_stays_deleted(double: TrackingDouble) -> None:
    call(event_of(REGISTERED))
    only(double)["info"]["lifecycle_stage"] = "deleted"
    before = json.dumps(only(double), default=sorted)

    call(about("release promoted", "2026-11-22T08:00:00Z"))

    assert json.dumps(only(double), default=sorted) == before


def test_a_server_that_began_anew_gets_the_run_anew(double: TrackingDouble) -> None:
    call(event_of(REGISTERED))
    double.runs.clear()
    double.experiments.clear()

    call(about("release promoted", "2026-11-22T08:00:00Z"))

    assert only(double)["tags"]["kanmon.run"] == RUN


def test_of_a_run_that_was_redriven_the_first_parameters_stay(
    double: TrackingDouble, stage: Stage
) -> None:
    call(event_of(REGISTERED))
    only(double)["params"]["trainer.rounds"] = "100"

    assert call(event_of(REGISTERED)) == {"run": RUN}
    assert only(double)["params"]["trainer.rounds"] == "100"


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ({"token": "t0k"}, "Bearer t0k"),
        ({"username": "ada", "password": "pw"}, "Basic YWRhOnB3"),
    ],
)
def test_a_servers_secret_is_read_from_secrets_manager(
    double: TrackingDouble,
    monkeypatch: pytest.MonkeyPatch,
    secret: dict[str, str],
    header: str,
) -> None:
    made = boto3.client("secretsmanager").create_secret(
        Name="mlflow", SecretString=json.dumps(secret)
    )
    monkeypatch.setenv("MLFLOW_SECRET_ARN", made["ARN"])

    call(event_of(REGISTERED))

    assert {headers["Authorization"] for _, headers in double.asked} == {header}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hunter2", "MlflowSecretArn must be"),
        ('{"pass": "hunter2"}', "MlflowSecretArn must be"),
        ('["hunter2"]', "MlflowSecretArn must be"),
        ('{"token": 1}', "MlflowSecretArn must be"),
        # An error about a header would quote it.
        ('{"token": "hunter2\\n"}', "a new line or signs beyond ASCII"),
    ],
)
def test_a_secret_of_no_use_is_refused_without_being_shown(
    double: TrackingDouble, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    made = boto3.client("secretsmanager").create_secret(Name="mlflow", SecretString=text)
    monkeypatch.setenv("MLFLOW_SECRET_ARN", made["ARN"])

    with pytest.raises(SecretError, match=words) as caught:
        call(event_of(REGISTERED))
    assert "hunter2" not in str(caught.value)


def test_a_target_of_no_use_fails_the_call_and_names_the_fix(
    double: TrackingDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING", "http://mlflow.example.com")
    gateways.cache_clear()

    with pytest.raises(TargetError, match="only https is encrypted"):
        call(event_of(REGISTERED))
