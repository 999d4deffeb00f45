"""Open Monitoring and Close Monitoring against a stage in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import close_monitoring
import open_monitoring
from core.monitoring import contents
from core.monitoring import open_monitoring as rules
from core.monitoring.request import MonitorRequestError
from core.releases.live_release import LiveRelease
from core.stage import gateways
from core.stage.event_bus import EventBus
from core.stage.monitoring_table import Watch
from tests.support.monitoring_documents import alarming_report, sample_plan, sample_report
from tests.support.release_table import KilledError
from tests.support.stage_in_memory import RUN, Context, Stage

Load = Callable[[str], dict[str, Any]]
MONITORING = "churn-261121055501-m7k"
FOLDER = f"monitoring/churn/{MONITORING}"
LIVE = LiveRelease(
    number=7,
    run=RUN,
    artifact_uri=f"s3://kanmon-test-data/runs/churn/{RUN}/train/model.tar.gz",
    artifact_version="v1",
    artifact_sha256="e" * 64,
    definition_sha256="d" * 64,
    promoted_at="2026-11-02T00:00:00Z",
)


@pytest.fixture
def watched(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The stage with release 7 of churn in service."""
    monkeypatch.setattr(rules, "live_release", lambda stage, model: LIVE)
    stage.push_image("monitor")
    content = {"metrics": {"primary": "auc"}, "serving": {"capture_share": 0.5}}
    stage.put(f"runs/churn/{RUN}/run.json", {"definition": {"content": content}})
    stage.write_results()
    return stage


def put_batch(stage: Stage, batch: str, **fields: str) -> None:
    stage.write_item(f"batch#{batch}", **fields)
    stage.put(f"batches/churn/{batch}/plan.json", {"objects": [{"key": "datasets/churn/a.csv"}]})
    stage.put(f"batches/churn/{batch}/scores/00000-0000.parquet", b"scores")


def test_a_monitoring_pins_the_release_and_lists_what_it_answered_in_the_window(
    watched: Stage, context: Context, load_event: Load
) -> None:
    for key in ("dt=2026-11-20/a.jsonl", "dt=2026-10-01/old.jsonl", "dt=2026-06-01/ancient.jsonl"):
        watched.put(f"capture/churn/7/{key}", b"{}")
    watched.put("capture/churn/6/dt=2026-11-20/b.jsonl", b"{}")  # another release's
    for name in ("late.csv", "20260101T020000Z-0a1b0a1b0a1b-early.csv"):
        watched.put(f"labels/churn/{name}", b"labels")
    done = {"status": "SUCCEEDED", "release": "7", "asked_at": "2026-11-20T05:00:00Z"}
    put_batch(watched, "b-1", **done, rejected="3")
    put_batch(watched, "b-2", **{**done, "release": "6"})
    put_batch(watched, "b-3", **{**done, "status": "RUNNING"})

    opened = open_monitoring.handler(load_event("open_monitoring"), context)

    assert opened["outcome"] == "to watch"
    assert opened["run_prefix"] == f"s3://kanmon-test-data/runs/churn/{RUN}"
    assert opened["resources"]["timeout_seconds"] == 3600
    plan = watched.get_json(f"{FOLDER}/plan.json")
    assert plan["window"] == {"from": "2026-11-15", "to": "2026-11-22"}
    # Labels come later than what they are about, so 90 days before the window are read, too; and
    # other releases' answers, whose labels would else be unknown.
    assert [each["key"] for each in plan["capture"]] == [
        "capture/churn/6/dt=2026-11-20/b.jsonl",
        "capture/churn/7/dt=2026-10-01/old.jsonl",
        "capture/churn/7/dt=2026-11-20/a.jsonl",
    ]
    assert all(each["version_id"] for each in plan["capture"])
    assert [(each["batch"], each["rejected"]) for each in plan["batches"]] == [
        ("b-1", 3),
        ("b-2", 0),
    ]
    # Of every age, by the time in the name: `kanmon forget` writes a file again.
    early, late = plan["labels"]
    assert early["received"] == "2026-01-01T02:00:00Z"
    assert late["received"][:4] > "2025"
    assert plan["memory_mb"] == 2048
    assert plan["resources"] == {"instance_type": "ml.m5.large", "volume_gb": 30}
    assert (plan["release"]["number"], plan["settings"]["capture_share"]) == (7, 0.5)
    assert open_monitoring.handler(load_event("open_monitoring"), context) == opened


