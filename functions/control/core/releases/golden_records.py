"""Does the live model answer a release's golden records as the judged candidate did? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.reading import finite
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
                return f"release {release} should be live, but release {answering} answers"
            reason = answer.get("message") or answer.get("errorMessage") or "no answer"
            return f"release {release} should be live, but it does not answer: {reason}"
        for error in answer.get("errors") or ():
            return f"the live model refused a golden record: {error.get('message', error)}"
        scores += [_scores(prediction) for prediction in answer.get("predictions") or ()]
    wanted = golden["scores"]
    if len(scores) != len(wanted):
        return f"{len(wanted)} golden records were sent, {len(scores)} answers came"
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
    return (
        f"the live model answers {len(far)} of {len(scores)} golden records otherwise than the "
        f"judged candidate: record {far[0]} gives {_shown(mine)}, not {_shown(theirs)}"
    )


def _scores(prediction: Mapping[str, Any]) -> list[float | None]:
    """A prediction's scores in the model's own order of outputs."""
    several = prediction.get("probabilities")
    if isinstance(several, Mapping):
        return [finite(each) for each in several.values()]
    return [finite(prediction.get("probability", prediction.get("prediction")))]


def _shown(scores: Sequence[float | None]) -> str:
    shown = ["nothing" if each is None else number(each, 6) for each in scores[:4]]
    return ", ".join(shown) + (", …" if len(scores) > 4 else "")
