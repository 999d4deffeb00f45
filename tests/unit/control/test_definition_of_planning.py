"""The keys of model.yaml about what starts by itself."""

import pytest

from core.definition.parse import DefinitionError, parse_definition

SHORT = """
name: abalone
task: regression
target: rings
features: [{name: length, kind: numeric}]
metrics: {primary: rmse}
"""


def parsed(keys: str) -> dict[str, object]:
    return parse_definition(SHORT + keys, "model.yaml").model_dump(mode="json")


def test_without_the_keys_nothing_starts_by_itself() -> None:
    assert parsed("")["retrain"] == {"on": [], "quiet_minutes": 30, "cool_down_hours": 24}
    assert not {"quiet_hours", "budget"} & set(parsed(""))


def test_the_keys_are_read() -> None:
    found = parsed("""
retrain:
  schedule: {cron: "0 6 1 * *", time_zone: Europe/Berlin}
  on: [data, definition, drift, quality]
quiet_hours: {start: "22:00", end: "06:00", time_zone: Asia/Tokyo}
budget: {usd_per_month: 20}
""")

    assert found["retrain"] == {
        "schedule": {"cron": "0 6 1 * *", "time_zone": "Europe/Berlin"},
        "on": ["data", "definition", "drift", "quality"],
        "quiet_minutes": 30,
        "cool_down_hours": 24,
    }
    assert found["quiet_hours"] == {"start": "22:00", "end": "06:00", "time_zone": "Asia/Tokyo"}
    assert found["budget"] == {"usd_per_month": 20}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("retrain: {on: [weather]}", "'weather' is not one of data, definition, drift, quality"),
        ("retrain: {quiet_minute: 3}", "did you mean quiet_minutes?"),
        ('retrain: {schedule: {cron: "0 0 31 2 *"}}', "is no schedule"),
        ('retrain: {schedule: {cron: "0 0 * * *", time_zone: Mars}}', "is no IANA time zone"),
        ('quiet_hours: {start: "25:00", end: "06:00"}', 'in quotes, such as "22:00"'),
        ('quiet_hours: {start: "22", end: "06:00"}', 'in quotes, such as "22:00"'),
        ('quiet_hours: {start: "06:00", end: "06:00"}', "start and end are the same"),
        ("budget: {usd_per_month: -1}", "is less than 0"),
    ],
)
def test_a_wrong_key_says_where_it_is_and_what_to_write(keys: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=r"model\.yaml line 7") as caught:
        parsed(keys)
    assert message in str(caught.value)
