"""What would change for the model's users: decisions, or the size of predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import Scored
from evaluate.consequences import consequences

CLASSES = ["no", "yes"]


def binary(labels, scores, threshold=0.5) -> Scored:
    return Scored("binary", np.array(labels, float), np.array(scores, float), threshold)


def test_without_a_champion_nothing_changes() -> None:
    assert consequences(binary([1], [1]), None, CLASSES) is None


def test_changed_decisions_are_counted_by_class_and_by_who_was_right() -> None:
    labels = [1, 1, 0, 0, 0, 1]
    champion = binary(labels, [0.2, 0.2, 0.2, 0.9, 0.2, 0.9])
    candidate = binary(labels, [0.9, 0.9, 0.9, 0.2, 0.2, 0.9])

    assert consequences(candidate, champion, CLASSES) == {
        "rows": 6,
        "changed": 4,
        "corrected": 3,
        "broken": 1,
        "moves": [
            {"from": "no", "to": "yes", "rows": 3, "corrected": 2, "broken": 1},
            {"from": "yes", "to": "no", "rows": 1, "corrected": 1, "broken": 0},
        ],
    }


def test_each_model_decides_by_its_own_threshold() -> None:
    champion, candidate = binary([1, 0], [0.4, 0.4], 0.5), binary([1, 0], [0.4, 0.4], 0.3)

    found = consequences(candidate, champion, CLASSES)

    assert (found["changed"], found["corrected"], found["broken"]) == (2, 1, 1)


def test_with_many_classes_a_change_may_be_wrong_both_times() -> None:
    labels = np.array([2.0])
    champion = Scored("multiclass", labels, np.array([[0.8, 0.1, 0.1]]))
    candidate = Scored("multiclass", labels, np.array([[0.1, 0.8, 0.1]]))

    assert consequences(candidate, champion, ["a", "b", "c"]) == {
        "rows": 1,
        "changed": 1,
        "corrected": 0,
        "broken": 0,
        "moves": [{"from": "a", "to": "b", "rows": 1, "corrected": 0, "broken": 0}],
    }


@given(st.integers(2, 6), st.integers(1, 60), st.integers(0, 999))
def test_the_moves_add_up(classes: int, rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=rows).astype(float)
    candidate, champion = (
        Scored("multiclass", labels, random.random((rows, classes))) for _ in range(2)
    )

    found = consequences(candidate, champion, [f"c{place}" for place in range(classes)])

    for key, total in (("rows", "changed"), ("corrected", "corrected"), ("broken", "broken")):
        assert sum(move[key] for move in found["moves"]) == found[total]
    assert found["changed"] == int((candidate.decisions != champion.decisions).sum())
    right = [int((model.decisions == labels).sum()) for model in (champion, candidate)]
    assert right[1] - right[0] == found["corrected"] - found["broken"]


def test_of_very_many_moves_the_most_frequent_are_listed() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(40, size=4000).astype(float)
    candidate, champion = (
        Scored("multiclass", labels, random.random((4000, 40))) for _ in range(2)
    )

    found = consequences(candidate, champion, [f"c{place}" for place in range(40)])

    sizes = [move["rows"] for move in found["moves"]]
    assert len(sizes) == 30
    assert sizes == sorted(sizes, reverse=True)


def test_predictions_move_in_the_targets_unit() -> None:
    labels = np.array([10.0, 10.0, 10.0, 10.0])
    champion = Scored("regression", labels, np.array([9.0, 11.0, 10.0, 12.0]))
    candidate = Scored("regression", labels, np.array([10.0, 8.0, 10.0, 11.5]))

    found = consequences(candidate, champion, [])

    assert found["median"] == pytest.approx(0.75)
    assert found["p90"] == pytest.approx(2.4)
    assert found["largest"] == 3.0
    # The champion is off by 1 on average; only one prediction moves by more.
    assert (found["yardstick"], found["beyond"]) == (1.0, 1)
    assert (found["higher"], found["lower"]) == (1, 2)
    assert (found["closer"], found["farther"]) == (2, 1)
    assert sum(found["counts"]) == found["rows"] == 4
    assert len(found["edges"]) == len(found["counts"]) + 1


def test_a_model_that_moves_nothing_says_so() -> None:
    same = Scored("regression", np.ones(5), np.arange(5.0))

    found = consequences(same, same, [])

    assert (found["largest"], found["beyond"], found["higher"], found["closer"]) == (0.0, 0, 0, 0)
