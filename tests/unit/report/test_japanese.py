"""Every fact in Japanese, as mail and as a message in chat."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import get_args

import pytest

from core.report.chat import notification
from core.report.fact import Event, Fact, MetricResult
from core.report.mail import LONGEST_SUBJECT, subject, text
from core.report.next_step import next_command
from core.stage.links import Links
from core.words.language import Speech, speaking
from core.words.widths import width

LINKS = Links("eu-west-1")
TOKYO = Speech("ja", "Asia/Tokyo")
FACT = Fact(
    event="run failed",
    key="churn-261121055501-x7k",
    stack="kanmon-dev",
    stage="dev",
    at="2026-11-21T06:00:00Z",
    summary="昇格: すべてのルールに合格、AUC 0.8476",
    model="churn",
    reason="2026年11月21日 14:55 JST の予定",
    run="churn-261121055501-x7k",
    release=7,
    by="approver",
    until="2026-11-28T06:00:00Z",
    metric=MetricResult("recall", 0.7512, 0.7704, -0.0192, -0.031, -0.008),
)
# Words beside each other that are no command.
ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
COMMAND = re.compile(r"kanmon [^`\n]*?\"…\"|`kanmon [^`]*`")


def fact_of(event: Event) -> Fact:
    return replace(FACT, event=event)


@pytest.mark.parametrize("event", get_args(Event))
def test_every_event_is_mailed_in_japanese(event: Event) -> None:
    with speaking(TOKYO):
        line, body = subject(fact_of(event)), text(fact_of(event), LINKS)

    assert len(line) <= LONGEST_SUBJECT
    assert line.isprintable()
    assert ENGLISH.findall(line) == []
    named = body.replace(next_command(fact_of(event)) or "", "")
    assert ENGLISH.findall(COMMAND.sub("", named)) == []
    assert "2026年11月21日 15:00 JST" in body
    assert "再現率 0.7512" in body


@pytest.mark.parametrize("event", get_args(Event))
def test_every_event_is_shown_in_chat_in_japanese(event: Event) -> None:
    with speaking(TOKYO):
        content = notification(fact_of(event), LINKS)["content"]

    shown = [content["title"], content["description"], *content["nextSteps"]]
    assert ENGLISH.findall(COMMAND.sub("", "\n".join(shown))) == []
    assert "2026年11月21日 15:00 JST" in content["description"]


def test_the_values_of_a_mail_stand_below_each_other_also_beside_wide_letters() -> None:
    with speaking(TOKYO):
        body = text(fact_of("release waits"), LINKS)

    table = body.split("\n\n")[-1].splitlines()
    begins = {width(line) - width(line.split("  ")[-1].strip()) for line in table if "  " in line}
    assert len(begins) == 1


def test_a_subject_names_what_happened_to_what() -> None:
    with speaking(TOKYO):
        line = subject(fact_of("release waits"))

    assert line == "kanmon-dev: churn/7: 承認待ち (churn-261121055501-x7k)"


def test_what_is_about_the_stage_says_so() -> None:
    fact = replace(FACT, event="budget reached", model=None, release=None, run=None)

    with speaking(TOKYO):
        assert text(fact, LINKS).startswith("ステージ dev の予算に達しました。\n")
        assert "ステージ dev の予算に達しました。" in json.dumps(
            notification(fact, LINKS), ensure_ascii=False
        )
