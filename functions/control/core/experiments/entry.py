"""What a tracking server is told of a run: made from what is recorded of it, each time anew. Pure.

So it does not matter in which order events come, or how often: what is written last is what is so.
Only what is written into parameters may not change, because MLflow keeps those as they are; here
these are the settings of the run's definition, which its fingerprint holds fast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.experiments.names import LONGEST_NAME, MOST_METRICS, fitting, parameters, tags
from core.reading import Document, finite, mapping, mappings, part
from core.report.fact import Fact
from core.words.formats import one_line, parsed
from core.words.people import person

# MLflow's words for how a run ended.
_ENDINGS = {"SUCCEEDED": "FINISHED", "NOTHING_NEW": "FINISHED", "FAILED": "FAILED"}
_SIDES = {"": "", "champion.": "champion_", "difference.": "difference_"}
_ENDS = {"": "value", ".low": "low", ".high": "high"}
_OF_A_LINE = ("rows_train", "rows_test", "rejected_share", "seconds", "usd")
_OF_A_MONITORING = (
    *("alarms", "drifted", "rows_captured", "rows_batch", "rows_invalid", "rows_labelled"),
    *("labelled_share",),
)


@dataclass(frozen=True)
class Metric:
    """`step` is the number of days since the run was opened, which is what a chart is drawn by."""

    name: str
    value: float
    at_ms: int
    step: int = 0


@dataclass(frozen=True)
class Entry:
    """One run of MLflow. `identity` is the tag it is found by; times are in ms since 1970."""

    identity: str
    experiment: str
    run: str
    user: str
    started_ms: int
    status: str = "RUNNING"
    ended_ms: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """What the stage holds of a run: its item, run.json, its line of metrics, its release."""

    stack: str
    stage: str
    model: str
    run: str
    item: Document
    plan: Document
    line: Document
    release: Document = field(default_factory=dict)

    @property
    def opened_at(self) -> str:
        return str(self.item.get("opened_at") or self.plan.get("opened_at") or "")

    @property
    def uri(self) -> str | None:
        bucket = self.plan.get("bucket")
        return f"s3://{bucket}/runs/{self.model}/{self.run}/" if bucket else None


def entry_of(known: Recorded, fact: Fact | None = None, watched: Document | None = None) -> Entry:
    """The run as it is known now. `fact` brought it up; `watched` is the line of a monitoring."""
    ended = known.item.get("closed_at")
    status = _ENDINGS.get(str(known.item.get("status")), "RUNNING")
    # The event may be late: a run that was started again may have ended well since.
    if fact is not None and fact.event == "run stopped" and status != "FINISHED":
        status = "KILLED"
    opened = milliseconds(known.opened_at) or 0
    found = [*_metrics(known, opened), *(_watched(watched, opened) if watched else ())]
    return Entry(
        identity=identity_of(known.stack, known.run, known.opened_at),
        experiment=f"{known.stack}/{known.model}",
        run=known.run,
        user=_user(known),
        started_ms=opened,
        status=status,
        ended_ms=None if status == "RUNNING" else milliseconds(ended),
        parameters=parameters(dict(_settings(known.plan))),
        tags=tags({**_facts(known), **_event(fact), **_monitoring(watched)}),
        metrics=tuple(found[:MOST_METRICS]),
    )


def identity_of(stack: str, run: str, opened_at: str) -> str:
    """A digest that tells the run from all others, also from one of the same name elsewhere."""
    return hashlib.sha256(f"{stack}/{run}/{opened_at}".encode()).hexdigest()


def milliseconds(at: object) -> int | None:
    moment = parsed(at)
    return int(moment.timestamp() * 1000) if isinstance(moment, datetime) else None


def _settings(plan: Document) -> Iterator[tuple[str, object]]:
    """The definition's settings, those of the trainer first."""
    content = part(plan, "definition", "content")
    yield from _leaves("trainer", content.get("trainer"))
    yield "task", content.get("task")
    yield "target", content.get("target")
    features = content.get("features")
    yield "features", len(features) if isinstance(features, list) else None
    yield "metrics.primary", part(content, "metrics").get("primary")
    for name in ("split", "search", "compute"):
        yield from _leaves(name, content.get(name))


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(f"{name}.{key}", each)
    else:
        yield name, value


