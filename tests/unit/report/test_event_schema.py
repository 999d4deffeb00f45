"""Schema, page and code say the same of an event."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator, ValidationError

from core.report.fact import (
    EVENTS,
    KEYS,
    LONGEST_SUMMARY,
    LONGEST_TEXT,
    Event,
    Fact,
    MetricResult,
    Severity,
)
from tests.support.event_schema import EVENT_SCHEMA

SCHEMA: dict[str, Any] = EVENT_SCHEMA.schema
PAGE = (Path(__file__).parents[3] / "docs/events.md").read_text()
SMALL = Fact("late", "churn/2026-11-21", "kanmon-dev", "dev", "2026-11-21T06:00:00Z", "late")


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0].splitlines()
    table = [line.strip("|").split(" | ") for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_has_the_keys_events_and_severities_of_the_code() -> None:
    properties = SCHEMA["properties"]

    assert set(properties) == set(SCHEMA["required"]) == set(KEYS)
    assert properties["event"]["enum"] == list(get_args(Event)) == list(EVENTS)
    assert properties["severity"]["enum"] == list(get_args(Severity))
    assert {
        event: one["properties"]["severity"]["const"]
        for one in SCHEMA["oneOf"]
        for event in one["properties"]["event"]["enum"]
    } == EVENTS
    metric = properties["metric"]["oneOf"][1]
    assert list(metric["properties"]) == [field.name for field in fields(MetricResult)]
    assert properties["summary"]["maxLength"] == LONGEST_SUMMARY
    assert properties["reason"]["maxLength"] == LONGEST_TEXT


def test_the_page_names_each_event_with_its_severity() -> None:
    assert {row[0].strip(" `"): row[1] for row in rows("The events")} == EVENTS


def test_the_page_explains_each_key() -> None:
    explained = [key for row in rows("The detail") for key in re.findall(r"`(\w+)`", row[0])]

    assert sorted(explained) == sorted(KEYS)


def test_the_page_says_of_each_event_that_is_never_mailed_that_it_is_not() -> None:
    never = {
        event
        for event in EVENTS
        if not any(
            replace(SMALL, event=event, approval=approval).mailed
            for approval in (None, "manual", "automatic")
        )
    }

    said = {row[0].strip(" `") for row in rows("The events") if "; not mailed" in row[2]}
    assert said == never == {"nothing new", "release superseded"}


def test_a_fact_without_anything_else_is_as_the_schema_wants_it() -> None:
    EVENT_SCHEMA.validate(SMALL.document())


@pytest.mark.parametrize(
    "changed",
    [
        {"severity": "info"},
        {"event": "release waiting"},
        {"at": 7},
        {"release": 0},
        {"summary": ""},
        {"metric": {}},
        {"more": 1},
    ],
)
def test_what_is_no_fact_is_not(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EVENT_SCHEMA.validate({**SMALL.document(), **changed})
