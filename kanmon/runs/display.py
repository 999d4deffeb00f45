"""A run on the terminal: verdict with reasons, metrics beside the champion's, states.

Pure: documents of a run in, lines out.
"""

from collections.abc import Mapping
from typing import Any

from core.reading import estimate, finite, mapping, part
from core.runs.gathering_job import is_of_a_job
from core.usage.sizing_words import memory, place_words, sizing_words
from core.words.formats import counted, dollars, duration, one_line, size
from core.words.metrics import metric_format, metric_label
from core.words.verdicts import without_verdict
from kanmon.terminal.screen import coloured, faint, table

Document = dict[str, Any]
INDENT = "  "
# Rules that failed are always shown; rules that passed only up to this many.
MOST_RULES = 12
LONGEST_FAILURE = 600
MOST_WARNINGS = 3
MOST_QUERY_LINES = 20


def verdict_lines(verdict: Document) -> list[str]:
    """The verdict, then every rule with its outcome, the failed ones first.

    The rule that decides is in the verdict's line and in the list: the list is complete.
    """
    order = {"reject": 0, "hold": 1, "pass": 2}
    rules = sorted(verdict.get("rules", []), key=lambda rule: order.get(rule["outcome"], 3))
    word = str(verdict["verdict"])
    reasons = without_verdict(str(verdict["summary"]), word)
    # Several rules can have the same words, such as "no champion yet": they are shown once.
    found = dict.fromkeys(
        (str(rule["outcome"]), str(rule["words"]))
        for rule in rules
        if not _shown_with_metrics(rule)
    )
    kept = [one for one in found if one[0] != "pass"]
    kept += [one for one in found if one[0] == "pass"][: max(0, MOST_RULES - len(kept))]
    lines = table([[coloured(outcome), words] for outcome, words in kept])
    if len(kept) < len(found):
        lines.append(faint(f"and {len(found) - len(kept)} more pass"))
    notes = [f"{INDENT}{note}" for note in verdict.get("notes", [])]
    return [
        f"Verdict   {coloured(word)}: {reasons}",
        *(f"{INDENT}{line}" for line in lines),
        *notes,
    ]


def _shown_with_metrics(rule: Document) -> bool:
    """Is it shown anyway, in the table of metrics?"""
    return rule.get("name") == "metric computed" and rule["outcome"] == "pass"


def step_lines(verdict: object) -> list[str]:
    """What each step worked on, what it used, and the machine that it needs; nothing of a run that
    was not judged, or by an earlier version."""
    sizing = mapping(mapping(verdict).get("sizing"))
    steps = {step: mapping(each) for step, each in sizing.items()}
    rows = [
        [
            step.capitalize(),
            "" if each.get("seconds") is None else duration(each["seconds"]),
            place_words(each),
            _busy(each),
            "" if each.get("disk_mb") is None else memory(each["disk_mb"]),
            sizing_words(each),
        ]
        for step, each in steps.items()
    ]
    heading = ["", "worked", "on", "processors", "disk", "machine"]
    lines = table(rows, heading, "lrlrrl")
    return ["Steps", *(f"{INDENT}{line}" for line in lines)] if lines else []


def _busy(sizing: Mapping[str, Any]) -> str:
    """How many processors were busy on average, of how many."""
    busy, whole = finite(sizing.get("processors_busy")), finite(sizing.get("processors"))
    return "" if busy is None or whole is None else f"{busy:.1f} of {whole:.0f}"


def metric_lines(evaluation: Document, champion_release: int | None = None) -> list[str]:
    """One line per metric: the candidate with its interval, the champion, the difference."""
    champion = evaluation.get("champion")
    heading = ["", "candidate", "95 % interval"]
    if champion:
        heading += ["champion", "difference", "95 % interval"]
    lines = [f"{INDENT}{line}" for line in table(metric_rows(evaluation), heading, "lrlrrl")]
    return [
        f"Metrics   on {_rows(evaluation)}{_against(champion, champion_release)}",
        *lines,
    ]


def metric_rows(evaluation: Document) -> list[list[str]]:
    """Per metric: its label, the candidate's value and interval; with a champion also its value,
    the difference and that one's interval."""
    champion = evaluation.get("champion")
    rows = []
    for name in evaluation.get("metrics", []):
        write = metric_format(evaluation, name)
        candidate = estimate(part(evaluation, "candidate", "metrics").get(name))
        row = [metric_label(name), write.value(candidate), write.interval(candidate)]
        if champion:
            theirs = estimate(part(evaluation, "champion", "metrics").get(name))
            difference = estimate(part(evaluation, "difference").get(name))
            row += [write.value(theirs), *write.difference(difference)]
        rows.append(row)
    return rows


def warning_lines(evaluation: Document) -> list[str]:
    """The first warnings about the data; the review page has them all."""
    every = warnings_of(evaluation)
    lines = [
        f"{coloured('warn', 'Warning')}   {one_line(words, LONGEST_FAILURE)}"
        for words in every[:MOST_WARNINGS]
    ]
    more = len(every) - MOST_WARNINGS
    return [*lines, faint(f"{INDENT}and {more} more on the review page")] if more > 0 else lines


