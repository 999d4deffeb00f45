"""The release that the page is about: its name, its digests, how to decide, its cost."""

from core.cost.prices import named
from core.reading import finite, mapping
from core.review.case import Case
from core.words.catalogue import say
from core.words.formats import dollars, moment, percent, text
from core.words.lists import sentences


def reference(case: Case) -> str:
    """`abalone/7`, as it is called on the command line; empty on the page of a run."""
    number = finite(case.release.get("number"))
    if number is None:
        return ""
    return f"{text(case.plan.get('model'), say('review.unnamed_model'))}/{number:.0f}"


def how_to_decide(case: Case) -> str:
    """How this is decided, by its key in the catalogue: it depends on what the page is about."""
    if not reference(case):
        opened = case.verdict.get("verdict") in ("promote", "hold")
        return "elsewhere" if opened else "nothing"
    return "automatic" if case.release.get("approval") == "automatic" else "by_a_person"


def identities(case: Case) -> list[tuple[str, str, str]]:
    """Facts for the lineage: which release, which package."""
    if not reference(case):
        return []
    approval = say("review.lineage.approval", approval=text(case.release.get("approval")))
    return [
        (say("review.lineage.release"), reference(case), approval),
        (say("review.lineage.release_opened"), moment(case.release.get("opened_at")), ""),
        *_takeover(case),
        (say("review.lineage.package"), text(case.release.get("package_arn")), ""),
    ]


def _takeover(case: Case) -> list[tuple[str, str, str]]:
    """How an approved release goes into service; nothing without serving in the definition."""
    serving = mapping(case.definition.get("serving"))
    if not serving:
        return []
    limits = {
        "latency": text(serving.get("maximum_latency_ms")),
        "shift": text(serving.get("maximum_score_shift")),
    }
    note = (
        say("review.lineage.takeover_limits", **limits)
        if case.champion
        else say("review.lineage.takeover_first", **limits)
    )
    return [(say("review.lineage.takeover"), text(serving.get("canary")), note)]


def digests(case: Case) -> list[tuple[str, str, str]]:
    """Facts for the lineage: what is deployed has these digests, or is not deployed."""
    shown = mapping(case.release.get("digests"))
    return [
        (say("review.lineage.digest", name=name), text(value), "") for name, value in shown.items()
    ]


def cost(case: Case) -> str:
    """What making the candidate cost, in a sentence."""
    amount = finite(case.cost.get("usd"))
    if amount is None:
        return say("review.cost.unknown")
    words = say(
        "review.cost.estimate", dollars=dollars(amount), prices=named(case.cost.get("prices"))
    )
    saved = finite(case.cost.get("saved_usd"))
    share = finite(mapping(mapping(case.verdict.get("sizing")).get("train")).get("saved"))
    if saved is not None and share is not None:
        spared = say("review.cost.saved", dollars=dollars(saved), share=percent(share, 2))
        words = sentences(words, spared)
    before = finite(case.plan.get("estimate_usd"))
    if before is None:
        return words
    return sentences(words, say("review.cost.expected", dollars=dollars(before)))
