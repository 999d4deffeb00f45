"""How a verdict and a rule's outcome are called where people read them. Pure.

In files, events and code they have one name: promote, hold, reject; pass.
"""

from core.words.catalogue import found, texts
from core.words.language import LANGUAGES


def verdict_name(verdict: str) -> str:
    """
    >>> verdict_name("promote"), verdict_name("unheard of")
    ('promote', 'unheard of')
    """
    return found("gate.verdict", verdict) or verdict


def outcome_name(outcome: str) -> str:
    """
    >>> outcome_name("pass"), outcome_name("unheard of")
    ('pass', 'unheard of')
    """
    return found("gate.outcome", outcome) or outcome


def without_verdict(summary: str, verdict: str) -> str:
    """A verdict's summary, in whichever language it was written, without the verdict before it.

    >>> without_verdict("hold: it may be worse", "hold")
    'it may be worse'
    """
    for language in LANGUAGES:
        name = texts(language).get(f"gate.verdict.{verdict}", verdict)
        if summary.startswith(f"{name}: "):
            return summary.removeprefix(f"{name}: ")
    return summary
