"""What failed, in one line a person can act on, from what the platform reports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.names import is_model_name
from core.words.catalogue import say
from core.words.formats import count, one_line
from core.words.steps import translated

# What a failed execution worked on.
Work = Literal["run", "batch", "monitoring"]

LONGEST_MESSAGE = 1000
_STOPPED = "Execution.ABORTED"

# Raised on purpose, with a whole message; any other type is shown with its name.
EXPECTED = frozenset(
    {
        "BatchNotResumableError",
        "BatchRequestError",
        "DefinitionError",
        "EmptyDatasetError",
        "EmptyResultError",
        "ForeignPackageError",
        "ImageMissingError",
        "LockContestedError",
        "MonitorRequestError",
        "NoGatherError",
        "NoLiveReleaseError",
        "ObjectMissingError",
        "QueryError",
        "RejectedCandidateError",
        "ReleaseChangedError",
        "RunNameError",
        "RunRequestError",
        "ServingSourceError",
        "TooManyReleasesError",
        "UnknownColumnError",
        "UnknownFileKindError",
        "UnknownModelError",
        "UnlikeFilesError",
        "UnprovenBatchError",
        "UnreadableResultError",
    }
)

# What SageMaker says where a quota or its own capacity allows no machine.
_NO_MACHINE = re.compile(
    "CapacityError|Insufficient(?:Instance)?Capacity|ResourceLimitExceeded", re.IGNORECASE
)
_OF_JOBS = re.compile(r"\bjobs?\b|\bml\.")
_JOB_STEP = re.compile(r"-(gather|preprocess|train|evaluate|score|monitor)-[0-9a-z]+$")
_ALGORITHM = re.compile(r"AlgorithmError: (.+), exit code: \d+", re.DOTALL)
# What starting a query fails with where Athena cannot parse it.
_REFUSED_QUERY = "Athena.InvalidRequestException"
# Athena's words for a query that reached the limit of its workgroup, whose name has the limit.
_SCANNED_TOO_MUCH = re.compile("bytes scanned limit", re.IGNORECASE)
_LIMIT_OF_WORKGROUP = re.compile(r"-gather-([0-9]+)gb$")
# What a step that is a function raises, with the step's own sentence.
_OF_A_STEP = re.compile(r"(preprocess|train|evaluate|score|monitor): (.+)")
_MODEL_OF_RUN = re.compile(r"(.+)-[0-9]{12}-[0-9a-z]{3}")
_SDK_APPENDIX = re.compile(r"\s*\((?:Service|Status Code|Request ID):? .*\)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """`error` is a name to distinguish failures by, `message` the line."""

    error: str
    message: str
    # SageMaker had no machine for the job, or refused one: nothing of it has run.
    unstarted: bool = False


@dataclass(frozen=True)
class Occurrence:
    """One failed execution, reported by the workflow itself or by its status event.

    `redrives` counts how often the execution had been redriven: each time it can fail anew.
    """

    run: str
    model: str | None
    error: str
    cause: str
    redrives: int = 0

    @property
    def stopped(self) -> bool:
        """Did somebody stop it? Nothing but a person or a command does."""
        return self.error == _STOPPED


def occurrence(event: Mapping[str, Any]) -> Occurrence:
    """Read what Report Failure's state passes, or a "Step Functions Execution Status Change".

    The model is None where the request named none that can exist.
    """
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        return Occurrence(
            run=str(event["run"]),
            model=_model(event.get("model")),
            error=str(event.get("error") or "Unknown"),
            cause=str(event.get("cause") or ""),
            redrives=int(event.get("redrives") or 0),
        )
    status = str(detail["status"])
    # An input that is too large for the event is left out; the run's name still begins with it.
    named = _MODEL_OF_RUN.fullmatch(str(detail["name"]))
    asked = _document(detail.get("input")).get("model")
    return Occurrence(
        run=str(detail["name"]),
        model=_model(asked) or _model(named and named[1]),
        error=str(detail.get("error") or f"Execution.{status}"),
        cause=str(detail.get("cause") or ""),
        redrives=int(detail.get("redriveCount") or 0),
    )


def explain(error: str, cause: str, of: Work = "run") -> Failure:
    """The failure behind an Error and Cause of Step Functions; never raises, never empty."""
    document = _document(cause)
    for kind in ("Processing", "Training"):
        if f"{kind}JobName" in document:
            return _job(document, kind)
    if "QueryExecution" in document:
        return _query(document["QueryExecution"])
    if "errorType" in document or "errorMessage" in document:
        return _function(document)
    words = one_line(_SDK_APPENDIX.sub("", cause))
    if error in ("States.Timeout", "Execution.TIMED_OUT"):
        what = "state" if error == "States.Timeout" else of
        fix = words or say("run.failure.timeout_fix")
        return _failure(error, say(f"run.failure.timeout.{what}", fix=fix))
    if error == _STOPPED:
        stopped = say(f"run.failure.stopped.{of}")
        if words:
            stopped = say("run.failure.of", what=stopped, reason=words)
        return _failure(error, stopped)
    if not words:
        return _failure(error, say("run.failure.no_reason", error=error))
    if error == _REFUSED_QUERY:
        return _failure("GatherFailed", say("run.failure.gather.failed", reason=words))
    # A quota may be of other things than jobs.
    unstarted = _NO_MACHINE.search(error) is not None and _OF_JOBS.search(words) is not None
    # Run Failed repeats what was reported: no name is put before the words twice.
    named = (
        error in EXPECTED
        or error.endswith(("JobFailed", "GatherFailed"))
        or words.startswith(error)
    )
    if not named:
        words = say("run.failure.of", what=error.rsplit(".", 1)[-1], reason=words)
    return _failure(error, words, unstarted=unstarted)


def _job(document: Mapping[str, Any], kind: str) -> Failure:
    """From the description of the job that `.sync` gives as the Cause."""
    name = str(document[f"{kind}JobName"])
    found = _JOB_STEP.search(name)
    step = found[1] if found else kind.lower()
    error = f"{step.capitalize()}JobFailed"
    if document.get("SecondaryStatus") == "MaxWaitTimeExceeded":
        minutes = _waited(document) // 60
        return _failure(error, say("run.failure.job.spot_wait", step=step, minutes=count(minutes)))
    # Before what the job wrote: it was only asked to end, without the reason.
    if limit := _limit_reached(document, kind):
        places = {"step": step, "job": name, "limit": limit}
        if step == "gather":
            return _failure(error, say("run.failure.gather.too_long", **places))
        return _failure(error, say("run.failure.job.too_long", **places))
    told = _told(document)
    written = one_line(told or document.get("FailureReason") or "")
    if written:
        # Where the job has said something itself, it has run.
        reason = "" if told else str(document.get("FailureReason"))
        unstarted = _NO_MACHINE.search(reason) is not None
        words = say("run.failure.of", what=step, reason=translated(written))
        return _failure(error, words, unstarted=unstarted)
    if document.get(f"{kind}JobStatus") != "Stopped":
        return _failure(error, say("run.failure.job.no_reason", step=step, job=name))
    return _failure(error, say("run.failure.job.stopped", step=step, job=name))


def _told(document: Mapping[str, Any]) -> str:
    """What the job has said itself. SageMaker puts a Training job's words into its reason."""
    found = _ALGORITHM.fullmatch(str(document.get("FailureReason") or ""))
    return str(document.get("ExitMessage") or (found and found[1]) or "")


