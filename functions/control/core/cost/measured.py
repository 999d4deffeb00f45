"""What an execution used and what that cost, from its own history. Pure.

The history of Step Functions has every job with its machines and times, also of jobs that failed
or were tried again, every call of a function and every transition. A job that the history does not
see end, because the execution was stopped, is asked for by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.cost.host_time import seconds_between
from core.cost.prices import Prices
from core.reading import Document, finite, mapping, mappings
from core.words.formats import parsed

# Describes a job by its kind and name; None where that cannot be found out.
Describe = Callable[[str, str], Document | None]
_KINDS = ("Processing", "Training")
# A job is described in an event's details under one of these.
_ENDS = {
    "TaskSucceeded": ("taskSucceededEventDetails", "output"),
    "TaskFailed": ("taskFailedEventDetails", "cause"),
    "TaskTimedOut": ("taskTimedOutEventDetails", "cause"),
}
_CALLED = ("LambdaFunctionSucceeded", "LambdaFunctionFailed", "LambdaFunctionTimedOut")
# The functions that steps are, which have another memory than the others.
_STEP_FUNCTION = re.compile(r":function:.+-step-[a-z]+(:[\w$-]+)?$")
_DIGITS = 8


@dataclass(frozen=True)
class Job:
    """One job. `seconds` is None where it is not known how long it had its machines.

    On a spot machine `seconds` are the billed ones, and `unbilled_seconds` the rest.
    """

    name: str
    instance_type: str
    instances: int
    seconds: float | None
    kind: str = "processing"
    unbilled_seconds: float = 0.0

    def usd(self, prices: Prices) -> float | None:
        price = prices.an_hour(self.instance_type, self.kind)
        if self.seconds == 0:
            return 0.0
        if self.seconds is None or price is None:
            return None
        return self.seconds * self.instances * price / 3600

    def saved_usd(self, prices: Prices) -> float:
        """What the spot machine saved, as far as that is known."""
        price = prices.an_hour(self.instance_type, self.kind) or 0.0
        return self.unbilled_seconds * self.instances * price / 3600

    def document(self) -> dict[str, Any]:
        """Seconds that are not billed only where there are any."""
        return {
            name: value for name, value in vars(self).items() if value or name != "unbilled_seconds"
        }


@dataclass
class Usage:
    """What an execution used so far."""

    jobs: list[Job] = field(default_factory=list)
    # The bytes that each query of Athena scanned.
    queries: list[float] = field(default_factory=list)
    calls: int = 0
    call_seconds: float = 0.0
    transitions: int = 0
    # Of the steps that were functions.
    step_calls: int = 0
    step_seconds: float = 0.0


def usage(events: Iterable[Mapping[str, Any]], describe: Describe, now: datetime) -> Usage:
    """From an execution's history. `now` ends the jobs that are only being stopped."""
    found = Usage()
    asked: Document | None = None  # what a job was started with, until the history has its end
    began: datetime | None = None
    submitted, is_step = False, False
    for event in events:
        kind = str(event.get("type"))
        if kind.endswith("StateEntered"):
            if asked is not None and submitted:
                found.jobs.append(_job(asked, describe(_kind(asked), _name(asked)), now))
            asked, submitted = None, False
            found.transitions += 1
        elif kind == "TaskScheduled":
            details = mapping(event.get("taskScheduledEventDetails"))
            asked, submitted = _request(details), False
        elif kind == "TaskSubmitted":
            submitted = True
        elif kind in _ENDS and (scanned := _scanned(event, kind)) is not None:
            found.queries.append(scanned)
        elif kind in _ENDS and asked is not None:
            description = _description(event, kind)
            if description or submitted:
                found.jobs.append(
                    _job(asked, description or describe(_kind(asked), _name(asked)), now)
                )
            asked, submitted = None, False
        elif kind == "LambdaFunctionScheduled":
            is_step = _is_step(event)
        elif kind == "LambdaFunctionStarted":
            began = parsed_time(event.get("timestamp"))
        elif kind in _CALLED:
            ended = parsed_time(event.get("timestamp"))
            _count(
                found, is_step, max(0.0, (ended - began).total_seconds()) if began and ended else 0
            )
            began = None
    if asked is not None and submitted:
        found.jobs.append(_job(asked, describe(_kind(asked), _name(asked)), now))
    return found


def _is_step(event: Mapping[str, Any]) -> bool:
    """Is it a step's function that is called?"""
    called = mapping(event.get("lambdaFunctionScheduledEventDetails")).get("resource")
    return _STEP_FUNCTION.search(str(called)) is not None


def _count(found: Usage, is_step: bool, seconds: float) -> None:
    if is_step:
        found.step_calls += 1
        found.step_seconds += seconds
    else:
        found.calls += 1
        found.call_seconds += seconds


