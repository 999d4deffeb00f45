"""The digest of some days: what ran, waits, changed, drifted and cost, and what comes next. Pure.

Its document has the planner's input and decision (docs/planning.md), and what the stage's records
say of the days; core.plan.digest_input gathers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.reading import finite, mapping, mappings, one_or_more
from core.words.catalogue import say
from core.words.formats import counted, day, dollars, moment, one_line, parsed
from core.words.language import speech
from core.words.lists import enumerated
from core.words.people import person

_EVERY: Mapping[str, Callable[[object], str]] = {
    "retrain": lambda count: counted(count, "retraining"),
    "score": lambda count: counted(count, "batch"),
    "monitor": lambda count: counted(count, "monitoring"),
}
# What moves a release, and what a monitoring finds; the rest of the facts is in "what ran".
_SERVICE = (
    *("release promoted", "release rolled back", "release back in service", "release withdrawn"),
    *("release approved", "release rejected", "release expired", "release failed"),
)
_WATCHED = ("drift found", "quality dropped", "monitoring recovered")
# Why work that something asks for waits for longer than the next tick.
_HELD = ("no release", "model budget", "stage budget", "could not start", "queue")
LONGEST_LINE = 300
# Of a longer part the rest is counted: a mail is read, or not.
MOST_LINES = 40


@dataclass(frozen=True)
class Part:
    """A heading and its lines."""

    name: str
    lines: tuple[str, ...]

    @property
    def heading(self) -> str:
        return say(f"digest.heading.{self.name}")


def beginning(until: datetime, days: int) -> datetime:
    """Where a digest of so many days begins: at the same time of day in the stage's time zone, so
    that it meets the end of the one before also where the clocks change between them."""
    return (until.astimezone(speech().zone) - timedelta(days=days)).astimezone(UTC)


def digest(document: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts, each with at least one line."""
    found = {
        "ran": _ran(document),
        "waits": _waits(document),
        "service": _facts(document, _SERVICE),
        "drifted": _drifted(document),
        "cost": _cost(document),
        "next": _next(document),
    }
    return tuple(Part(name, _cut(list(lines))) for name, lines in found.items())


def title(document: Mapping[str, Any]) -> str:
    return say("digest.title", first=_day(document["from"]), last=_day(document["until"]))


def _day(at: object) -> str:
    """The day of a moment, where the stage is."""
    known = parsed(at)
    return day(known.astimezone(speech().zone).date() if known else at)


def text(document: Mapping[str, Any]) -> str:
    """The whole, for mail and terminal."""
    parts = [
        f"{one.heading}\n" + "\n".join(f"- {line}" for line in one.lines)
        for one in digest(document)
    ]
    return "\n\n".join([title(document), *parts])


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    shown = [one_line(line, LONGEST_LINE) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(say("digest.more", lines=counted(len(lines) - MOST_LINES, "line")))
    return tuple(shown) or (say("digest.nothing"),)


# ---- what ran


def _ran(document: Mapping[str, Any]) -> Iterator[str]:
    for model, works in sorted(mapping(document.get("work")).items()):
        said = [
            _counts(work, mapping(works[work]))
            for work in _EVERY
            if mapping(works.get(work)).get("count")
        ]
        if said:
            yield say("digest.of_model", model=model, what=enumerated(said))


def _counts(work: str, one: Mapping[str, Any]) -> str:
    """How many there were, and how many of them ended otherwise than well."""
    every = _EVERY[work](one["count"])
    apart = [
        say(f"digest.ended.{kind}", count=one[kind])
        for kind in ("failed", "stopped", "nothing_new", "running")
        if one.get(kind)
    ]
    return say("digest.counts", every=every, apart=enumerated(apart)) if apart else every


# ---- what waits


def _waits(document: Mapping[str, Any]) -> Iterator[str]:
    models = mapping(document.get("models"))
    for model, each in sorted(models.items()):
        paused = mapping(each.get("paused"))
        problem = mapping(each.get("definition")).get("problem")
        for waiting in one_or_more(each.get("waiting")):
            yield say(
                "digest.waits.release",
                name=f"{model}/{waiting['release']}",
                since=moment(waiting.get("since")),
                until=moment(waiting.get("until")),
            )
        if paused:
            by = person(str(paused.get("by") or ""))
            values = {"since": moment(paused.get("at")), "reason": str(paused.get("reason"))}
            yield say("digest.waits.paused", model=model, by=by, **values)
        if problem:
            yield say("digest.waits.definition", model=model, problem=str(problem))
    for wait in mappings(mapping(document.get("decision")).get("waits")):
        if wait.get("reasons") and wait.get("code") in _HELD:
            work = say(f"plan.work.{wait['work']}")
            yield say("digest.waits.work", model=wait["model"], work=work, because=wait["because"])


# ---- what changed, and what drifted


def _facts(document: Mapping[str, Any], events: Sequence[str]) -> Iterator[str]:
    """Those of these events, the newest first: the others may be cut."""
    for fact in reversed(list(mappings(document.get("facts")))):
        if fact.get("event") in events:
            release = fact.get("release")
            about = str(fact.get("model") or "")
            yield say(
                "digest.fact",
                at=moment(fact.get("at")),
                name=f"{about}/{release}" if release else about,
                event=say(f"digest.event.{fact['event']}"),
            )


def _drifted(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _facts(document, _WATCHED)
    for model, each in sorted(mapping(document.get("models")).items()):
        watch = mapping(each.get("watch"))
        if watch.get("state") == "alarm":
            yield say("digest.alarm", model=model, monitoring=watch.get("monitoring"))


# ---- what it cost


def _cost(document: Mapping[str, Any]) -> Iterator[str]:
    spent = {
        model: sum(finite(mapping(one).get("usd")) or 0.0 for one in works.values())
        for model, works in mapping(document.get("work")).items()
    }
    yield say("digest.cost.days", usd=dollars(sum(spent.values())))
    stage, models = mapping(document.get("stage")), mapping(document.get("models"))
    month = dollars(finite(stage.get("spent_usd")) or 0.0)
    yield say("digest.cost.month", usd=month) + _limit(stage.get("budget_usd"), stage)
    for model, usd in sorted(spent.items(), key=lambda each: (-each[1], each[0])):
        content = mapping(models.get(model))
        limit = _limit(mapping(content.get("definition")).get("budget_usd"), content)
        if usd or limit:
            month = dollars(finite(content.get("spent_usd")) or 0.0)
            yield say("digest.cost.model", model=model, usd=dollars(usd), month=month) + limit


def _limit(budget: object, content: Mapping[str, Any]) -> str:
    """The budget behind an amount; nothing where there is none."""
    known = finite(budget)
    if known is None:
        return ""
    allowed = sum(finite(each.get("usd")) or 0.0 for each in mappings(content.get("allowed")))
    limit = dollars(known + allowed)
    if allowed:
        limit = say("plan.allowance.budget", budget=limit, allowed=dollars(allowed))
    return say("digest.cost.budget", budget=limit)


# ---- what comes next


def _next(document: Mapping[str, Any]) -> Iterator[str]:
    coming = [
        (due, model, work)
        for model, works in mapping(mapping(document.get("decision")).get("next")).items()
        for work, due in mapping(works).items()
        if due
    ]
    for due, model, work in sorted(coming):
        yield say("digest.due", at=moment(due), model=model, work=say(f"plan.work.{work}"))
