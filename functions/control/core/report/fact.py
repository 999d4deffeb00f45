"""A fact: something that happened on a stage, as one event on its bus. Pure.

docs/events.md explains the events and their detail, docs/event-1.schema.json is the schema of the
detail; a test holds both and this module together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from core.reading import finite
from core.words.formats import one_line, parsed

FORMAT = 1
SOURCE = "kanmon"
# So that a fact always fits into an event, an item and a message.
LONGEST_SUMMARY = 20_000
_EMPTY_LINES = re.compile(r"\n{3,}")
LONGEST_TEXT = 2000

Severity = Literal["info", "action", "warning", "error"]
Event = Literal[
    "run failed",
    "run stopped",
    "nothing new",
    "candidate registered",
    "release waits",
    "release reminder",
    "release approved",
    "release rejected",
    "release expired",
    "release superseded",
    "release promoted",
    "release rolled back",
    "release back in service",
    "release withdrawn",
    "release failed",
    "release stopped",
    "drift found",
    "quality dropped",
    "monitoring recovered",
    "monitoring failed",
    "monitoring stopped",
    "batch done",
    "batch failed",
    "batch stopped",
    "budget reached",
    "late",
    "job could not start",
    "digest",
]

# How much each matters; `action` waits for somebody.
EVENTS: Mapping[Event, Severity] = {
    "run failed": "error",
    "run stopped": "info",
    "nothing new": "info",
    "candidate registered": "info",
    "release waits": "action",
    "release reminder": "action",
    "release approved": "info",
    "release rejected": "info",
    "release expired": "warning",
    "release superseded": "info",
    "release promoted": "info",
    "release rolled back": "error",
    "release back in service": "info",
    "release withdrawn": "warning",
    "release failed": "error",
    "release stopped": "info",
    "drift found": "warning",
    "quality dropped": "error",
    "monitoring recovered": "info",
    "monitoring failed": "error",
    "monitoring stopped": "info",
    "batch done": "info",
    "batch failed": "error",
    "batch stopped": "info",
    "budget reached": "warning",
    "late": "warning",
    "job could not start": "error",
    "digest": "info",
}


class FactError(Exception):
    """A detail that is not a fact; the message says which part of it is wrong."""


@dataclass(frozen=True)
class MetricResult:
    """The primary metric of a verdict; the interval is of the difference, champion to candidate."""

    name: str
    candidate: float | None = None
    champion: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Fact:
    """`key` tells it from every other fact of its event: all repeats of one fact have the same.

    `summary` is in the stage's language, on one or more lines: the verdict's, the message of a
    failure or the reason of a decision. What does not apply is None. `approval` is how the fact's
    release is decided on: manual or automatic.
    """

    event: Event
    key: str
    stack: str
    stage: str
    at: str
    summary: str
    model: str | None = None
    reason: str | None = None
    run: str | None = None
    batch: str | None = None
    monitoring: str | None = None
    release: int | None = None
    verdict: str | None = None
    approval: str | None = None
    error: str | None = None
    by: str | None = None
    until: str | None = None
    package_arn: str | None = None
    review_uri: str | None = None
    execution: str | None = None
    metric: MetricResult | None = None

    @property
    def id(self) -> str:
        return f"{self.stack}/{self.event}/{self.key}"

    @property
    def severity(self) -> Severity:
        return EVENTS[self.event]

    @property
    def mailed(self) -> bool:
        """Is it for people's attention? What another fact says as well, or nothing, is not."""
        if self.event == "candidate registered":
            return self.approval != "manual"  # else `release waits` says it all
        if self.event == "release approved":
            return self.approval != "automatic"  # nobody decided
        # Of a release that is superseded, the newer one's mail says enough.
        return self.event not in ("nothing new", "release superseded")

    def document(self) -> dict[str, Any]:
        """The event's detail: every key, without control characters, each text cut at its longest.

        Only the summary may have several lines.
        """
        known = {name: _written(value) for name, value in asdict(self).items() if name != "key"}
        summary = "\n".join(one_line(line) for line in self.summary.splitlines()).strip()
        apart = {"format": FORMAT, "id": self.id, "severity": self.severity}
        # One empty line sets the parts of a digest apart.
        summary = _EMPTY_LINES.sub("\n\n", summary)[:LONGEST_SUMMARY]
        return {**apart, **known, "summary": summary}


