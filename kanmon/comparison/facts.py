"""What a run was made from and what it took, as text by name; and what differs between runs. Pure.

The names and texts are those of the review page and of `kanmon show`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.definition.query import gathering_file
from core.reading import Document, finite, mapping, part
from core.review.changes import flattened
from core.usage.sizing_words import place_words
from core.words.catalogue import say
from core.words.formats import count, dollars, duration, size, text
from kanmon.comparison.sides import Side

GROUPS = ("parameters", "data", "code", "machines")
# Of a digest, so much tells two apart.
DIGEST = 12


@dataclass(frozen=True)
class Fact:
    """One line of the comparison: the text of each run, in their order; None where it has none."""

    group: str
    name: str
    values: tuple[str | None, ...]


def facts(sides: Sequence[Side], *, everything: bool = False) -> list[Fact]:
    """What differs between the runs, or everything, by groups.

    A run that has no document for a group (it is queued, or failed before) makes no difference.
    """
    found = []
    for group in GROUPS:
        each = [dict(_OF_GROUP[group](side)) for side in sides]
        names = dict.fromkeys(name for texts in each for name in texts)
        for name in names:
            fact = Fact(group, name, tuple(texts.get(name) for texts in each))
            known = {fact.values[place] for place, texts in enumerate(each) if texts}
            if everything or len(known) > 1:
                found.append(fact)
    return found


def _parameters(side: Side) -> Iterator[tuple[str, str]]:
    """The definition with the run's parameters, and the files beside it."""
    for name, value in flattened(side.definition):
        # A key that an earlier version did not have and that is not set is no difference.
        if value != say("review.none"):
            yield name, value
    yield from gathering_file(side.plan).items()
    sha256 = part(side.evaluation, "candidate").get("features_py")
    if sha256:
        yield "features.py", _short(sha256)


def _data(side: Side) -> Iterator[tuple[str, str]]:
    snapshot, rows = part(side.plan, "snapshot"), part(side.evaluation, "rows")
    if snapshot:
        yield "snapshot", _short(snapshot.get("id"))
        yield "files", count(snapshot.get("objects"))
        yield "size", size(snapshot.get("bytes"))
    for name in ("train", "validation", "test"):
        if finite(rows.get(name)) is not None:
            yield f"{name} rows", count(rows[name])
    rejected = finite(part(side.evaluation, "data").get("rows_rejected"))
    if rejected is not None:
        yield "rejected rows", count(rejected)


def _code(side: Side) -> Iterator[tuple[str, str]]:
    if side.plan:
        yield "commit", _short(side.plan.get("commit"))
    for step, uri in part(side.plan, "images").items():
        yield f"{step} image", _short(str(uri).rpartition("@sha256:")[2])


def _machines(side: Side) -> Iterator[tuple[str, str]]:
    for step, sizing in part(side.verdict, "sizing").items():
        yield step, place_words(mapping(sizing))
    cost = part(side.verdict, "cost")
    for step, seconds in part(cost, "seconds").items():
        yield f"{step} worked", duration(seconds)
    usd = finite(cost.get("usd"))
    if usd is not None:
        yield "cost in US dollars", dollars(usd)


_OF_GROUP = {
    "parameters": _parameters,
    "data": _data,
    "code": _code,
    "machines": _machines,
}


def _short(digest: object) -> str:
    return text(digest)[:DIGEST]


def documents(found: Sequence[Fact], sides: Sequence[Side]) -> dict[str, Mapping[str, Document]]:
    """The facts by group and name, each with the text of every run."""
    grouped: dict[str, dict[str, Document]] = {}
    for fact in found:
        values = {side.run: value for side, value in zip(sides, fact.values, strict=True)}
        grouped.setdefault(fact.group, {})[fact.name] = values
    return {**grouped}
