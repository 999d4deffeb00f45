"""Which runs are compared, and what differs between them."""

from typing import Any

import pytest
from click import unstyle

from kanmon.comparison.display import lines
from kanmon.comparison.facts import documents, facts
from kanmon.comparison.sides import Side, check_comparable
from kanmon.errors import BadInputError
from kanmon.runs.records import RunRecord
from tests.support.sample_documents import documents as sample


def side(run: str, task: str = "binary", **record: Any) -> Side:
    written = sample(task)
    fields = {"status": "SUCCEEDED", "opened_at": "2026-11-21T05:55:01Z", "verdict": "promote"}
    return Side(
        RunRecord(run, record.pop("model", "churn"), fields | record),
        written["run_plan"],
        written["evaluation"],
        written["verdict"],
    )


def changed(side: Side, *path: str, value: Any) -> Side:
    """The same with another value somewhere in its plan."""
    import copy

    plan = copy.deepcopy(dict(side.plan))
    inner = plan
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return Side(side.record, plan, side.evaluation, side.verdict)


def test_runs_of_different_tasks_are_refused() -> None:
    with pytest.raises(BadInputError, match="a has the task binary, b the task regression") as one:
        check_comparable([side("a"), side("b", "regression")])
    assert "name runs of one task" in one.value.line()


def test_the_same_run_twice_is_refused() -> None:
    with pytest.raises(BadInputError, match="run a is named twice"):
        check_comparable([side("a"), side("b"), side("a")])


def test_models_that_predict_something_else_are_refused() -> None:
    other = changed(side("b", model="others"), "definition", "content", "target", value="else")

    with pytest.raises(BadInputError, match="a predicts 'churned', b 'else'"):
        check_comparable([side("a"), other])


def test_a_run_without_a_plan_is_no_reason_to_refuse() -> None:
    queued = Side(RunRecord("b", "churn", {"status": "QUEUED"}), {}, {}, {})

    check_comparable([queued, side("a")])
    assert queued.outcome == "queued"


def test_only_what_differs_is_shown_unless_everything_is_asked_for() -> None:
    one = side("a")
    other = changed(side("b"), "definition", "content", "trainer", "rounds", value=7)
    other = changed(other, "snapshot", "id", value="0123456789abcdef")

    found = facts([one, other])

    assert [(fact.group, fact.name) for fact in found] == [
        ("parameters", "trainer.rounds"),
        ("data", "snapshot"),
    ]
    assert documents(found, [one, other])["parameters"]["trainer.rounds"]["b"] == "7"
    whole = {fact.name for fact in facts([one, other], everything=True)}
    assert {"task", "test rows", "commit", "train image", "train"} <= whole


def test_a_key_that_is_not_set_is_no_difference_to_one_that_is_not_there() -> None:
    other = changed(side("b"), "definition", "content", "new_key", value=None)

    assert facts([side("a"), other]) == []


def test_a_run_that_has_no_documents_yet_makes_no_difference() -> None:
    queued = Side(RunRecord("b", "churn", {"status": "QUEUED"}), {}, {}, {})

    assert facts([side("a"), queued]) == []


def test_runs_stand_in_columns_named_by_letters() -> None:
    sides = side("a"), changed(side("b"), "definition", "content", "trainer", "rounds", value=7)

    shown = [unstyle(line) for line in lines(sides, facts(sides), [], [])]

    assert shown[0].split()[:3] == ["Runs", "A", "a"]
    assert any(line.split() == ["trainer.rounds", "2,000", "7"] for line in shown)
    assert "Metrics   each on the test rows of its own run" in shown


def test_where_nothing_differs_it_says_so() -> None:
    sides = side("a"), side("b")

    assert "Nothing else about them differs; --all shows everything" in lines(
        sides, facts(sides), [], []
    )


def test_text_of_a_definition_cannot_act_on_the_terminal() -> None:
    other = changed(side("b"), "definition", "content", "description", value="x\x1b[31m\ny" * 40)
    sides = side("a"), other

    shown = [line for line in lines(sides, facts(sides), [], []) if "description" in line]

    assert "\x1b" not in unstyle(shown[0])
    assert len(shown) == 1
