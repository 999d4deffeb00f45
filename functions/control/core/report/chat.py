"""A fact as a message in a chat channel: the custom notification of AWS's chat service. Pure.

A plain message on the channel's topic is dropped without a word. Nothing in a message decides
anything: its links open pages that ask for a sign-in, and decisions are named as commands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.report.chat_text import plain
from core.report.fact import Fact, MetricResult
from core.stage.links import Links
from core.words.catalogue import say
from core.words.formats import moment

# AWS's own limits are 250 and 8,000 characters; a block of text in Slack has at most 3,000.
LONGEST_TITLE = 250
LONGEST_DESCRIPTION = 2900
LONGEST_VALUE = 400
LONGEST_CONTEXT = 250

_MARKS = {"info": "", "action": "✋ ", "warning": "⚠️ ", "error": "❌ "}
# Where to look further, by event; the page comes first wherever there is one.
_STEPS = {
    "release waits": ("decide",),
    "release reminder": ("decide",),
    "release failed": ("show",),
    "release rolled back": ("show",),
    "run failed": ("logs",),
    "batch failed": ("logs",),
    "monitoring failed": ("logs",),
    "job could not start": ("plan",),
    "late": ("plan",),
    "budget reached": ("cost",),
}


def message(fact: Fact, links: Links) -> str:
    """What is published to the topic."""
    return json.dumps(notification(fact, links), ensure_ascii=False)


def notification(fact: Fact, links: Links) -> dict[str, Any]:
    """The fact in the one form that chat channels show."""
    headline = say(f"mail.headline.{fact.event}", name=_about(fact))
    title = f"{_MARKS[fact.severity]}{plain(f'{fact.stack}: {headline}', LONGEST_TITLE - 3)}"
    thread = _thread(fact)
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": _description(fact),
            "nextSteps": list(_next_steps(fact, links)),
            "keywords": [plain(word, LONGEST_CONTEXT) for word in _keywords(fact)],
        },
        "metadata": {
            **({"threadId": thread} if thread else {}),
            "summary": plain(headline, LONGEST_TITLE),
            "eventType": fact.event,
            "additionalContext": _context(fact),
            # No button of a channel's own: nobody acts from there.
            "enableCustomActions": False,
        },
    }


def _about(fact: Fact) -> str:
    """The release or the model, as commands take it; else the stage."""
    if fact.model is None:
        return fact.stage
    return fact.model if fact.release is None else f"{fact.model}/{fact.release}"


def _thread(fact: Fact) -> str | None:
    """What belongs to one release, or to one piece of work, is one thread.

    But an error or a reminder begins anew: an answer in a thread is easily overlooked.
    """
    if fact.severity == "error" or fact.event == "release reminder":
        return None
    work = fact.run or fact.batch or fact.monitoring
    about = _about(fact) if fact.release is not None else work
    return f"{fact.stack}/{about}"[:LONGEST_CONTEXT] if about else None


def _description(fact: Fact) -> str:
    """The summary, cut where it is too long, and below it the facts, whole."""
    facts = "\n".join(f"*{label}*: {value}" for label, value in _facts(fact))
    left = LONGEST_DESCRIPTION - len(facts) - 2
    summary = ""
    for line in fact.document()["summary"].splitlines():
        shown = plain(line, left - len(summary) - 1) if left > len(summary) + 2 else "…"
        summary += f"{shown}\n"
        if shown.endswith("…"):
            break
    return f"{summary}\n{facts}".strip()


def _facts(fact: Fact) -> Iterator[tuple[str, str]]:
    """Labels, and values that are safe to show."""
    known = {
        "model": fact.model,
        "release": None if fact.release is None else _about(fact),
        "run": fact.run,
        "batch": fact.batch,
        "monitoring": fact.monitoring,
        "metric": _metric(fact.metric),
        "reason": fact.reason,
        "by": fact.by,
        "until": fact.until and moment(fact.until),
        "time": moment(fact.at),
    }
    for name, value in known.items():
        if value:
            yield say(f"mail.fact.{name}"), plain(value, LONGEST_VALUE)


def _metric(metric: MetricResult | None) -> str | None:
    raise NotImplementedError


def _next_steps(fact: Fact, links: Links) -> Iterator[str]:
    if fact.review_uri:
        yield say("chat.step.page", address=links.object(fact.review_uri))
    about = _about(fact)
    work = fact.run or fact.batch or fact.monitoring
    for step in _STEPS.get(fact.event, ()):
        named = work if step == "logs" else about
        if named:
            values = {"name": plain(named, LONGEST_VALUE), "stage": fact.stage}
            yield say(f"chat.step.{step}", **values)


def _keywords(fact: Fact) -> list[str]:
    return [word for word in (fact.stage, fact.event, fact.model) if word]


def _context(fact: Fact) -> dict[str, str]:
    """For what a team may build upon messages; each value short."""
    known = {
        "id": fact.id,
        "severity": fact.severity,
        "stack": fact.stack,
        "stage": fact.stage,
        "model": fact.model,
        "release": None if fact.release is None else str(fact.release),
        "run": fact.run,
        "batch": fact.batch,
        "monitoring": fact.monitoring,
    }
    return {name: plain(value, LONGEST_CONTEXT) for name, value in known.items() if value}