def _query(execution: object) -> Failure:
    """From the GetQueryExecution document that `.sync` gives as the Cause."""
    query = _document(execution)
    status = _document(query.get("Status"))
    reason = one_line(status.get("StateChangeReason") or "")
    limit = _LIMIT_OF_WORKGROUP.search(str(query.get("WorkGroup")))
    if _SCANNED_TOO_MUCH.search(reason) and limit:
        return _failure("GatherFailed", say("run.failure.gather.too_much", gb=limit[1]))
    if status.get("State") == "CANCELLED":
        return _failure("GatherFailed", say("run.failure.gather.stopped"))
    if not reason:
        words = say("run.failure.gather.no_reason", query=query.get("QueryExecutionId"))
        return _failure("GatherFailed", words)
    return _failure("GatherFailed", say("run.failure.gather.failed", reason=reason))


def _limit_reached(document: Mapping[str, Any], kind: str) -> int | None:
    """The job's own time limit in seconds, where that ended it: seen by name, or by its times."""
    limit = _document(document.get("StoppingCondition")).get("MaxRuntimeInSeconds")
    if not isinstance(limit, int):
        return None
    secondary = document.get("SecondaryStatus")
    named = "MaxRuntimeExceeded" in f"{document.get('FailureReason')} {secondary}"
    # On spot machines the time between start and end may have waits in it.
    timed = document.get(f"{kind}JobStatus") == "Stopped" and not document.get(
        "EnableManagedSpotTraining"
    )
    return limit if named or (timed and _seconds(document, kind) >= limit) else None


def _waited(document: Mapping[str, Any]) -> int:
    """The seconds that a job on spot machines had in all."""
    limit = _document(document.get("StoppingCondition")).get("MaxWaitTimeInSeconds")
    return limit if isinstance(limit, int) else 0


def _seconds(document: Mapping[str, Any], kind: str) -> float:
    """How long a job ran; 0 where its times are not given as epoch milliseconds."""
    start, end = document.get(f"{kind}StartTime"), document.get(f"{kind}EndTime")
    if isinstance(start, int | float) and isinstance(end, int | float):
        return (end - start) / 1000
    return 0


def _function(document: Mapping[str, Any]) -> Failure:
    """From the JSON that a Lambda function's exception becomes."""
    error = str(document.get("errorType") or "Lambda.Unknown")
    words = one_line(document.get("errorMessage") or say("run.failure.no_message"))
    found = _OF_A_STEP.fullmatch(words) if error == "StepFailedError" else None
    if found:  # the same failure as of a job
        words = say("run.failure.of", what=found[1], reason=translated(found[2]))
        return _failure(f"{found[1].capitalize()}JobFailed", words)
    if error not in EXPECTED:
        words = say("run.failure.of", what=error, reason=words)
    return _failure(error, words)


def _failure(error: str, message: str, *, unstarted: bool = False) -> Failure:
    return Failure(error, one_line(message, LONGEST_MESSAGE), unstarted)


def _model(name: object) -> str | None:
    return name if isinstance(name, str) and is_model_name(name) else None


def _document(value: object) -> Mapping[str, Any]:
    """The JSON object in a text, or as it is; empty for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}