def test_without_a_row_in_the_window_it_ends_at_once_and_is_recorded(
    watched: Stage, context: Context, load_event: Load
) -> None:
    watched.put("capture/churn/7/dt=2026-10-01/old.jsonl", b"{}")
    watched.put("capture/churn/6/dt=2026-11-20/b.jsonl", b"{}")  # another release's

    opened = open_monitoring.handler(load_event("open_monitoring"), context)
    closed = close_monitoring.handler({**opened}, context)

    assert (opened["outcome"], "image" in opened) == ("no data", False)
    assert closed["state"] == "no data"
    assert watched.get_json(f"{FOLDER}/report.json")["state"] == "no data"
    assert watched.item(f"monitoring#{MONITORING}")["status"] == {"S": "SUCCEEDED"}
    assert watched.facts() == []


def test_more_captured_files_than_fit_into_a_plan_are_refused_in_one_line(
    watched: Stage, context: Context, load_event: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_CAPTURED", 2)
    for name in ("a", "b", "c"):
        watched.put(f"capture/churn/7/dt=2026-11-20/{name}.jsonl", b"{}")

    with pytest.raises(MonitorRequestError, match="capture/churn/: more than 2 files of captured"):
        open_monitoring.handler(load_event("open_monitoring"), context)


def close(stage: Stage, context: Context, report: dict[str, Any], **plan: Any) -> dict[str, Any]:
    monitoring = plan.get("monitoring", MONITORING)
    folder = f"monitoring/churn/{monitoring}"
    stage.put(f"{folder}/usage.json", {"format": 1, "seconds": 12.5, "peak_memory_mb": 300})
    stage.put(f"{folder}/plan.json", sample_plan(**plan))
    stage.put(f"{folder}/report.json", report)
    event = {"monitoring": monitoring, "model": "churn", "outcome": "to watch"}
    return close_monitoring.handler(event, context)


def test_a_monitoring_that_was_a_function_is_measured_where_its_attempt_left_its_report(
    stage: Stage, context: Context
) -> None:
    attempt = f"attempts/churn/{MONITORING}/monitor-0/monitor"
    stage.put(f"{FOLDER}/plan.json", sample_plan())
    stage.put(f"{attempt}/report.json", sample_report())
    stage.put(f"{attempt}/usage.json", {"format": 1, "seconds": 3.5, "peak_memory_mb": 300})
    at = f"s3://kanmon-test-data/{attempt}"
    event = {"monitoring": MONITORING, "model": "churn", "outcome": "to watch", "at": at}

    close_monitoring.handler(event, context)

    assert stage.get_json(f"watch-metrics/model=churn/{MONITORING}.json")["seconds"] == 3.5
    assert stage.item(f"monitoring#{MONITORING}")["machine"]["S"] == (
        "Lambda, 3,008 MB: fits the function (peak 300 MB of 3,008 MB); as a job ml.t3.medium"
    )


def test_an_alarm_is_recorded_with_its_page_and_metrics_and_told_once(
    stage: Stage, context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = close(stage, context, alarming_report())

    assert (closed["state"], closed["release"]) == ("alarm", 7)
    assert closed["alarms"][0].startswith("AUC is 0.75, 0.80 on the test rows")
    page = stage.s3.get_object(Bucket="kanmon-test-data", Key=f"{FOLDER}/page.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    line = stage.get_json(f"watch-metrics/model=churn/{MONITORING}.json")
    assert (line["state"], line["alarms"], line["seconds"]) == ("alarm", 3, 12.5)
    machine = "ml.m5.large: fits ml.t3.medium (peak 300 MB of 4 GB)"
    assert stage.item(f"monitoring#{MONITORING}")["machine"] == {"S": machine}
    assert machine in page["Body"].read().decode()
    facts = stage.facts()
    assert [(fact["event"], fact["severity"]) for fact in facts] == [
        ("drift found", "warning"),
        ("quality dropped", "error"),
    ]
    assert {(fact["monitoring"], fact["release"], fact["review_uri"]) for fact in facts} == {
        (MONITORING, 7, closed["page_uri"])
    }
    sent = [json.loads(each) for each in capsys.readouterr().out.splitlines() if "_aws" in each]
    [alarms] = [each for each in sent if "MonitorAlarms" in each]
    assert (alarms["service"], alarms["model"]) == ("kanmon", "churn")

    close(stage, context, alarming_report(), monitoring="churn-261122055501-m7k")
    assert stage.facts() == []


def test_the_fact_of_each_turn_says_what_turned_and_nothing_of_the_other(
    stage: Stage, context: Context
) -> None:
    closed = close(stage, context, alarming_report())

    told = {fact["event"]: fact["summary"] for fact in stage.facts()}
    quality, *others = closed["alarms"]
    assert told["quality dropped"] == quality
    assert told["drift found"] == f"{others[0]}; and 1 more alarm"


def test_drift_is_told_as_drift_while_the_quality_alarms_on(stage: Stage, context: Context) -> None:
    only_quality = sample_report(state="alarm")
    only_quality["checks"][6] |= {"value": 0.05, "now": 0.75, "alarm": True}
    close(stage, context, only_quality)
    stage.facts()

    close(stage, context, alarming_report(), monitoring="churn-261122055501-m7k")

    [fact] = stage.facts()
    assert fact["event"] == "drift found"
    assert "AUC" not in fact["summary"]


def test_when_it_recovers_subscribers_hear_of_it_once(stage: Stage, context: Context) -> None:
    close(stage, context, alarming_report())
    stage.facts()

    for monitoring in ("churn-261122055501-m7k", "churn-261123055501-m7k"):
        close(stage, context, sample_report(), monitoring=monitoring)

    assert [fact["event"] for fact in stage.facts()] == ["monitoring recovered"]


def test_an_earlier_window_watched_again_sends_no_metric(
    stage: Stage, context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    close(stage, context, sample_report())
    capsys.readouterr()

    earlier = {"from": "2026-10-01", "to": "2026-10-08"}
    close(stage, context, alarming_report(), monitoring="churn-261122055501-m7k", window=earlier)

    assert "MonitorAlarms" not in capsys.readouterr().out
    assert stage.facts() == []


def test_a_failure_is_recorded_and_told_once_also_by_its_status_event(
    stage: Stage, context: Context, load_event: Load
) -> None:
    event = load_event("close_monitoring_failure")
    status = {
        "detail": {
            "name": MONITORING,
            "status": "FAILED",
            "input": '{"model": "churn"}',
            "error": event["error"],
            "cause": event["cause"],
        }
    }

    reported = [close_monitoring.handler(each, context) for each in (event, event, status)]

    assert {each["message"] for each in reported} == {"nothing is in service"}
    assert stage.item(f"monitoring#{MONITORING}")["status"] == {"S": "FAILED"}
    assert [fact["event"] for fact in stage.facts()] == ["monitoring failed"]


def test_a_monitoring_that_is_stopped_while_it_opens_stays_failed(
    watched: Stage, context: Context, load_event: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = {"name": MONITORING, "status": "ABORTED", "input": '{"model": "churn"}'}

    def live(stage: object, model: str) -> LiveRelease:
        close_monitoring.handler({"detail": stopped}, context)
        return LIVE

    monkeypatch.setattr(rules, "live_release", live)

    open_monitoring.handler(load_event("open_monitoring"), context)

    assert watched.item(f"monitoring#{MONITORING}")["status"] == {"S": "FAILED"}


def test_a_monitoring_that_was_stopped_before_it_was_opened_does_not_run_for_ever(
    watched: Stage, context: Context, load_event: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = {"name": MONITORING, "status": "ABORTED", "input": '{"model": "churn"}'}
    close_monitoring.handler({"detail": stopped}, context)
    reported = watched.item(f"monitoring#{MONITORING}")
    workflow = type(gateways.stage().watching)
    monkeypatch.setattr(workflow, "has_ended", lambda self, name: name == MONITORING)

    open_monitoring.handler(load_event("open_monitoring"), context)

    found = watched.item(f"monitoring#{MONITORING}")
    kept = ("status", "summary", "error", "closed_at")
    assert {name: found.get(name) for name in kept} == {name: reported[name] for name in kept}
    assert found["status"] == {"S": "FAILED"}


def test_of_two_monitorings_that_end_at_once_the_later_window_is_what_is_known(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = type(gateways.stage().monitorings)
    read, others = table.watch, [Watch("alarm", "churn-261122055501-m7k", 7, "2026-12-01")]

    def another_ends_after(self: Any, model: str) -> Watch | None:
        known = read(self, model)
        if others:
            self.turn_watch(model, others.pop(), known, ())
        return known

    monkeypatch.setattr(table, "watch", another_ends_after)

    close(stage, context, sample_report())

    assert stage.item("watch")["state"] == {"S": "alarm"}
    assert stage.item("watch")["until"] == {"S": "2026-12-01"}


def told(stage: Stage) -> set[tuple[str, str]]:
    """What was reported since the last time, each once."""
    facts = [(fact["event"], fact["monitoring"]) for fact in stage.facts()]
    assert len(facts) == len(set(facts))
    return set(facts)


def test_of_two_monitorings_that_alarm_at_once_one_reports(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = type(gateways.stage().monitorings)
    read, others = table.watch, ["churn-261122055501-m7k"]

    def another_ends_after(self: Any, model: str) -> Watch | None:
        known = read(self, model)
        if others:
            close(stage, context, alarming_report(), monitoring=others.pop())
        return known

    monkeypatch.setattr(table, "watch", another_ends_after)

    close(stage, context, alarming_report())

    assert told(stage) == {
        ("drift found", "churn-261122055501-m7k"),
        ("quality dropped", "churn-261122055501-m7k"),
    }
    for monitoring in ("churn-261122055501-m7k", MONITORING):  # their functions are called again
        close(stage, context, alarming_report(), monitoring=monitoring)
    assert stage.facts() == []


def dying_before_it_reports(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitoring that alarms, whose function dies; then another one ends, which alarms, too."""

    def die(self: object, fact: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(EventBus, "put", die)
        with pytest.raises(KilledError):
            close(stage, context, alarming_report())
    close(stage, context, alarming_report(), monitoring="churn-261122055501-m7k")
    assert stage.facts() == []


def test_a_function_that_died_before_it_reported_does_so_when_it_is_called_again(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying_before_it_reports(stage, context, monkeypatch)

    for _ in range(2):
        close(stage, context, alarming_report())

    assert told(stage) == {("drift found", MONITORING), ("quality dropped", MONITORING)}


def test_if_it_is_not_called_again_the_report_of_its_failure_does(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying_before_it_reports(stage, context, monkeypatch)
    failed = {"monitoring": MONITORING, "model": "churn", "error": "Lambda.Unknown", "cause": ""}

    for _ in range(2):
        close_monitoring.handler(failed, context)

    assert told(stage) == {("drift found", MONITORING), ("quality dropped", MONITORING)}
    assert stage.item(f"monitoring#{MONITORING}")["status"] == {"S": "SUCCEEDED"}


def test_a_monitoring_that_is_redriven_has_no_error_of_before(
    watched: Stage, context: Context, load_event: Load
) -> None:
    close_monitoring.handler(load_event("close_monitoring_failure"), context)

    open_monitoring.handler(load_event("open_monitoring"), context)

    assert "error" not in watched.item(f"monitoring#{MONITORING}")
    assert watched.item(f"monitoring#{MONITORING}")["status"] == {"S": "RUNNING"}