def rung_lines(verdict: Document) -> list[str]:
    """A line for each step that was begun as a function and went on as a job, or could not begin
    as one, or for which there was no spot machine."""
    ran = {step: mapping(place) for step, place in part(verdict, "ran").items()}
    why = {step: place.get("why") for step, place in ran.items() if not place.get("left_lambda")}
    older = ", ".join(step for step, reason in why.items() if reason == "other image")
    words = [
        *(
            f"{step}: a job, because no function has the model's own image"
            for step, reason in why.items()
            if reason == "own image"
        ),
        *([f"{older}: a job, because the function has older code; deploy again"] if older else []),
    ]
    for name, what in (("left_lambda", "as a job"), ("left_spot", "without a spot machine")):
        words += [
            f"{step} went on {what}: {one_line(place[name], LONGEST_FAILURE)}"
            for step, place in ran.items()
            if place.get(name)
        ]
    return [f"Note      {each}" for each in words]


def search_lines(verdict: Document, evaluation: Document) -> list[str]:
    """What a search for parameters came to; nothing of a run without one."""
    found = part(verdict, "search")
    if not found:
        return []
    write = metric_format(evaluation, str(found.get("metric")))

    def value(known: object) -> str:
        number = finite(known)
        return "none" if number is None else write.score(number)

    best = part(found, "best")
    failed = found.get("failed")
    words = (
        f"{counted(found.get('trials', 0), 'trial')}{f' ({failed} failed)' if failed else ''}, "
        f"best {metric_label(str(found.get('metric')))} {value(best.get('value'))} "
        f"(trial {best.get('trial')}), own parameters {value(found.get('own'))}, on the "
        "validation rows"
    )
    ended = "; ended by its minutes, so not repeatable"
    return [f"Search    {words}{ended if found.get('stopped_by') == 'minutes' else ''}"]


def warnings_of(evaluation: Document) -> list[str]:
    """The warnings of the steps about the data."""
    return [str(words) for words in part(evaluation, "data").get("warnings") or ()]


def _rows(evaluation: Document) -> str:
    return counted(part(evaluation, "rows").get("test", 0), "test_row")


def _against(champion: Document | None, release: int | None) -> str:
    if not champion:
        return "; there is no champion yet"
    named = f"release {release}" if release else f"version {champion.get('version')}"
    return f"; the champion is {named} (run {champion.get('run')})"


def gather_lines(gather: Document) -> list[str]:
    """What made a run's data: the job and its files, or the query, what it gave, scanned and cost,
    and its text."""
    if is_of_a_job(gather):
        return _job_lines(gather)
    usd = gather.get("usd")
    cost = "of unknown cost" if usd is None else f"{dollars(usd)} US dollars"
    rows, scanned = counted(gather["rows"], "row"), size(gather["scanned_bytes"])
    query = str(gather["query"]).splitlines()
    more = len(query) - MOST_QUERY_LINES
    return [
        f"Gathered     {rows} from the database {gather['database']}",
        f"Scanned      {scanned} of at most {gather['maximum_gb']} GB, {cost}; "
        f"query {gather['query_id']}",
        "Query",
        *(f"{INDENT}{line}" for line in query[:MOST_QUERY_LINES]),
        *([faint(f"{INDENT}and {counted(more, 'line')} more in run.json")] if more > 0 else []),
    ]


def _job_lines(gather: Document) -> list[str]:
    files, written = counted(gather["files"], "file"), int(gather["written"])
    names = [str(name) for name in gather["names"]]
    more = written - len(names)
    shown = [*names, f"and {counted(more, 'file')} more"] if more > 0 else names
    stored = f"stored {', '.join(shown)}" if shown else "all of them there already"
    secret = gather.get("secret")
    return [
        f"Gathered     {files}, {size(gather['bytes'])}, by gather.py; {stored}",
        f"Job          {gather['job']}",
        *([f"Secret       {secret}"] if secret else []),
    ]


def package_line(arn: str, status: str | None) -> str:
    """The registered package and its status."""
    return f"Package   {arn}" + (f"  {coloured(status)}" if status else "")


def failure_words(error: str, cause: str) -> str:
    """A failed execution in one line: its cause, else the name of its error."""
    return one_line(cause, LONGEST_FAILURE) or error or "no reason was given"


def problem_line(status: str, words: str) -> str:
    """How an execution ended that did not succeed, as a line of a page.

    >>> problem_line("ABORTED", "wrong data"), problem_line("FAILED", "no rows")
    ('Stopped   wrong data', 'Failed    no rows')
    """
    label = {"ABORTED": "Stopped", "TIMED_OUT": "Too long"}.get(status, "Failed")
    return f"{label:<10}{words}"


def state_line(state: str, seconds: str, attempts: int, width: int = 28) -> str:
    """A state: its name, its duration, and its attempts if there were several."""
    more = faint(f"  in {attempts} attempts") if attempts > 1 else ""
    return f"{INDENT}{state:<{width}}{seconds:>12}{more}"
