"""What is written of a run: from any documents a form that MLflow takes, and the same each time."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experiments.entry import Recorded, entry_of, identity_of
from core.experiments.names import fitting, parameters, tags
from core.experiments.target import TargetError, run_address, target_of
from tests.support.recorded_runs import LINE, PLAN, REGISTERED, WATCHED
from tests.support.stage_in_memory import RUN

# What MLflow takes: mlflow/utils/validation.py.
NAME = re.compile(r"[A-Za-z0-9_.\- :/]{1,250}")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=300), inner, max_size=4)
    ),
    max_leaves=20,
)
DOCUMENT = st.dictionaries(st.sampled_from([*PLAN, *LINE, *WATCHED, "odd"]), JSON, max_size=8)


def recorded(**changes: Any) -> Recorded:
    known = {"status": "SUCCEEDED", "opened_at": PLAN["opened_at"], "closed_at": REGISTERED.at}
    given = {"item": known, "plan": PLAN, "line": LINE, **changes}
    return Recorded("kanmon-test", "dev", "churn", RUN, **given)


def test_metrics_have_their_intervals_and_the_champions_and_the_difference() -> None:
    found = {one.name: one.value for one in entry_of(recorded()).metrics}

    assert found == {
        **{"auc": 0.84, "auc.low": 0.82, "auc.high": 0.86},
        "champion.auc": 0.83,
        **{"difference.auc": 0.01, "difference.auc.low": -0.002, "difference.auc.high": 0.02},
        **{"rows_train": 700.0, "rows_test": 150.0, "rejected_share": 0.0, "seconds": 4.6},
    }


def test_parameters_are_the_settings_of_the_definition() -> None:
    assert entry_of(recorded()).parameters == {
        "trainer.library": "lightgbm",
        "trainer.rounds": "2000",
        "trainer.parameters.learning_rate": "0.05",
        "trainer.parameters.objective": "binary",
        "task": "binary",
        "target": "churn",
        "features": "2",
        "metrics.primary": "auc",
        "split.train": "0.7",
    }


def test_a_run_of_a_person_has_the_person_and_the_note_and_one_of_the_planner_its_stage() -> None:
    of_ada = entry_of(recorded())
    planned = entry_of(recorded(plan={**PLAN, "by": None, "note": None}))

    assert (of_ada.user, of_ada.tags["kanmon.note"]) == ("ada", "a slower rate")
    assert planned.user == planned.tags["mlflow.user"] == "kanmon-test"
    assert "kanmon.note" not in planned.tags
    assert planned.tags["mlflow.note.content"] == LINE["summary"]


def test_a_monitoring_is_drawn_by_the_days_since_the_run() -> None:
    found = {one.name: one for one in entry_of(recorded(), watched=WATCHED).metrics}

    assert found["monitoring.auc.low"].value == 0.7
    assert {one.step for name, one in found.items() if name.startswith("monitoring.")} == {10}


def test_runs_of_one_name_on_two_laptops_or_at_two_times_are_two() -> None:
    one = identity_of("kanmon-local", "trial", "2026-11-21T05:55:01Z")

    assert one == identity_of("kanmon-local", "trial", "2026-11-21T05:55:01Z")
    assert one != identity_of("kanmon-local", "trial", "2026-11-21T05:55:02Z")
    assert one != identity_of("kanmon-dev", "trial", "2026-11-21T05:55:01Z")


@given(DOCUMENT, DOCUMENT, DOCUMENT, st.none() | DOCUMENT)
def test_of_any_documents_there_is_an_entry_that_mlflow_takes(
    item: dict[str, Any], plan: dict[str, Any], line: dict[str, Any], watched: Any
) -> None:
    known = recorded(item=item, plan=plan, line=line)

    entry = entry_of(known, REGISTERED, watched)

    assert entry == entry_of(known, REGISTERED, watched)
    names = [one.name for one in entry.metrics]
    assert all(NAME.fullmatch(name) for name in [*names, *entry.parameters, *entry.tags])
    assert all(math.isfinite(one.value) for one in entry.metrics)
    assert len(names) <= 1000
    assert max(len(entry.parameters), len(entry.tags)) <= 100
    assert all(0 < len(value) <= 250 for value in entry.parameters.values())
    assert all(0 < len(value) <= 2000 for value in entry.tags.values())


@given(st.lists(st.text(max_size=400), unique=True, max_size=20))
def test_names_fit_and_no_two_become_one(names: list[str]) -> None:
    fitted = [fitting(name) for name in names]

    assert all(NAME.fullmatch(name) for name in fitted)
    assert not any(".." in name and "/" in name for name in fitted)
    assert len(set(fitted)) == len(names)


def test_what_is_too_much_is_left_out_from_the_end() -> None:
    many = {f"p{number}": number for number in range(300)}

    assert list(parameters(many)) == list(many)[:100]
    assert len(tags({"long": "x" * 9000})["long"]) == 2000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write one such as"),
        ("mlflow.example.com", "write one such as"),
        ("ftp://mlflow.example.com", "write one such as"),
        ("https://", "write one such as"),
        ("https://mlflow.example.com:99999", "Port out of range"),
        ("https://[::1", "not a URI|write one"),
        ("http://mlflow.example.com", "only https is encrypted"),
        ("http://127.0.0.1.evil.example.com", "only https is encrypted"),
        ("https://ada:pw@mlflow.example.com", "a password does not belong"),
        ("https://mlflow.example.com/?token=x", "leave out all that follows"),
        ("https://mlflow.example.com/#/experiments", "leave out all that follows"),
        ("https://mlflow.example.com/a b", "remove its blank signs"),
        ("https://mlflow.exa\nmple.com", "remove its blank signs"),
        (" https://mlflow.example.com", "remove its blank signs"),
        ("https://mlflow.example.com:0", "no server has the port 0"),
        ("arn:aws:s3:::bucket", "not the ARN of an MLflow App"),
        ("arn:aws:sagemaker:us-east-1:1:mlflow-app/x", "not the ARN of an MLflow App"),
    ],
)
def test_what_names_no_tracking_server_is_refused_with_the_fix(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        target_of(text)


def test_a_stop_that_is_told_late_does_not_undo_a_good_end() -> None:
    stopped = replace(REGISTERED, event="run stopped")
    failed = {"status": "FAILED", "opened_at": PLAN["opened_at"], "closed_at": REGISTERED.at}

    assert entry_of(recorded(item=failed), stopped).status == "KILLED"
    assert entry_of(recorded(), stopped).status == "FINISHED"


def test_an_app_opens_by_a_link_of_awss_and_a_server_by_its_address() -> None:
    app = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-1"

    assert run_address(app, "1", "0a") is None
    assert run_address("javascript:alert(1)", "1", "0a") is None
    assert run_address("https://mlflow.example.com", "1", "0a/../x") is None
    assert run_address("https://mlflow.example.com/team/", "1", "0a") == (
        "https://mlflow.example.com/team/#/experiments/1/runs/0a"
    )
