"""The verdict with its reasons: what a reader sees first."""

from dataclasses import dataclass

from core.numbers import finite
from core.review.case import Case
from core.review.comparison import compared, direction_words
from core.review.reading import Document, mapping
from core.review.tables import Cell, Column, Table, Tone, table
from core.review.wording import count, estimated, metric_label, number, sentence, text

OUTCOME_TONES: dict[str, Tone] = {"pass": "good", "hold": "unclear", "reject": "bad"}
VERDICT_TONES: dict[str, Tone] = {"promote": "good", "hold": "unclear", "reject": "bad"}
VERDICT_MEANINGS = {
    "promote": "Every rule of the gate passed.",
    "hold": "No rule rejects it, but a person has to weigh what is held.",
    "reject": "At least one rule of the gate rejects it.",
}
# The worst first, and what we do not know before what is fine.
ORDER = {"reject": 0, "hold": 1, "pass": 3}


@dataclass(frozen=True)
class Fact:
    """One of the few numbers at the top."""

    name: str
    value: str
    note: str


def tally(case: Case) -> str:
    """The rules' outcomes counted: "1 rejects, 2 hold, 9 pass"."""
    outcomes = [rule.get("outcome") for rule in case.rules()]
    words = (("reject", "reject"), ("hold", "hold"), ("pass", "pass"))
    said = [
        f"{found} {word if found != 1 else word + ('es' if word == 'pass' else 's')}"
        for outcome, word in words
        if (found := outcomes.count(outcome))
    ]
    return ", ".join(said) or "no rules"


def rules_table(case: Case) -> Table:
    """Every rule of the gate, failures first."""
    ordered = sorted(case.rules(), key=_urgency)
    columns = [
        Column("Outcome", "short"),
        Column("Rule"),
        Column("Value", "number"),
        Column("Bar", "number"),
        Column("Gap", "number"),
        Column("In words"),
    ]
    left = [text(rule.get("outcome")) for rule in ordered[case.limit :]]
    remainder = ", all of them passed" if left and set(left) == {"pass"} else "; see verdict.json"
    return table(
        "rules-table",
        f"The gate's rules: {tally(case)}",
        columns,
        [_rule_row(rule) for rule in ordered],
        case.limit,
        thing="rule",
        remainder=remainder,
        header=1,
    )


def _urgency(rule: Document) -> tuple[int, bool]:
    """Failures first; last what passed without a bar: it only says that something is there."""
    place = ORDER.get(text(rule.get("outcome")), 2)
    return place, place == ORDER["pass"] and finite(rule.get("bar")) is None


def _rule_row(rule: Document) -> list[Cell]:
    outcome = text(rule.get("outcome"), "unknown")
    metric, segment = rule.get("metric"), rule.get("segment")
    about = [metric_label(metric)] if isinstance(metric, str) and metric else []
    about += [text(segment)] if segment is not None else []
    return [
        Cell(outcome, tone=OUTCOME_TONES.get(outcome, "unclear")),
        Cell(text(rule.get("name")), note=" · ".join(about)),
        Cell(_figure(rule.get("value"))),
        Cell(_figure(rule.get("bar"))),
        Cell(_figure(rule.get("gap"))),
        Cell(text(rule.get("words"), "no words given")),
    ]


def _figure(value: object) -> str:
    """A rule's number, or a dash where the rule has none to show."""
    return number(value) if finite(value) is not None else "–"


def facts(case: Case) -> list[Fact]:
    """The primary metric, its difference to the champion, the rules and the rows."""
    primary = case.metrics[0] if case.metrics else None
    found = []
    if primary:
        name = sentence(metric_label(primary))
        candidate = estimated(case.scored("candidate", primary))[0]
        found.append(Fact(f"{name} of the candidate", candidate, direction_words(case, primary)))
        if case.compares:
            difference = case.difference(primary)
            value, ends = estimated(difference, sign=True)
            word = compared(difference, case.better(primary))[1].lower()
            champion = estimated(case.scored("champion", primary))[0]
            found.append(Fact(f"{name} of the champion", champion, case.champion_name))
            found.append(
                Fact("Candidate minus champion", value, f"{word}: {ends}" if ends else word)
            )
    test = mapping(case.evaluation.get("rows")).get("test")
    found.append(Fact("Test rows", count(test), "the same for both" if case.compares else ""))
    return found
