"""What work cost, from the command line, on one local stage.

The tests build on each other, in the order they stand here.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.cost.month import month_of
from kanmon.errors import BAD_INPUT

MODEL = "harps"


def month(kanmon: Any, *words: str) -> dict[str, Any]:
    result = kanmon("cost", MODEL, *words, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_month_without_work_is_nothing_and_the_standing_cost_is_a_number(
    make_model: Any, kanmon: Any
) -> None:
    make_model(MODEL)
    result = kanmon("cost", MODEL)

    assert result.exit_code == 0
    assert "Nothing was counted in 20" in result.stdout
    assert "the sample in Kanmon and not this stage's own" in result.stdout
    assert month(kanmon)["standing"]["stage_usd"] > 0


def test_a_run_is_counted_with_its_jobs_functions_and_transitions(kanmon: Any) -> None:
    run = json.loads(kanmon("run", MODEL, "--reason", "first", "--json").stdout)

    found = month(kanmon)["models"][0]

    assert found["usd"] > 0
    assert found["by_work"]["retrain"] == {"usd": found["usd"], "count": 1}
    assert found["by_work"]["score"] == {"usd": 0, "count": 0}
    assert found["unknown"] == 0
    assert found["estimate_usd"]["retrain"] == pytest.approx(found["usd"], abs=2e-6)
    assert found["by_reason"]["retrain"] == {"first": {"usd": found["usd"], "count": 1}}
    shown = json.loads(kanmon("show", run["run"], "--json").stdout)
    assert shown["record"]["usd"] == found["usd"]
    assert "cost" not in shown["record"]


def test_what_is_kept_is_measured_and_priced_by_the_month(kanmon: Any) -> None:
    result = kanmon("cost", "--standing", "--json")

    assert result.exit_code == 0, result.stderr
    kept = {one["what"]: one for one in json.loads(result.stdout)["standing"]["stored"]}
    assert set(kept) == {"data", "images", "logs", "table"}
    data = kept["data"]
    assert data["bytes"] > 1000
    assert data["usd_per_month"] == pytest.approx(data["bytes"] / 2**30 * 0.023, abs=1e-6)
    assert [one["why"] for one in kept.values()] == [None] * 4
    assert "US dollars a month" in kanmon("cost", "--standing").stdout


def test_a_run_with_nothing_new_is_counted_and_is_no_estimate_of_the_next(kanmon: Any) -> None:
    before = month(kanmon)["models"][0]
    assert kanmon("run", MODEL, "--reason", "again").exit_code == 0

    found = month(kanmon)["models"][0]

    assert found["by_work"]["retrain"]["count"] == 2
    assert 0 < found["usd"] - before["usd"] < before["usd"]
    assert found["estimate_usd"] == before["estimate_usd"]


def test_a_budget_of_the_published_definition_stands_beside_the_sum(root: Any, kanmon: Any) -> None:
    path = root / f"models/{MODEL}/model.yaml"
    path.write_text(path.read_text() + "\nbudget:\n  usd_per_month: 250\n")
    assert kanmon("publish").exit_code == 0

    text = kanmon("cost").stdout

    assert month(kanmon)["models"][0]["budget_usd"] == 250
    line = next(each for each in text.splitlines() if each.startswith(MODEL))
    assert line.endswith("250.00")
    assert "(2)" in line


@pytest.mark.parametrize("text", ["2026-13", "November", "2026-1", "2026-11-01"])
def test_a_month_that_is_none_is_refused(kanmon: Any, text: str) -> None:
    result = kanmon("cost", "--month", text)

    assert result.exit_code == BAD_INPUT
    assert f"{text!r} is no month. Write one such as 2026-11." in result.stderr


def test_another_month_has_nothing_of_this_one(kanmon: Any) -> None:
    found = month(kanmon, "--month", "2020-02")["models"][0]

    assert (found["usd"], found["count"], found["by_reason"]["retrain"]) == (0, 0, {})
    assert month(kanmon)["month"] == month_of(datetime.now(UTC))
