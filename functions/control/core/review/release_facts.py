"""What the page says of the release it is about: its name, its digests, how to decide, its cost."""

from dataclasses import dataclass

from core.numbers import finite
from core.review.case import Case
from core.review.reading import mapping
from core.review.wording import moment, text
from core.runs.cost import PRICES_OF


@dataclass(frozen=True)
class Part:
    """A piece of a sentence; `code` is set as what one types."""

    words: str
    code: bool = False


def reference(case: Case) -> str:
    """`abalone/7`, as it is called on the command line; empty on the page of a run."""
    number = finite(case.release.get("number"))
    if number is None:
        return ""
    return f"{text(case.plan.get('model'), 'unnamed model')}/{number:.0f}"


def how_to_decide(case: Case) -> list[Part]:
    """Where this is decided, which depends on what the page is about."""
    named = reference(case)
    if not named:
        if case.verdict.get("verdict") in ("promote", "hold"):
            return [
                Part(
                    "The candidate's release has a page of its own, which is the one to decide by."
                )
            ]
        return [Part("A rejected candidate opens no release, so there is nothing to approve.")]
    if case.release.get("approval") == "automatic":
        return [
            Part(
                "This release needs no decision: model.yaml says approval: automatic, and the "
                "verdict is promote."
            )
        ]
    return [
        Part("Approve or reject this release where you are signed in and the decision is recorded: "
             "in the approval of the release pipeline, in the model registry, or with "),
        Part(f'kanmon approve {named} --reason "…"', code=True),
        Part(" or "),
        Part(f'kanmon reject {named} --reason "…"', code=True),
        Part("."),
    ]  # fmt: skip


def identities(case: Case) -> list[tuple[str, str, str]]:
    """Facts for the lineage: which release, which package."""
    if not reference(case):
        return []
    return [
        ("Release", reference(case), f"approval: {text(case.release.get('approval'))}"),
        ("Release opened", moment(case.release.get("opened_at"))[0], ""),
        *_takeover(case),
        ("Package in the registry", text(case.release.get("package_arn")), ""),
    ]


def _takeover(case: Case) -> list[tuple[str, str, str]]:
    """How it goes into service, once it is approved; nothing where the definition does not say."""
    serving = mapping(case.definition.get("serving"))
    if not serving:
        return []
    limits = (
        f"rolled back above {text(serving.get('maximum_latency_ms'))} ms, or where the mean score "
        f"moves by more than {text(serving.get('maximum_score_shift'))} standard deviations"
    )
    first = "" if case.champion else "; the first release takes over at once"
    return [("Goes into service by", text(serving.get("canary")), limits + first)]


def digests(case: Case) -> list[tuple[str, str, str]]:
    """Facts for the lineage: what is deployed has these digests, or is not deployed."""
    found = mapping(case.release.get("digests"))
    return [(f"{name}, sha256", text(value), "") for name, value in found.items()]


def cost(case: Case) -> str:
    """What making the candidate cost, in a sentence."""
    dollars = finite(case.cost.get("usd"))
    if dollars is None:
        return "Its cost is not estimated: a step's time or the price of its machine is not known."
    shown = f"{dollars:.2f}" if dollars >= 0.1 else f"{dollars:.4f}"
    return (
        f"On AWS the three steps cost about {shown} US dollars: their working time at the prices "
        f"of {PRICES_OF}, without storage and finding machines."
    )
