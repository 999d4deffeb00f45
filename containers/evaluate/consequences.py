"""What would change in practice: the candidate's answers against the champion's, row by row.

A metric says how good a model is. This says what its users would notice: which decisions turn out
differently, or how far the predictions move.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.metrics import Scored
from evaluate.diagnostics import histogram

# Of the moves from one class to another, the most frequent ones are listed.
MOVES = 30


def consequences(
    candidate: Scored, champion: Scored | None, classes: Sequence[str]
) -> dict[str, Any] | None:
    """evaluation.json's `consequences`; None where there is no champion to compare with."""
    if champion is None:
        return None
    if candidate.task == "regression":
        return _movement(candidate, champion)
    return _decisions(candidate, champion, classes)


def _decisions(candidate: Scored, champion: Scored, classes: Sequence[str]) -> dict[str, Any]:
    """Each model decides as it would in service: by its own threshold.

    `corrected` rows were decided wrong and would be right, `broken` ones the other way round. With
    more than two classes a changed decision may be wrong both times.
    """
    before, after = (model.decisions.astype(np.int64) for model in (champion, candidate))
    truth = candidate.labels.astype(np.int64)
    changed = before != after
    corrected, broken = changed & (after == truth), changed & (before == truth)
    pairs = before * len(classes) + after
    kinds, counts = np.unique(pairs[changed], return_counts=True)
    moves = [
        {
            "from": classes[kind // len(classes)],
            "to": classes[kind % len(classes)],
            "rows": int(rows),
            "corrected": int((corrected & (pairs == kind)).sum()),
            "broken": int((broken & (pairs == kind)).sum()),
        }
        for kind, rows in zip(kinds.tolist(), counts.tolist(), strict=True)
    ]
    moves.sort(key=lambda move: (-int(move["rows"]), str(move["from"]), str(move["to"])))
    return {
        "rows": len(truth),
        "changed": int(changed.sum()),
        "corrected": int(corrected.sum()),
        "broken": int(broken.sum()),
        "moves": moves[:MOVES],
    }


def _movement(candidate: Scored, champion: Scored) -> dict[str, Any]:
    """How far the predictions move, in the target's unit.

    The yardstick is the champion's mean absolute error: a move below it is smaller than what its
    users are used to being off by. The histogram covers the middle 99 % of the moves; the outermost
    bars also count the moves beyond.
    """
    moved = candidate.scores - champion.scores
    sizes = np.abs(moved)
    error_before = np.abs(champion.scores - champion.labels)
    error_after = np.abs(candidate.scores - candidate.labels)
    yardstick = float(error_before.mean())
    edges, counts = histogram(moved)
    return {
        "rows": len(moved),
        "median": float(np.median(sizes)),
        "p90": float(np.percentile(sizes, 90)),
        "largest": float(sizes.max()),
        "yardstick": yardstick,
        "beyond": int((sizes > yardstick).sum()),
        "higher": int((moved > 0).sum()),
        "lower": int((moved < 0).sum()),
        "closer": int((error_after < error_before).sum()),
        "farther": int((error_after > error_before).sum()),
        "edges": edges,
        "counts": counts,
    }
