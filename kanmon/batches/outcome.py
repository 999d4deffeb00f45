"""How a batch ended: lines for people, one document for programs."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from core.usage.sizing_words import machine_words
from core.words.formats import counted, dollars, duration
from kanmon.errors import FAILED, OK
from kanmon.labels.scored_inputs import common_folder_of
from kanmon.runs import execution
from kanmon.runs.display import failure_words
from kanmon.runs.outcome import Outcome
from kanmon.stage.connection import read_json, stage_flag

if TYPE_CHECKING:
    from kanmon.runs.execution import Ending
    from kanmon.stage.connection import Connection

# Of features with missing or unknown values, so many are shown.
MOST_FEATURES = 5
# In the messages of the step: what it offers for a file that lacks a column, and what it ends with
# where a resume cannot help.
LACKING, NEW_BATCH = "`--allow-missing ", "start a new batch"
Remedy = Literal["correct", "correct or allow", "start anew", "resume"]
_SEVERAL = re.compile(r"\d[\d,]* problems with the data")


def manifest_key(model: str, batch: str) -> str:
    """Where the batch's manifest is."""
    return f"batches/{model}/{batch}/manifest.json"


def describe(connection: "Connection", model: str, batch: str, ending: "Ending") -> Outcome:
    """Describe the end of an execution that worked on the batch."""
    flag = stage_flag(connection.name)
    base: dict[str, Any] = {
        "batch": batch,
        "model": model,
        "stage": connection.name,
        "status": ending.status,
        "seconds": round(ending.seconds, 2),
    }
    if ending.status == execution.RUNNING:
        return Outcome([f"Batch {batch} is still running."], base)
    if ending.status != "SUCCEEDED":
        words = failure_words(ending.error, ending.cause).rstrip(".")
        what = {"ABORTED": "was stopped", "TIMED_OUT": "took too long"}.get(ending.status, "failed")
        advice = what_next(connection, model, batch, words, flag)
        line = f"batch {batch} {what}: {words}.{advice}"
        return Outcome([], base | {"error": ending.error, "message": words}, FAILED, line)
    manifest = read_json(connection, manifest_key(model, batch)) or {}
    shown = ("release", "rows", "cost", "sizing", "missing", "unknown", "options")
    document = base | {name: manifest.get(name) for name in shown}
    document |= {"outcome": ending.output.get("outcome"), "summary": ending.output.get("summary")}
    return Outcome(_lines(batch, manifest, ending, flag), document, OK)


def what_next(connection: "Connection", model: str, batch: str, words: str, flag: str) -> str:
    """What to do about a batch that ended with these words; nothing where it was never planned."""
    plan = read_json(connection, f"batches/{model}/{batch}/plan.json")
    if plan is None:
        return ""
    log = f" `kanmon logs {batch}{flag}` shows its job's log."
    remedy = remedy_of(words, plan)
    if remedy in ("correct", "correct or allow"):
        allow = (
            ", or allow what they lack with --allow-missing NAME," if remedy != "correct" else ""
        )
        return f"{log} Correct the files{allow} and start a new batch: a resume fails again."
    if remedy == "start anew":
        return log
    return f"{log} `kanmon score-batch {model} --resume {batch}{flag}` scores what is missing."


def remedy_of(words: str, plan: Mapping[str, Any]) -> Remedy:
    """What helps a batch that failed with these words, which say so themselves where only a new
    batch does.

    >>> plan = {"objects": [{"key": "in/a.csv"}]}
    >>> remedy_of("score: a.csv: is not UTF-8; write it again", plan)
    'correct'
    >>> remedy_of("score: a.csv, column b: is missing; score with `--allow-missing b`", plan)
    'correct or allow'
    >>> remedy_of("score: the job was stopped", plan)
    'resume'
    """
    if is_of_files(words, plan):
        return "correct or allow" if LACKING in words else "correct"
    return "start anew" if words.endswith(NEW_BATCH) else "resume"


def is_of_files(words: str, plan: Mapping[str, Any]) -> bool:
    """Is it the job's message about the batch's files? A resume reads the same files.

    >>> plan = {"objects": [{"key": "in/a.csv"}]}
    >>> is_of_files("score: a.csv, column age: is missing; add it to the file", plan)
    True
    >>> is_of_files("score: the job was stopped", plan)
    False
    """
    said = words.removeprefix("score: ")
    keys = [str(one["key"]) for one in plan.get("objects", ())]
    shared = common_folder_of(keys)
    # As contract.problem begins a message.
    begins = tuple(f"{key.removeprefix(shared)}{end}" for key in keys for end in (":", ",", " "))
    return bool(_SEVERAL.match(said)) or (said != words and said.startswith(begins))


def _lines(batch: str, manifest: dict[str, Any], ending: "Ending", flag: str) -> list[str]:
    if not manifest:
        return [str(ending.output.get("summary") or f"batch {batch} is scored")]
    rows, usd = manifest["rows"], manifest["cost"]["usd"]
    took = f"Took      {duration(manifest['seconds'])}"
    if usd is not None:
        took += f", about {dollars(usd)} US dollars"
    lines = [
        f"Rows      {counted(rows['rows_in'], 'row')} in: {counted(rows['scored'], 'row')} scored, "
        f"{counted(rows['rejected'], 'row')} rejected",
        f"Release   {manifest['model']}/{manifest['release']['number']}",
        *_features("Missing", manifest["missing"]),
        *_features("Unknown", manifest["unknown"]),
        took,
        *_machine(manifest),
        f"`kanmon fetch {batch}{flag}` downloads the scores; --csv makes a spreadsheet of them.",
    ]
    if rows["rejected"]:
        lines.append(f"`kanmon fetch {batch} --rejects{flag}` downloads why rows were rejected.")
    return lines


def _machine(manifest: dict[str, Any]) -> list[str]:
    """What it was scored on, and the machine that it needs; nothing of an earlier version."""
    found = manifest.get("sizing")
    return [f"Machine   {machine_words(found)}"] if found else []


def _features(label: str, found: dict[str, int]) -> list[str]:
    """In how many rows features had no value, or one that training did not see."""
    if not found:
        return []
    most = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    words = [f"{name} in {counted(rows, 'row')}" for name, rows in most[:MOST_FEATURES]]
    more = len(most) - len(words)
    if more > 0:
        words.append(f"{counted(more, 'feature')} more")
    return [f"{label:<10}{', '.join(words)}"]
