"""The release's golden records: test rows with the recorded scores of the model.

Standard library only: the hooks, Verify and the command line use it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# The same ONNX file in the same runtime: another processor may only change a last digit.
SAME = 1e-6

Scores = Sequence[Sequence[float]]
Task = Literal["regression", "binary", "multiclass"]


@dataclass(frozen=True)
class Golden:
    """Rows as a caller sends them. `scores` are those of the ONNX form, `native` of the library."""

    task: Task
    rows: Sequence[Mapping[str, Any]]
    scores: Scores
    native: Scores
    tolerance: float

    @classmethod
    def from_json(cls, text: str | bytes) -> "Golden":
        """Read golden.json. Raises KeyError or ValueError if it is not valid."""
        document = json.loads(text)
        if document.get("format") != 1:
            raise ValueError(f"golden.json has format {document.get('format')!r}, not 1")
        return cls(
            task=document["task"],
            rows=document["rows"],
            scores=document["scores"],
            native=document["native"],
            tolerance=float(document["tolerance"]),
        )

    @classmethod
    def read(cls, path: Path) -> "Golden":
        """Read a golden.json file."""
        return cls.from_json(path.read_bytes())

    def request(self, most: int | None = None) -> dict[str, Any]:
        """A request for the scores of the first `most` records; it is not measured or captured."""
        return {"check": True, "rows": list(self.rows[:most])}

    def differences(self, answer: Mapping[str, Any], most: int | None = None) -> list[str]:
        """What is wrong in the answer to `request`, one line for each difference."""
        rows = len(self.rows[:most])
        refused = [_refusal(error) for error in answer.get("errors", ())]
        if refused:
            return refused
        if len(answer.get("predictions", ())) != rows:
            return [f"{rows} golden records were sent, {_count(answer)} predictions came back"]
        got = [scores_of(prediction) for prediction in answer["predictions"]]
        return [
            *_apart("the release's scores", self.task, got, self.scores[:rows], SAME),
            *_apart("the library's scores", self.task, got, self.native[:rows], self.tolerance),
        ]


def scores_of(prediction: Mapping[str, Any]) -> list[float]:
    """A prediction's scores in the model's own order.

    >>> scores_of({"row": 0, "prediction": "yes", "probability": 0.75})
    [0.75]
    """
    if "probabilities" in prediction:
        return list(prediction["probabilities"].values())
    return [prediction.get("probability", prediction["prediction"])]


def _apart(whose: str, task: Task, got: Scores, wanted: Scores, tolerance: float) -> Iterator[str]:
    """Differences beyond the tolerance, by the rule of Evaluate's parity: for a regression relative
    to the prediction's size, or to the mean size of all if that is larger."""
    sizes = [abs(row[0]) for row in wanted]
    mean = sum(sizes) / max(len(sizes), 1)
    far = []
    for number, (mine, theirs) in enumerate(zip(got, wanted, strict=True)):
        scale = max(sizes[number], mean, 1e-30) if task == "regression" else 1.0
        pairs = zip(mine, theirs, strict=False)
        difference = max((abs(one - other) / scale for one, other in pairs), default=0.0)
        # Written so that NaN counts: every comparison with it is false.
        if len(mine) != len(theirs) or not difference <= tolerance:
            far.append((number, mine, theirs))
    if far:
        number, mine, theirs = far[0]
        yield (
            f"{len(far)} of {len(got)} golden records differ from {whose} by more than "
            f"{tolerance:g}; record {number} scores {_short(mine)}, not {_short(theirs)}"
        )


def _refusal(error: Mapping[str, Any]) -> str:
    if error["row"] is None:
        place = f": {error['feature']}" if error["feature"] else ""
        return f"the golden records were refused{place}: {error['message']}"
    return f"golden record {error['row']}: {error['feature'] or 'the row'}: {error['message']}"


def _short(scores: Sequence[float]) -> str:
    return ", ".join(f"{score:.7g}" for score in scores[:5]) + (", …" if len(scores) > 5 else "")


def _count(answer: Mapping[str, Any]) -> int:
    return len(answer.get("predictions", ()))
