"""A decision of the planner for people: what starts, what waits for what, what is due next."""

from typing import Any

from core.words.formats import local_moment, one_line
from kanmon.terminal.screen import table

WORKS = ("retrain", "score", "monitor")
HEADING = ("model", "work", "now", "next", "why")


def lines(decision: dict[str, Any], model: str | None, *, explain: bool) -> list[str]:
    """A line for each kind of work; without `explain`, of what nothing asks for there is none."""
    rows = [
        [one["model"], one["work"], one["now"], _next(one), one_line(_why(one))]
        for one in outlook(decision, model)
        if explain or one["now"] == "starts" or one["code"] != "nothing due" or one["next"]
    ]
    return table(rows, HEADING)


def allowances(document: dict[str, Any], model: str | None = None) -> list[dict[str, Any]]:
    """What people allowed on top of this month's budgets; `model` is None for the stage's."""
    whole = [{"model": None, **each} for each in document["stage"].get("allowed") or []]
    found = [
        {"model": name, **each}
        for name, content in sorted(document["models"].items())
        for each in content.get("allowed") or []
        if model in (None, name)
    ]
    return whole + found


def outlook(decision: dict[str, Any], model: str | None = None) -> list[dict[str, Any]]:
    """By model and work: whether it starts now, why or why not, and when it is due next.

    `reasons`: what asks for it, also where it waits.
    """
    starts = {
        (one["model"], one["work"]): {
            "now": "starts",
            "code": None,
            "because": "; ".join(one["reasons"]),
            "reasons": one["reasons"],
            "until": None,
            "name": one["name"],
        }
        for one in decision["starts"]
    }
    waits = {
        (one["model"], one["work"]): {
            "now": "waits" if one.get("reasons") else "no",
            **{name: one[name] for name in ("code", "because", "until")},
            "reasons": one.get("reasons") or [],
            "name": None,
        }
        for one in decision["waits"]
    }
    found = {**waits, **starts}
    order = sorted(found, key=lambda key: (key[0], WORKS.index(key[1])))
    return [
        {
            "model": name,
            "work": work,
            **found[name, work],
            "next": decision["next"].get(name, {}).get(work),
        }
        for name, work in order
        if model in (None, name)
    ]


def _why(one: dict[str, Any]) -> str:
    """Of what waits: what is in the way, and what asks for it."""
    if one["now"] != "waits":
        return str(one["because"])
    return f"{one['because']} (asked for by: {'; '.join(one['reasons'])})"


def _next(one: dict[str, Any]) -> str:
    return local_moment(one["next"]) if one["next"] else "–"
