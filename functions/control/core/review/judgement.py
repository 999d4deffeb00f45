"""The verdict with its reasons: what a reader sees first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.reading import Document, finite, mapping
from core.review.case import Case
from core.review.comparison import compared, direction_words
from core.review.headline import OUTCOME_TONES
from core.review.tables import Cell, Column, Table, Tone, table
from core.words.catalogue import found, say
from core.words.formats import count, counted, fixed, number, percent, sentence, text
from core.words.lists import enumerated
from core.words.metrics import metric_label
from core.words.verdicts import outcome_name

VERDICT_TONES: dict[str, Tone] = {"promote": "good", "hold": "unclear", "reject": "bad"}
# The worst first, and what we do not know before what is fine.
ORDER = {"reject": 0, "hold": 1, "pass": 3}


@dataclass(frozen=True)
class Fact:
    """One of the few numbers at the top."""

    name: str
    value: str
    note: str


def tally(case: Case) -> str:
    """The rules' outcomes counted: "1 failed, 2 uncertain, 9 passed"."""
    outcomes = [rule.get("outcome") for rule in case.rules()]
    counts = [
        say(f"review.rules.tally.{outcome}", count=count(outcomes.count(outcome)))
        for outcome in ORDER
        if outcome in outcomes
    ]
    return enumerated(counts) or say("review.rules.no_rules")


def meaning(verdict: str) -> str:
    """What the verdict means for the reader."""
    key = verdict if verdict in VERDICT_TONES else "unknown"
    return say(f"review.verdict.{key}")


def rules_tables(case: Case) -> tuple[Table | None, Table | None]:
    """(the rules that do not pass, the worst first; the rules that pass)."""
    ordered = sorted(case.rules(), key=_urgency)
    passed = [rule for rule in ordered if rule.get("outcome") == "pass"]
    others = [rule for rule in ordered if rule.get("outcome") != "pass"]
    columns = [
        Column(say("review.rules.outcome"), "short"),
        Column(say("review.rules.rule")),
        Column(say("review.column.value"), "number"),
        Column(say("review.rules.threshold"), "number"),
        Column(say("review.rules.gap"), "number"),
        Column(say("review.rules.reason")),
    ]

    def listed(id: str, caption: str, rules: list[Document], where: str) -> Table | None:
        if not rules:
            return None
        return table(
            id,
            caption,
            columns,
            [_rule_row(case, rule) for rule in rules[: case.limit]],
            case.limit,
            total=len(rules),
            thing="rule",
            where=where,
            header=1,
        )

    return (
        listed(
            "rules-table",
            say("review.rules.caption", tally=tally(case)),
            others,
            say("review.table.in_verdict"),
        ),
        listed(
            "rules-passed",
            say("review.rules.passed", rules=counted(len(passed), "rule")),
            passed,
            say("review.table.passed"),
        ),
    )


def _urgency(rule: Document) -> tuple[int, bool]:
    """Failures first; last what passed without a bar: it only says that something is there."""
    place = ORDER.get(text(rule.get("outcome")), 2)
    return place, place == ORDER["pass"] and finite(rule.get("bar")) is None


def _rule_row(case: Case, rule: Document) -> list[Cell]:
    outcome = text(rule.get("outcome"), say("review.rules.unknown_outcome"))
    metric, segment = rule.get("metric"), rule.get("segment")
    about = [metric_label(metric)] if isinstance(metric, str) and metric else []
    about += [text(segment)] if segment is not None else []
    name = text(rule.get("name"))
    value, threshold, gap = _numbers(case, name, rule)
    return [
        Cell(outcome_name(outcome), tone=OUTCOME_TONES.get(outcome, "unclear")),
        Cell(found("gate.rule", name) or name, note=" · ".join(about)),
        Cell(value),
        Cell(threshold),
        Cell(gap),
        Cell(text(rule.get("words"), say("review.rules.no_reason"))),
    ]


def _numbers(case: Case, name: str, rule: Document) -> list[str]:
    """A rule's value, threshold and gap as its words have them; a dash where it has none."""
    metric = rule.get("metric")
    writers: Sequence[Callable[[float], str]] = (number, number, number)
    if name == "rejected rows":
        writers = (percent, percent, percent)
    elif isinstance(metric, str):
        write = case.write(metric)
        writers = (write.score, write.threshold, write.distance)
    if name.endswith(" non-inferiority") and isinstance(metric, str):
        # The value is a difference, and the threshold the largest loss that is allowed.
        write = case.write(metric)
        numbers = [finite(rule.get(key)) for key in ("value", "bar", "gap")]
        places = write.enough(numbers)
        writers = (
            lambda value: fixed(value, places, sign=True),
            lambda bar: fixed(bar, places, sign=True),
            write.distance,
        )
    numbers = [finite(rule.get(key)) for key in ("value", "bar", "gap")]
    return [
        "–" if value is None else write(value)
        for write, value in zip(writers, numbers, strict=True)
    ]


def facts(case: Case) -> list[Fact]:
    """The primary metric, its difference to the champion, the rules and the rows."""
    primary = case.metrics[0] if case.metrics else None
    shown = []
    if primary:
        name, write = sentence(metric_label(primary)), case.write(primary)
        heading = say("review.fact.candidate", metric=name)
        candidate = write.value(case.scored("candidate", primary))
        shown.append(Fact(heading, candidate, direction_words(case, primary)))
        if case.compares:
            heading = say("review.fact.champion", metric=name)
            champion = write.value(case.scored("champion", primary))
            shown.append(Fact(heading, champion, case.champion_name))
            value, interval = write.difference(case.difference(primary))
            reading = compared(case, primary, case.difference(primary)).words.lower()
            if interval:
                reading = say("review.fact.reading", reading=reading, interval=interval)
            shown.append(Fact(say("review.fact.difference"), value, reading))
    test = mapping(case.evaluation.get("rows")).get("test")
    note = say("review.fact.same_rows") if case.compares else ""
    return [*shown, Fact(say("review.fact.test_rows"), count(test), note)]
