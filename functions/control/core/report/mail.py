"""A fact as mail: what happened, in which numbers, and where to look. Pure.

An English subject is in ASCII, which every mail reader shows; SNS takes UTF-8 as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.reading import Estimate
from core.report.fact import Fact, MetricResult, name_of, work_of
from core.report.next_step import next_command
from core.stage.links import Links
from core.words.catalogue import found, say
from core.words.formats import MINUS, decimals, moment, one_line
from core.words.language import speech
from core.words.lists import enumerated
from core.words.metrics import MetricFormat, metric_label
from core.words.people import person
from core.words.reasons import reason_words
from core.words.verdicts import verdict_name
from core.words.widths import width

# Of a subject, set by SNS: less than 100.
LONGEST_SUBJECT = 99
_ASKING = ("release waits", "release reminder")


def subject(fact: Fact) -> str:
    """
    >>> fact = Fact("run failed", "a/0", "kanmon-dev", "dev", "", "", model="churn", run="churn-1")
    >>> subject(fact)
    'kanmon-dev: churn: run failed (churn-1)'
    """
    words = found("mail.event", fact.event) or fact.event
    if fact.event == "candidate registered" and fact.verdict:
        words = enumerated([words, verdict_name(fact.verdict)])
    parts = (fact.stack, name_of(fact), words)
    work = work_of(fact)
    line = ": ".join(part for part in parts if part) + (f" ({work[1]})" if work else "")
    if speech().language == "en":
        line = line.replace(MINUS, "-").encode("ascii", "replace").decode()
    return one_line("".join(c if c.isprintable() else " " for c in line))[:LONGEST_SUBJECT]


def text(fact: Fact, links: Links) -> str:
    """The body. Its commands name the stage."""
    about = name_of(fact) if fact.event.startswith("release") else fact.model
    about = about or (
        say("run.unknown_model") if work_of(fact) else say("mail.of_stage", stage=fact.stage)
    )
    headline = say(f"mail.headline.{fact.event}", name=one_line(about))
    lines = [(label, one_line(value)) for label, value in _facts(fact, links)]
    most = max(width(label) for label, _ in lines) + 2
    table = [f"{label}{' ' * (most - width(label))}{value}" for label, value in lines]
    said = [one_line(line) for line in fact.summary.splitlines()]
    return "\n".join([headline, "", *said, "", *table, ""])


def _facts(fact: Fact, links: Links) -> Iterator[tuple[str, str]]:
    if fact.model:
        yield say("mail.fact.model"), fact.model
    if work := work_of(fact):
        yield say(f"mail.fact.{work[0]}"), work[1]
    if fact.reason:
        yield say("mail.fact.reason"), reason_words(fact.reason)
    if fact.metric:
        yield from results(fact.metric)
    if fact.release is not None:
        yield say("mail.fact.release"), name_of(fact)
    if fact.by:
        yield say("mail.fact.by"), person(fact.by)
    if fact.package_arn:
        yield say("mail.fact.package"), fact.package_arn
    if fact.review_uri:
        page = say("mail.fact.page" if fact.monitoring else "mail.fact.review")
        yield page, links.object(fact.review_uri)
    if fact.event in _ASKING:
        if fact.execution:
            address = links.execution(f"{fact.stack}-release", fact.execution)
            yield say("mail.fact.approve"), address
        decide = say("mail.decide", release=name_of(fact), stage=fact.stage)
        yield say("mail.fact.decide"), decide
    elif fact.execution:
        yield say("mail.fact.pipeline"), links.execution(f"{fact.stack}-release", fact.execution)
    if command := next_command(fact):
        yield say("mail.fact.next"), command
    if fact.until:
        yield say("mail.fact.until"), moment(fact.until)
    yield say("mail.fact.time"), moment(fact.at)


def results(metric: MetricResult) -> Iterator[tuple[str, str]]:
    """The candidate's value, the champion's, and the difference with its interval."""
    write = MetricFormat(decimals([metric.candidate, metric.champion]))

    def known(value: float | None) -> Estimate | None:
        return None if value is None else Estimate(value, None, None)

    value = write.value(known(metric.candidate))
    yield say("mail.fact.metric"), say("mail.metric", metric=metric_label(metric.name), value=value)
    if metric.champion is None:
        return
    yield say("mail.fact.champion"), write.value(known(metric.champion))
    if metric.difference is not None:
        found = Estimate(metric.difference, metric.low, metric.high)
        value, interval = write.difference(found)
        if interval:
            value = say("number.with_interval", value=value, interval=interval)
        yield say("mail.fact.difference"), value
