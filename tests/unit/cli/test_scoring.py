"""The scorer's answers, brought back to the rows of the file."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from kanmon.commands.score import print_predictions
from kanmon.errors import NoServiceError, RunFailedError
from kanmon.scoring.online import Scored, Service, matched, score, service_of
from kanmon.scoring.rows import Row, Schema
from tests.support.standin import Stage

ROWS = [Row(1, {"acid": 0.5}), Row(2, problem="has 3 fields, the header 2"), Row(3, {"acid": "x"})]
SERVICE = Service("wine", "arn:live", 7, Schema({"acid": "numeric"}))


def answered(answer, **more):
    """A stage whose scorer gives this answer, and the requests it got."""
    asked = []

    def invoke(**request):
        asked.append(json.loads(request["Payload"]))
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}

    return Stage(**{"lambda": SimpleNamespace(invoke=invoke)}), asked


def test_every_row_has_its_prediction_or_its_problem():
    stage, asked = answered(
        {
            "release": 7,
            "predictions": [{"row": 0, "prediction": 10.2}],
            "errors": [{"row": 1, "feature": "acid", "message": "'x' is not a number"}],
            "warnings": [{"row": 0, "feature": "colour", "message": "'teal' was not among …"}],
        }
    )

    assert list(score(stage, SERVICE, ROWS)) == [
        Scored(1, 7, {"row": 0, "prediction": 10.2}, warnings=("colour: 'teal' was not among …",)),
        Scored(2, problem="has 3 fields, the header 2"),
        Scored(3, 7, problem="acid: 'x' is not a number"),
    ]
    assert asked == [{"rows": [{"acid": 0.5}, {"acid": "x"}]}]


KEYED = replace(SERVICE, schema=Schema({"acid": "numeric"}, frozenset({"id"}), key=("id",)))
KEYED_ROWS = [Row(1, {"acid": 0.5}, key={"id": "a"}), Row(2, {"acid": 0.7})]


def test_a_row_is_sent_with_its_key_and_its_prediction_keeps_it():
    predictions = [{"row": 0, "key": {"id": "a"}, "prediction": 1.5}, {"row": 1, "prediction": 2.5}]
    stage, asked = answered({"release": 7, "predictions": predictions})

    found = list(score(stage, KEYED, KEYED_ROWS))

    assert asked == [{"rows": [{"id": "a", "acid": 0.5}, {"acid": 0.7}]}]
    assert [(one.row, one.key) for one in found] == [(1, {"id": "a"}), (2, {})]


def test_a_prediction_has_the_request_by_which_a_label_names_it():
    answer = {"release": 7, "request_id": "6b0e", "predictions": [{"row": 1, "prediction": 2.5}]}
    stage, _ = answered({**answer, "errors": [{"row": 0, "feature": None, "message": "no"}]})

    _, scored, _ = score(stage, SERVICE, [Row(1, {}), Row(2, {"acid": 0.7}), Row(3, problem="bad")])

    assert (scored.request_id, scored.answer["row"], scored.row) == ("6b0e", 1, 2)


def test_a_release_of_an_earlier_version_is_not_sent_the_key_that_it_would_refuse():
    predictions = [{"row": 0, "prediction": 1.5}, {"row": 1, "prediction": 2.5}]
    stage, asked = answered({"release": 7, "predictions": predictions})

    found = list(score(stage, replace(KEYED, keyed=False), KEYED_ROWS))

    assert asked == [{"rows": [{"acid": 0.5}, {"acid": 0.7}]}]
    assert [one.key for one in found] == [{"id": "a"}, {}]


@pytest.mark.parametrize(
    ("key", "keys", "printed"),
    [
        ((), [{}, {}], "row,prediction,release\n1,1.5,7\n2,2.5,7\n"),
        (("id",), [{}, {}], "row,prediction,release\n1,1.5,7\n2,2.5,7\n"),
        (("id",), [{"id": "a"}, {}], "id,row,prediction,release\na,1,1.5,7\n,2,2.5,7\n"),
        # A column named like one of the output's.
        (("row",), [{"row": "a"}, {}], "row_key,row,prediction,release\na,1,1.5,7\n,2,2.5,7\n"),
    ],
)
def test_the_row_key_is_printed_first_if_the_rows_have_it(key, keys, printed, capsys):
    answers = [
        Scored(number, 7, {"row": 0, "prediction": number + 0.5}, key=each)
        for number, each in enumerate(keys, 1)
    ]

    print_predictions(iter(answers), key, as_json=False)

    assert capsys.readouterr().out == printed


def test_a_batch_of_nothing_but_bad_rows_asks_nobody():
    stage, asked = answered({})

    assert list(score(stage, SERVICE, ROWS[1:2])) == [
        Scored(2, problem="has 3 fields, the header 2")
    ]
    assert asked == []


def test_a_request_that_was_refused_as_a_whole_says_so_for_every_row():
    answer = {"release": 7, "errors": [{"row": None, "feature": None, "message": "too many"}]}

    found = list(matched(ROWS[:1], ROWS[:1], answer))

    assert found == [Scored(1, 7, problem="too many")]


def test_a_service_that_fails_says_why_and_where_to_look():
    stage, _ = answered({"errorMessage": "no memory"}, FunctionError="Unhandled")

    with pytest.raises(RunFailedError) as failed:
        list(score(stage, SERVICE, ROWS))

    assert failed.value.line() == (
        "the service of wine failed: no memory. `kanmon show wine/7` shows its status."
    )


def test_a_model_that_was_withdrawn_is_told_apart_from_one_that_never_was_in_service():
    gone = {"withdrawn_release": 7, "withdrawn_at": "2026-11-21T10:00:00Z"}
    withdrawn = {"model": "wine", "item": "champion", **gone, "withdrawn_reason": "a wrong unit"}

    with pytest.raises(NoServiceError, match="has no release in service"):
        service_of(Stage([]), "wine")
    with pytest.raises(NoServiceError) as refused:
        service_of(Stage([withdrawn]), "wine")

    assert refused.value.line() == (
        "model wine was withdrawn from service: a wrong unit. `kanmon rollback wine --to 7` "
        "brings its release back."
    )