_METRIC = tuple(field.name for field in fields(MetricResult))
_TEXTS = ("id", "stack", "stage", "at", "summary")
_OPTIONAL = (
    *("model", "reason", "run", "batch", "monitoring", "verdict", "approval", "error", "by"),
    *("until", "package_arn", "review_uri", "execution"),
)
KEYS = ("format", "event", "severity", "release", "metric", *_TEXTS, *_OPTIONAL)


def read(detail: object) -> Fact:
    """The fact of an event's detail; raises FactError if it is none of this format."""
    if not isinstance(detail, Mapping):
        raise FactError("the detail is not a JSON object")
    if missing := [name for name in KEYS if name not in detail]:
        raise FactError(f"the detail has no {', '.join(missing)}")
    if unknown := [str(name) for name in detail if name not in KEYS]:
        raise FactError(f"the detail has {one_line(', '.join(unknown), 200)}, which no fact has")
    event = detail["event"]
    _require(detail, "format", detail["format"] == FORMAT)
    _require(detail, "event", event in get_args(Event))
    _require(detail, "severity", detail["severity"] == EVENTS[event])
    for name in (*_TEXTS, *_OPTIONAL):
        _require(detail, name, _is_text(detail[name], optional=name in _OPTIONAL))
    _require(detail, "at", parsed(detail["at"]) is not None)
    release = detail["release"]
    _require(detail, "release", release is None or (type(release) is int and release > 0))
    start = f"{detail['stack']}/{event}/"
    _require(detail, "id", detail["id"].startswith(start))
    texts = {name: detail[name] for name in (*_TEXTS, *_OPTIONAL) if name != "id"}
    key = detail["id"].removeprefix(start)
    return Fact(event=event, key=key, release=release, metric=metric_of(detail["metric"]), **texts)


def read_stored(document: object) -> Fact | None:
    """A fact that was stored, perhaps by another version of Kanmon; None if it cannot be read.

    What is new there is left out, and what is missing is None.
    """
    if not isinstance(document, Mapping):
        return None
    known = {name: value for name, value in document.items() if name in KEYS}
    try:
        return read(dict.fromkeys(KEYS) | known)
    except FactError:
        return None


def metric_of(document: object) -> MetricResult | None:
    """The result in a document; None where it has none."""
    if document is None:
        return None
    right = isinstance(document, Mapping) and set(document) == set(_METRIC)
    if not isinstance(document, Mapping) or not right or not _is_text(document["name"]):
        raise FactError(f"the metric is {_shown(document)}, which no fact has")
    numbers = {name: document[name] for name in _METRIC if name != "name"}
    if not all(value is None or finite(value) is not None for value in numbers.values()):
        raise FactError(f"the metric is {_shown(document)}: not all are numbers")
    return MetricResult(document["name"], **numbers)


def _require(detail: Mapping[str, Any], name: str, right: bool) -> None:
    if not right:
        raise FactError(f"the detail's {name} is {_shown(detail[name])}, which no fact has")


def _shown(value: object) -> str:
    return one_line(json.dumps(value, default=str), 100)


def _is_text(value: object, *, optional: bool = False) -> bool:
    return (value is None and optional) or (isinstance(value, str) and value != "")


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _written(each) for name, each in value.items()}
    if isinstance(value, float):
        return finite(value)
    return (one_line(value, LONGEST_TEXT) or None) if isinstance(value, str) else value


def work_of(fact: Fact) -> tuple[str, str] | None:
    """The run, batch or monitoring, and its name."""
    named = (("run", fact.run), ("batch", fact.batch), ("monitoring", fact.monitoring))
    return next(((kind, name) for kind, name in named if name), None)


def name_of(fact: Fact) -> str:
    """The release as it is called on the command line; without one, the model."""
    model = fact.model or ""
    return model if fact.release is None else f"{model}/{fact.release}"
