"""The catalogue in each language: complete, filled alike, and written in that language."""

import re
import string

import pytest

from core.words.catalogue import say, texts
from core.words.formats import counted, day, duration, moment, percent, sentence, short_day
from core.words.language import LANGUAGES, Speech, speaking, speech
from core.words.lists import enumerated, sentences
from core.words.metrics import metric_label
from core.words.verdicts import outcome_name, verdict_name, without_verdict

ENGLISH, JAPANESE = texts("en"), texts("ja")
TOKYO = Speech("ja", "Asia/Tokyo")
JAPANESE_LETTERS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# What is written alike in both: a name or an abbreviation.
SAME = {
    *(f"metrics.label.{name}" for name in ("rmse", "mae", "mape", "r2", "auc", "f1")),
    *("review.drift.psi", "review.lineage.approval"),
    *("sizing.gigabytes", "sizing.megabytes"),
}


def places_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def letters_in(text: str) -> str:
    """A text without its places and without what is typed or named as it is: `code`."""
    bare = re.sub(r"`[^`]*`|\{[^}]*\}", "", text)
    return re.sub(r"[^A-Za-z\u3040-\u30ff\u4e00-\u9fff]", "", bare)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language: str) -> None:
    assert texts(language).keys() == ENGLISH.keys()


def test_a_text_has_the_same_places_in_every_language() -> None:
    assert {key for key in ENGLISH if places_in(JAPANESE[key]) != places_in(ENGLISH[key])} == set()


def test_every_text_with_words_is_translated() -> None:
    same = {key for key in ENGLISH if letters_in(ENGLISH[key]) and JAPANESE[key] == ENGLISH[key]}

    assert same == SAME


def test_what_is_translated_is_japanese() -> None:
    other = {
        key
        for key in ENGLISH.keys() - SAME
        if letters_in(JAPANESE[key]) and not JAPANESE_LETTERS.search(JAPANESE[key])
    }

    assert other == set()


def test_japanese_nouns_have_one_form_with_a_counter() -> None:
    things = {key.rpartition(".")[0] for key in JAPANESE if key.startswith("things.")}

    assert all(JAPANESE[f"{thing}.one"] == JAPANESE[f"{thing}.other"] for thing in things)
    with speaking(TOKYO):
        assert (counted(1, "row"), counted(1204, "file")) == ("1行", "ファイル1,204件")


def test_a_function_speaks_as_its_stages_parameters_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_LANGUAGE", "ja")
    monkeypatch.setenv("STAGE_TIME_ZONE", "Asia/Tokyo")

    assert speech() == TOKYO
    assert moment("2026-11-30T03:34:56Z") == "2026年11月30日 12:34 JST"


def test_without_parameters_it_is_english_and_utc_whatever_the_desktop_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANGUAGE", "ja:en")
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    assert moment("2026-11-30T03:34:56Z") == "2026-11-30 03:34:56 UTC"


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Asia/Tokyo", "2026-07-01 09:30:00 JST"),
        ("Europe/Berlin", "2026-07-01 02:30:00 CEST"),
        ("America/Sao_Paulo", "2026-06-30 21:30:00 UTC−03"),  # it has no letters of its own
        ("Mars/Olympus", "2026-07-01 00:30:00 UTC"),  # only where deploy did not check it
    ],
)
def test_a_moment_is_written_in_the_stages_zone_which_it_names(zone: str, written: str) -> None:
    with speaking(Speech("en", zone)):
        assert moment("2026-07-01T00:30:00Z") == written


def test_units_and_days_are_written_as_each_language_does() -> None:
    values = (percent(0.125), duration(0.042), duration(75), duration(4000))
    assert values == ("12.5 %", "42 ms", "1 min 15 s", "1 h 06 min")
    assert (day("2026-03-05"), short_day("2026-03-05")) == ("2026-03-05", "03-05")

    with speaking(TOKYO):
        values = (percent(0.125), duration(0.042), duration(75), duration(4000))
        assert values == ("12.5%", "42ミリ秒", "1分15秒", "1時間06分")
        assert (day("2026-03-05"), short_day("2026-03-05")) == ("2026年3月5日", "3/5")


def test_japanese_has_no_capitals_and_no_space_between_sentences() -> None:
    with speaking(TOKYO):
        assert sentence("tenure がドリフト") == "tenure がドリフト"
        assert sentences("一つ目。", "", "二つ目。") == "一つ目。二つ目。"
        assert enumerated([metric_label("auc"), metric_label("recall")]) == "AUC、再現率"


@pytest.mark.parametrize("verdict", ["promote", "hold", "reject"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdicts_name_is_taken_off_a_summary_of_any_language(
    language: str, verdict: str
) -> None:
    with speaking(Speech(language)):
        name = verdict_name(verdict)
        summary = say("gate.summary.one_reason", verdict=name, reason="AUC 0.8")

    assert without_verdict(summary, verdict) == "AUC 0.8"


def test_verdicts_and_outcomes_have_their_own_names_in_japanese() -> None:
    with speaking(TOKYO):
        assert [verdict_name(one) for one in ("promote", "hold", "reject")] == [
            *("昇格", "保留", "却下")
        ]
        assert [outcome_name(one) for one in ("pass", "hold", "reject")] == [
            *("合格", "保留", "不合格")
        ]
