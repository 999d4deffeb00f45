"""Records of runs, batches and monitorings: one form for all three."""

from types import SimpleNamespace
from typing import Any

import pytest

from kanmon.batches.records import BatchRecord
from kanmon.errors import BadInputError, StageError
from kanmon.monitoring.records import MonitoringRecord
from kanmon.monitoring.request import monitoring_input
from kanmon.runs.records import RunRecord
from kanmon.stage.connection import Connection
from kanmon.stage.records import Record, latest_of, record_named
from tests.support.standin import Stage

NAME = "churn-261122055501-b7h"
KINDS = [RunRecord, BatchRecord, MonitoringRecord]


def stage(kind: type[Record], *items: tuple[str, str, str]) -> Any:
    return Stage(
        [
            {
                "model": model,
                "item": f"{kind.kind}#{name}",
                kind.began: at,
                **dict.fromkeys(kind.bookkeeping, "x"),
            }
            for model, name, at in items
        ]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_found_by_its_name_without_what_only_the_functions_use(
    kind: type[Record],
) -> None:
    connection = stage(kind, ("churn", NAME, "2026-11-22"))

    found = record_named(connection, kind, NAME)

    assert found is not None
    assert getattr(found, kind.kind) == NAME
    assert found.document() == {kind.kind: NAME, "model": "churn", kind.began: "2026-11-22"}
    assert record_named(connection, kind, "churn-261122055501-zzz") is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_latest_of_several_models_are_listed_newest_first(kind: type[Record]) -> None:
    connection = stage(
        kind,
        ("abalone", "abalone-1", "2026-11-21"),
        ("abalone", "abalone-2", "2026-11-23"),
        ("churn", "named-by-a-person", "2026-11-22"),
    )

    found = latest_of(connection, kind, ["abalone", "churn"], 2)

    assert [one.name for one in found] == ["abalone-2", "named-by-a-person"]


@pytest.mark.parametrize("last", [None, "9999-01-07"])
def test_a_monitoring_from_tomorrow_on_is_refused_before_it_starts(last: str | None) -> None:
    with pytest.raises(BadInputError, match="--from 9999-01-01 is after today"):
        monitoring_input("churn", "manual", None, "9999-01-01", last)


def test_a_stage_of_an_earlier_version_says_what_it_lacks() -> None:
    connection: Any = SimpleNamespace(name="dev", outputs={})

    with pytest.raises(StageError, match="stage dev has no batch scoring"):
        Connection._machine_of(connection, "ScoreStateMachineArn", "batch scoring")