def bill(
    used: Usage, prices: Prices, memory_gb: float, step_memory_gb: float = 0.0
) -> dict[str, Any]:
    """The cost of an execution: {usd, unknown, jobs, functions, steps, workflow}.

    `usd` is the sum of what is known; `unknown` names what is not in it. `steps` are those that
    were functions. `saved_usd` is what spot machines saved, where there were any.
    """
    jobs = [(job, job.usd(prices)) for job in used.jobs]
    gb_seconds = used.call_seconds * memory_gb
    step_gb_seconds = used.step_seconds * step_memory_gb
    parts = {
        "functions": _calls(prices.gb_second, gb_seconds, prices, used.calls),
        "steps": _calls(prices.step_gb_second, step_gb_seconds, prices, used.step_calls),
        "workflow": _times(prices.transition, used.transitions),
    }
    if used.queries:
        parts["queries"] = _sum(*map(prices.query, used.queries))
    unknown = [job.name for job, usd in jobs if usd is None]
    unknown += [name for name, usd in parts.items() if usd is None]
    saved = sum(job.saved_usd(prices) for job, _ in jobs)
    whole = sum(usd or 0.0 for _, usd in jobs) + sum(usd or 0.0 for usd in parts.values())
    return {
        "usd": round(whole, _DIGITS),
        "unknown": unknown,
        "jobs": [{**job.document(), "usd": _rounded(usd)} for job, usd in jobs],
        **({"saved_usd": round(saved, _DIGITS)} if saved else {}),
        "functions": {
            "calls": used.calls,
            "gb_seconds": round(gb_seconds, 3),
            "usd": _rounded(parts["functions"]),
        },
        "steps": {
            "calls": used.step_calls,
            "gb_seconds": round(step_gb_seconds, 3),
            "usd": _rounded(parts["steps"]),
        },
        "workflow": {"transitions": used.transitions, "usd": _rounded(parts["workflow"])},
        **(
            {
                "queries": {
                    "scanned_bytes": int(sum(used.queries)),
                    "usd": _rounded(parts["queries"]),
                }
            }
            if used.queries
            else {}
        ),
    }


def parsed_time(value: object) -> datetime | None:
    """A time of a history: as boto3 has it, or as text."""
    return value if isinstance(value, datetime) else parsed(value)


def _request(details: Document) -> Document | None:
    """The request of a job; None for any other task."""
    asked = _document(details.get("parameters"))
    service, call = details.get("resourceType"), str(details.get("resource"))
    is_job = service == "sagemaker" and any(call.startswith(f"create{kind}Job") for kind in _KINDS)
    return asked if is_job and _kind(asked) else None


def _scanned(event: Mapping[str, Any], kind: str) -> float | None:
    """The bytes that the query scanned whose end this is; a failed one is not billed."""
    details, name = _ENDS[kind]
    query = mapping(_document(mapping(event.get(details)).get(name)).get("QueryExecution"))
    if not query or mapping(query.get("Status")).get("State") == "FAILED":
        return None
    return finite(mapping(query.get("Statistics")).get("DataScannedInBytes"))


def _description(event: Mapping[str, Any], kind: str) -> Document:
    details, name = _ENDS[kind]
    found = _document(mapping(event.get(details)).get(name))
    return found if _kind(found) else {}


def _job(asked: Document, described: Document | None, now: datetime) -> Job:
    chosen = _cluster(mapping(described))
    machine = _machine(chosen if "SelectedInstanceType" in chosen else _cluster(asked))
    count = finite(machine.get("InstanceCount"))
    seconds = None if described is None else _seconds(described, _kind(asked), now)
    billed = finite(mapping(described).get("BillableTimeInSeconds"))
    unbilled = 0.0
    if asked.get("EnableManagedSpotTraining") and billed is not None:
        took = finite(mapping(described).get("TrainingTimeInSeconds"))
        seconds, unbilled = billed, max(0.0, (took or billed) - billed)
    return Job(
        name=_name(asked),
        instance_type=str(machine.get("InstanceType")),
        instances=int(count) if count and count > 0 else 1,
        seconds=seconds,
        kind=_kind(asked).lower(),
        unbilled_seconds=unbilled,
    )


def _cluster(document: Document) -> Document:
    """The machines of a request or a description."""
    of_processing = mapping(mapping(document.get("ProcessingResources")).get("ClusterConfig"))
    return mapping(document.get("ResourceConfig")) or of_processing


def _machine(cluster: Document) -> Document:
    """{InstanceType, InstanceCount}; of several preferred ones that which the job had, or the first
    where it had none."""
    preferred = mappings(cluster.get("InstancePreferences"))
    if "SelectedInstanceType" in cluster:
        return {name: cluster.get(f"Selected{name}") for name in ("InstanceType", "InstanceCount")}
    return preferred[0] if preferred else cluster


def _seconds(described: Document, kind: str, now: datetime) -> float | None:
    """How long the job had its machines: none while it had none, until now while it has them."""
    began, ended = described.get(f"{kind}StartTime"), described.get(f"{kind}EndTime")
    if began is None:
        return 0.0
    if ended is None and described.get(f"{kind}JobStatus") in ("InProgress", "Stopping"):
        ended = now
    return seconds_between(_plain(began), _plain(ended))


def _plain(moment: object) -> object:
    return moment.isoformat() if isinstance(moment, datetime) else moment


def _kind(document: Document) -> str:
    """Processing or Training, of a request or a description; empty for anything else."""
    return next((kind for kind in _KINDS if f"{kind}JobName" in document), "")


def _name(asked: Document) -> str:
    return str(asked[f"{_kind(asked)}JobName"])


def _document(text: object) -> Document:
    """The JSON object in a text; empty for anything else."""
    try:
        return mapping(json.loads(text)) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}


def _calls(rate: float | None, gb_seconds: float, prices: Prices, calls: int) -> float | None:
    return _sum(_times(rate, gb_seconds), _times(prices.request, calls))


def _times(price: float | None, amount: float) -> float | None:
    if amount == 0:
        return 0.0
    return None if price is None else price * amount


def _sum(*parts: float | None) -> float | None:
    known = [each for each in parts if each is not None]
    return sum(known) if len(known) == len(parts) else None


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, _DIGITS)
