"""Does the live model answer a release's golden records as the judged candidate did? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.reading import finite
from core.words.catalogue import say
from core.words.formats import number


def requests(golden: Mapping[str, Any], rows: int = 50) -> Iterator[dict[str, Any]]:
    """What to send, in parts: a check is answered like any request, and neither measured nor
    kept."""
    every = golden["rows"]
    for start in range(0, len(every), rows):
        yield {"check": True, "rows": every[start : start + rows]}


def difference(
    golden: Mapping[str, Any], release: int, answers: Sequence[Mapping[str, Any]]
) -> str | None:
    """The first difference, in one line; None when all answers are right.

    Differences count as in the parity of Evaluate: a prediction's relative to its size, or to the
    mean size of all where that is larger; a probability's as it is.
    """
    scores: list[list[float | None]] = []
    for answer in answers:
        answering = answer.get("release")
        if answering != release:
            if answering is not None:
                return say("release.golden.other", release=release, answering=answering)
            reason = answer.get("message") or answer.get("errorMessage")
            reason = reason or say("release.golden.no_reason")
            return say("release.golden.no_answer", release=release, reason=reason)
        for error in answer.get("errors") or ():
            return say("release.golden.refused", reason=error.get("message", error))
        scores += [_scores(prediction) for prediction in answer.get("predictions") or ()]
    wanted = golden["scores"]
    if len(scores) != len(wanted):
        return say("release.golden.count", sent=len(wanted), answers=len(scores))
    return _apart(golden, scores)


def _apart(golden: Mapping[str, Any], scores: list[list[float | None]]) -> str | None:
    wanted, tolerance = golden["scores"], float(golden["tolerance"])
    sizes = [abs(row[0]) for row in wanted]
    mean = sum(sizes) / max(len(sizes), 1)
    far: list[int] = []
    for at, (mine, theirs) in enumerate(zip(scores, wanted, strict=True)):
        scale = max(sizes[at], mean, 1e-30) if golden["task"] == "regression" else 1.0
        same = len(mine) == len(theirs) and all(
            one is not None and abs(one - other) / scale <= tolerance
            for one, other in zip(mine, theirs, strict=False)
        )
        if not same:
            far.append(at)
    if not far:
        return None
    mine, theirs = scores[far[0]], wanted[far[0]]
    return say(
        "release.golden.apart",
        count=len(far),
        records=len(scores),
        record=far[0],
        found=_shown(mine),
        wanted=_shown(theirs),
    )


def _scores(prediction: Mapping[str, Any]) -> list[float | None]:
    """A prediction's scores in the model's own order of outputs."""
    several = prediction.get("probabilities")
    if isinstance(several, Mapping):
        return [finite(each) for each in several.values()]
    return [finite(prediction.get("probability", prediction.get("prediction")))]


def _shown(scores: Sequence[float | None]) -> str:
    nothing = say("release.golden.nothing")
    shown = [nothing if each is None else number(each, 6) for each in scores[:4]]
    return ", ".join(shown) + (", …" if len(scores) > 4 else "")