def _metrics(known: Recorded, opened: int) -> Iterator[Metric]:
    at = milliseconds(known.line.get("judged_at")) or opened
    for each in mappings(known.line.get("metrics")):
        for side, prefix in _SIDES.items():
            for end, column in _ENDS.items():
                value = finite(each.get(f"{prefix}{column}"))
                if value is not None:
                    name = fitting(f"{side}{each.get('name')}"[:LONGEST_NAME])
                    yield Metric(f"{name}{end}", value, at)
    for column in _OF_A_LINE:
        value = finite(known.line.get(column))
        if value is not None:
            yield Metric(column, value, at)


def _watched(line: Document, opened: int) -> Iterator[Metric]:
    """What a monitoring measured, at the time when it was closed."""
    at = milliseconds(line.get("closed_at")) or opened
    step = max(0, (at - opened) // 86_400_000)
    named = {name: line.get(name) for name in _OF_A_MONITORING}
    metric = fitting(str(line.get("primary_metric") or "quality"))
    named |= {
        f"{metric}{end}": line.get("quality" if end == "" else f"quality_{column}")
        for end, column in _ENDS.items()
    }
    for name, each in named.items():
        value = finite(each)
        if value is not None:
            yield Metric(f"monitoring.{name}", value, at, step)


def _facts(known: Recorded) -> dict[str, object]:
    plan, line, item, release = known.plan, known.line, known.item, mapping(known.release)
    images = {
        f"kanmon.image.{step}": str(uri).rpartition("@")[2]
        for step, uri in part(plan, "images").items()
    }
    return {
        "kanmon.id": identity_of(known.stack, known.run, known.opened_at),
        "kanmon.run": known.run,
        "kanmon.model": known.model,
        "kanmon.stack": known.stack,
        "kanmon.stage": known.stage,
        "mlflow.runName": known.run,
        "mlflow.user": _user(known),
        "mlflow.note.content": plan.get("note") or line.get("summary") or item.get("summary"),
        "mlflow.source.name": "kanmon",
        "mlflow.source.git.commit": plan.get("commit"),
        "kanmon.note": plan.get("note"),
        "kanmon.by": plan.get("by"),
        "kanmon.reason": plan.get("reason") or item.get("reason"),
        "kanmon.verdict": line.get("verdict") or item.get("verdict"),
        "kanmon.summary": item.get("summary") or line.get("summary"),
        "kanmon.error": item.get("error"),
        "kanmon.data": part(plan, "snapshot").get("id"),
        "kanmon.data.uri": part(plan, "snapshot").get("uri"),
        "kanmon.definition": part(plan, "definition").get("sha256"),
        "kanmon.definition.uri": part(plan, "definition").get("uri"),
        "kanmon.fingerprint": plan.get("fingerprint"),
        "kanmon.champion.run": part(plan, "champion").get("run"),
        "kanmon.artifacts": known.uri,
        "kanmon.review": release.get("review_uri") or item.get("review_uri"),
        "kanmon.package": release.get("package_arn") or item.get("package_arn"),
        "kanmon.release": release.get("reference"),
        "kanmon.release.status": release.get("status"),
        **images,
    }


def _event(fact: Fact | None) -> dict[str, object]:
    """What became of the release, each event under a name of its own."""
    if fact is None or not fact.event.startswith("release "):
        return {}
    name = fact.event.removeprefix("release ").replace(" ", "_")
    by = f" by {person(fact.by)}" if fact.by else ""
    return {f"kanmon.release.{name}": f"{fact.at}{by}: {one_line(fact.summary, 1000)}"}


def _monitoring(line: Document | None) -> dict[str, object]:
    if not line:
        return {}
    names = ("monitoring", "state", "closed_at", "summary")
    told: dict[str, Any] = {name: line.get(name) for name in names}
    return {
        "kanmon.monitoring": told["monitoring"],
        "kanmon.monitoring.state": told["state"],
        "kanmon.monitoring.summary": f"{told['closed_at']}: {one_line(told['summary'], 1000)}",
    }


def _user(known: Recorded) -> str:
    """Who started it; the stage itself where nobody did."""
    by = _text(known.plan.get("by"))
    return person(by) if by else known.stack


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
