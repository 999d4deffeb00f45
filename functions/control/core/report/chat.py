"""A fact as a message in a chat channel: the custom notification of AWS's chat service. Pure.

A plain message in the channel's topic is dropped without a word. Nothing in a message decides
anything: its link opens a page that asks for a sign-in, and decisions are named as commands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.report.chat_text import address, plain
from core.report.fact import Fact, Severity, name_of, work_of
from core.report.mail import results
from core.report.next_step import next_step
from core.stage.links import Links
from core.words.catalogue import say
from core.words.formats import moment
from core.words.people import person
from core.words.reasons import reason_words

# AWS takes titles of 250 and descriptions of 8,000 characters, Slack blocks of text of 3,000.
LONGEST_TITLE = 250
LONGEST_DESCRIPTION = 2900
LONGEST_VALUE = 300
LONGEST_CONTEXT = 250
# A line of a summary that has less room than this is left out.
_SHORTEST_LINE = 20

_MARKS: Mapping[Severity, str] = {"info": "", "action": "✋ ", "warning": "⚠️ ", "error": "❌ "}


def message(fact: Fact, links: Links) -> str:
    """What is published to the topic."""
    return json.dumps(notification(fact, links), ensure_ascii=False)


def notification(fact: Fact, links: Links) -> dict[str, Any]:
    """The fact in the one form that chat channels show."""
    about = name_of(fact) if fact.event.startswith("release") else fact.model
    headline = say(
        f"mail.headline.{fact.event}", name=about or say("mail.of_stage", stage=fact.stage)
    )
    mark, thread = _MARKS[fact.severity], _thread(fact)
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": mark + plain(f"{fact.stack}: {headline}", LONGEST_TITLE - len(mark)),
            "description": _description(fact),
            "nextSteps": list(_next_steps(fact, links)),
            "keywords": [plain(word, LONGEST_CONTEXT) for word in _keywords(fact)],
        },
        "metadata": {
            **({"threadId": thread} if thread else {}),
            "summary": plain(headline, LONGEST_TITLE),
            "eventType": fact.event,
            "additionalContext": _context(fact),
            # No buttons: nobody acts from a channel.
            "enableCustomActions": False,
        },
    }


def _thread(fact: Fact) -> str | None:
    """What belongs to one release, or to one piece of work, is one thread.

    But an error or a reminder begins anew: an answer in a thread is easily overlooked.
    """
    if fact.severity == "error" or fact.event == "release reminder":
        return None
    work = work_of(fact)
    about = name_of(fact) if fact.release is not None else work[1] if work else ""
    return plain(f"{fact.stack}/{about}", LONGEST_CONTEXT) if about else None


def _description(fact: Fact) -> str:
    """The summary, cut where it is too long, and below it the facts, all of them."""
    facts = "\n".join(f"*{label}*: {value}" for label, value in _facts(fact))
    left = LONGEST_DESCRIPTION - len(facts) - 1
    lines = []
    for line in fact.summary.splitlines():
        if left < _SHORTEST_LINE:
            lines.append("…")
            break
        lines.append(plain(line, left - 2))
        left -= len(lines[-1]) + 1
    return "\n".join([*lines, "", facts])


def _facts(fact: Fact) -> Iterator[tuple[str, str]]:
    """Labels, and values that are safe to show."""
    known: list[tuple[str, str | None]] = [(say("mail.fact.model"), fact.model)]
    if fact.release is not None:
        known.append((say("mail.fact.release"), name_of(fact)))
    if work := work_of(fact):
        known.append((say(f"mail.fact.{work[0]}"), work[1]))
    known.append((say("mail.fact.reason"), fact.reason and reason_words(fact.reason)))
    known += results(fact.metric) if fact.metric else ()
    known.append((say("mail.fact.by"), fact.by and person(fact.by)))
    known.append((say("mail.fact.until"), fact.until and moment(fact.until)))
    known.append((say("mail.fact.time"), moment(fact.at)))
    for label, value in known:
        if value:
            yield label, plain(value, LONGEST_VALUE)


def _next_steps(fact: Fact, links: Links) -> Iterator[str]:
    if fact.review_uri:
        yield say("chat.page", address=address(links.object(fact.review_uri)))
    step = next_step(fact)
    if step is None:
        return
    kind, named = step
    name, stage = plain(named, LONGEST_VALUE), plain(fact.stage, LONGEST_VALUE)
    # Without a name where it is about the stage: a command takes none then.
    yield " ".join(say(f"chat.step.{kind}", name=name, stage=stage).split())


def _keywords(fact: Fact) -> list[str]:
    return [word for word in (fact.stage, fact.event, fact.model) if word]


def _context(fact: Fact) -> dict[str, str]:
    """For what a team may build upon the messages; each value is short."""
    known = {
        "id": fact.id,
        "severity": fact.severity,
        "stack": fact.stack,
        "stage": fact.stage,
        "model": fact.model,
        "release": None if fact.release is None else str(fact.release),
        **dict([work_of(fact) or ("run", None)]),
    }
    return {name: plain(value, LONGEST_CONTEXT) for name, value in known.items() if value}
