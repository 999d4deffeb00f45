"""The schedules of model.yaml: a cron expression in the time of a place."""

import pytest

from core.definition.parse import DefinitionError, parse_definition
from tests.support.control_cases import MODEL_YAML

ACCEPTED = [
    ("30 6 * * 1", "Europe/Berlin"),
    ("*/15 * * * *", "UTC"),
    ("0 6 L * *", "America/New_York"),
    ("0 6 29 2 *", "Australia/Lord_Howe"),
]

REFUSED = [
    ("{cron: 0 6 * *}", "batch.schedule.cron: '0 6 * *' has not the five fields"),
    ("{cron: 61 * * * *}", "batch.schedule.cron: '61 * * * *' is no schedule (Bad minute)"),
    ("{cron: 0 0 30 2 *}", "batch.schedule.cron: '0 0 30 2 *' is no schedule"),
    ('{cron: "@daily"}', "batch.schedule.cron: '@daily' has not the five fields"),
    ("{cron: 0 6 * * 1, time_zone: Berlin}", "batch.schedule.time_zone: 'Berlin' is no IANA"),
    ("{cron: 0 6 * * 1, time_zone: ../UTC}", "batch.schedule.time_zone: '../UTC' is no IANA"),
    ("{cron: 0 6 * * 1, zone: UTC}", "batch.schedule.zone: unknown key"),
]


@pytest.mark.parametrize(("cron", "zone"), ACCEPTED)
@pytest.mark.parametrize("section", ["batch", "monitor"])
def test_a_schedule_is_five_fields_in_the_time_of_a_place(section: str, cron: str, zone: str):
    written = f'{section}: {{schedule: {{cron: "{cron}", time_zone: {zone}}}}}\n'

    definition = parse_definition(MODEL_YAML + written, "model.yaml")

    schedule = getattr(definition, section).schedule
    assert (schedule.cron, schedule.time_zone) == (cron, zone)


@pytest.mark.parametrize(("schedule", "words"), REFUSED)
def test_what_is_no_schedule_is_refused_with_an_example(schedule: str, words: str):
    with pytest.raises(DefinitionError) as refused:
        parse_definition(f"{MODEL_YAML}batch: {{schedule: {schedule}}}\n", "model.yaml")

    assert words in str(refused.value)
