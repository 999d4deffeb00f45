"""The digest: what ran, waits, changed, drifted and cost, and what comes next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.plan.rule import decide
from core.report.digest import LONGEST_LINE, MOST_LINES, beginning, digest, text
from core.report.fact import LONGEST_SUMMARY, Fact
from core.words.language import Speech, speaking
from tests.support.planning_documents import NIGHTLY, definition, document, model, moment

NOW = moment("2026-11-30 12:00")
NOTHING = {"count": 0, "failed": 0, "stopped": 0, "nothing_new": 0, "running": 0, "usd": 0.0}


def of(models: dict[str, Any], work: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A digest's document, of a week until now."""
    seen = document(NOW, models)
    return {
        "from": "2026-11-23T12:00:00Z",
        "until": "2026-11-30T12:00:00Z",
        "stage": seen["stage"],
        "models": models,
        "decision": decide(seen),
        "work": work or {},
        "facts": [],
        **keys,
    }


def said(found: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {part.name: part.lines for part in digest(found)}


def test_a_stage_on_which_nothing_happened_says_so() -> None:
    assert said(of({})) == {
        "ran": ("nothing",),
        "waits": ("nothing",),
        "service": ("nothing",),
        "drifted": ("nothing",),
        "cost": ("0.0000 in these days", "0.0000 this month"),
        "next": ("nothing",),
    }


def test_what_ran_is_counted_with_how_it_ended_and_what_it_cost() -> None:
    work = {
        "churn": {
            "retrain": {**NOTHING, "count": 2, "nothing_new": 1, "usd": 1.25},
            "score": {**NOTHING, "count": 7, "failed": 1, "stopped": 1, "usd": 0.5},
            "monitor": {**NOTHING, "count": 1, "running": 1},
        }
    }
    churn = model(
        definition=definition(budget_usd=20.0),
        spent_usd=4.0,
        allowed=[{"usd": 5.0, "month": "2026-11", "reason": "r", "at": "", "by": ""}],
    )
    found = said(of({"churn": churn}, work))

    assert found["ran"] == (
        "churn: 2 retrainings (1 found nothing new), 7 batches (1 failed, 1 stopped), "
        "1 monitoring (1 still running)",
    )
    assert found["cost"] == (
        "1.75 in these days",
        "0.0000 this month",
        "churn: 1.75, and 4.00 this month of a budget of 25.00 (with 5.00 that people allowed on "
        "top)",
    )


def test_of_many_models_the_stages_month_and_the_newest_facts_are_not_cut() -> None:
    names = [f"model-{number:02}" for number in range(50)]
    work = {name: {"retrain": {**NOTHING, "count": 1, "usd": 0.5}} for name in names}
    facts = [
        fact(event, model=name, release=1)
        for event in ("release promoted", "drift found")
        for name in names
    ]
    found = of({name: model() for name in names}, work, facts=facts)
    found["stage"] = {**found["stage"], "spent_usd": 90.0, "budget_usd": 100.0}
    shown = said(found)

    assert shown["cost"][:2] == ("25.00 in these days", "90.00 this month of a budget of 100.00")
    assert shown["cost"][-1] == "and 12 lines more"
    assert shown["service"][0] == "2026-11-29 03:00:00 UTC: model-49/1 is in service"
    assert shown["service"][-1] == "and 10 lines more"
    assert shown["drifted"][0] == "2026-11-29 03:00:00 UTC: model-49/1 drifted"


def test_what_waits_says_for_whom_since_when_and_why() -> None:
    at = "2026-11-28T12:00:00Z"
    waiting = {"release": 7, "since": at, "until": "2026-12-05T12:00:00Z"}
    models = {
        "abalone": model(waiting=waiting),
        "boots": model(paused={"reason": "audit", "at": at, "by": "arn:aws:sts::1:role/x/ada"}),
        "churn": model(definition={"sha256": "c", "problem": "line 3: no such key"}),
        "shoes": model(
            definition=definition(batch_schedule=NIGHTLY),
            live=None,
            state={"schedules": {"score": {"schedule": NIGHTLY, "handled": at}}},
        ),
    }

    assert said(of(models))["waits"] == (
        "abalone/7 has waited for its approvers since 2026-11-28 12:00:00 UTC; it expires at "
        "2026-12-05 12:00:00 UTC",
        "boots has been paused by ada since 2026-11-28 12:00:00 UTC: audit",
        "churn waits for a valid model.yaml: line 3: no such key",
        "scoring in batch of shoes: no release is in service",
    )


def fact(event: str, **keys: Any) -> dict[str, Any]:
    at = "2026-11-29T03:00:00Z"
    return Fact(event=event, key="k", stack="s", stage="dev", at=at, summary="x", **keys).document()  # type: ignore[arg-type]


def test_what_changed_in_service_and_what_drifted_are_apart() -> None:
    watch = {"state": "alarm", "monitoring": "churn-m", "checks": ["drift"]}
    facts = [
        fact("release promoted", model="churn", release=3),
        fact("drift found", model="churn"),
        fact("batch done", model="churn", batch="b"),
    ]
    found = said(of({"churn": model(watch=watch)}, facts=facts))

    assert found["service"] == ("2026-11-29 03:00:00 UTC: churn/3 is in service",)
    assert found["drifted"] == (
        "2026-11-29 03:00:00 UTC: churn drifted",
        "churn: its last monitoring, churn-m, alarms",
    )


def test_what_happened_last_comes_first() -> None:
    facts = [fact("release approved", model="churn", release=3)]
    facts.append(fact("release promoted", model="churn", release=3))

    assert said(of({"churn": model()}, facts=facts))["service"] == (
        "2026-11-29 03:00:00 UTC: churn/3 is in service",
        "2026-11-29 03:00:00 UTC: churn/3 was approved",
    )


def test_what_comes_next_is_in_the_order_of_time() -> None:
    early = {"cron": "0 1 * * *", "time_zone": "UTC"}
    models = {
        "boots": model(definition=definition(batch_schedule=NIGHTLY)),
        "churn": model(definition=definition(retrain={"schedule": early})),
    }
    assert said(of(models))["next"] == (
        "2026-12-01 01:00:00 UTC: retraining of churn",
        "2026-12-01 01:30:00 UTC: scoring in batch of boots",
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_hostile_and_crowded_stage_still_fits_into_a_mail(language: str) -> None:
    evil = "<b>\u202e\n\x07" * 500
    since = "2026-11-28T12:00:00Z"
    paused = {"reason": evil, "at": since, "by": evil}
    models = {f"model-{number}": model(paused=paused) for number in range(200)}
    facts = [fact("release promoted", model=name, release=1) for name in models]

    with speaking(Speech(language, "Asia/Tokyo")):
        found = text(of(models, facts=facts))

    lines = found.splitlines()
    assert max(len(line) for line in lines) <= LONGEST_LINE + 2
    assert len(lines) <= 7 * (MOST_LINES + 4)
    assert len(found) <= LONGEST_SUMMARY
    assert all(line.isprintable() for line in lines)


def test_the_days_are_those_of_the_document() -> None:
    found = of({})
    found["from"] = f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    assert text(found).startswith("From 2026-11-29 to 2026-11-30\n")


def test_the_days_are_those_of_the_stages_time_zone() -> None:
    found = of({})
    found["from"], found["until"] = "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z"
    with speaking(Speech("en", "Asia/Tokyo")):
        assert text(found).startswith("From 2026-11-23 to 2026-11-30\n")


@pytest.mark.parametrize(
    ("zone", "until", "days", "begin"),
    [
        ("UTC", "2026-11-30 08:00", 7, "2026-11-23 08:00"),
        ("Asia/Tokyo", "2026-11-29 23:00", 1, "2026-11-28 23:00"),
        ("Europe/Berlin", "2026-10-26 07:00", 7, "2026-10-19 06:00"),
        ("Europe/Berlin", "2026-03-30 06:00", 7, "2026-03-23 07:00"),
        ("Europe/Berlin", "2026-10-25 07:00", 1, "2026-10-24 06:00"),
        # Half an hour.
        ("Australia/Lord_Howe", "2026-04-05 21:30", 7, "2026-03-29 21:00"),
    ],
)
def test_a_digest_begins_at_the_same_time_of_day_in_the_stages_time_zone(
    zone: str, until: str, days: int, begin: str
) -> None:
    with speaking(Speech("en", zone)):
        assert beginning(moment(until), days) == moment(begin)
