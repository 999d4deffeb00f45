"""One line per request, which is both its log record and its metrics.

CloudWatch reads the metrics from the line (the embedded metric format). No metrics library is used:
it would take longer to write this line than the whole request takes.
"""

import json
import sys
import time
from collections.abc import Sequence
from itertools import pairwise

from scorer.answering import Answer

# The embedded metric format allows 100 numbers for one metric. Half of them are enough for a batch.
MOST_NUMBERS = 50


class Telemetry:
    """Writes the lines of one release. Of a row they only contain its score."""

    def __init__(self, model: str, release: int) -> None:
        self._with_scores = _opening(model, release, scored=True)
        self._without = _opening(model, release, scored=False)

    def write(self, answer: Answer, request_id: str, started: float) -> None:
        """Print the line; `started` is time.perf_counter() when the request arrived."""
        scored = len(answer.scores)
        opening = self._without
        if scored:
            opening = self._with_scores + json.dumps(spread_out(answer.scores)) + ","
        milliseconds = (time.perf_counter() - started) * 1000
        status = answer.document["status"]
        sys.stdout.write(
            f'{opening}"ScoredRows":{scored},"RefusedRows":{answer.refused},"status":{status},'
            f'"request_id":{json.dumps(request_id)},"HandlerMilliseconds":{milliseconds:.4f},'
            f'"_aws":{{"Timestamp":{int(time.time() * 1000)},{self._metrics(scored)}}}}}\n'
        )

    def _metrics(self, scored: int) -> str:
        return _METRICS if scored else _METRICS_WITHOUT_SCORE


def spread_out(scores: Sequence[float]) -> Sequence[float]:
    """At most MOST_NUMBERS numbers with the same mean: neighbouring scores are averaged.

    >>> spread_out([0.5, 1.5])
    [0.5, 1.5]
    """
    if len(scores) <= MOST_NUMBERS:
        return scores
    bounds = [group * len(scores) // MOST_NUMBERS for group in range(MOST_NUMBERS + 1)]
    return [sum(scores[start:end]) / (end - start) for start, end in pairwise(bounds)]


def _directive(*metrics: tuple[str, str]) -> str:
    described = {
        "CloudWatchMetrics": [
            {
                "Namespace": "Kanmon",
                "Dimensions": [["model", "release"]],
                "Metrics": [{"Name": name, "Unit": unit} for name, unit in metrics],
            }
        ]
    }
    return json.dumps(described, separators=(",", ":"))[1:-1]


_COUNTED = (
    ("ScoredRows", "Count"),
    ("RefusedRows", "Count"),
    ("HandlerMilliseconds", "Milliseconds"),
)
_METRICS = _directive(("Score", "None"), *_COUNTED)
_METRICS_WITHOUT_SCORE = _directive(*_COUNTED)


def _opening(model: str, release: int, *, scored: bool) -> str:
    facts = {
        "level": "INFO",
        "message": "rows scored" if scored else "request refused",
        "model": model,
        "release": str(release),
    }
    return json.dumps(facts, separators=(",", ":"))[:-1] + (',"Score":' if scored else ",")
