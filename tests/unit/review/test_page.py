"""The review page, read as its readers will: by eye, by ear and on paper."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.review.page import render
from tests.support.reading_page import Element, headings, read, rows_of
from tests.support.sample_documents import documents, verdict
from tests.support.sample_models import TASKS, definition


def page_of(*, task: str, champion: bool = True, **changes: Any) -> Element:
    return read(render(**documents(task, champion=champion) | changes))


@pytest.mark.parametrize("champion", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_every_task_gives_an_accessible_page_closed_to_the_world(task: str, champion: bool) -> None:
    page_of(task=task, champion=champion)


def test_the_sections_stand_in_the_order_in_which_a_reviewer_asks() -> None:
    assert headings(page_of(task="binary")) == [
        "churn",
        "Verdict: reject",
        "What would change",
        "Candidate and champion",
        "Segments",
        "Fairness",
        "Confusion",
        "Calibration and curves",
        "Importance",
        "What changed since the champion",
        "Rules of the gate",
        "Data checks and warnings",
        "Lineage and cost",
    ]


def test_a_first_candidate_is_a_designed_case() -> None:
    page = page_of(task="regression", champion=False)

    assert headings(page)[1:3] == ["Verdict: promote", "Metrics of the candidate"]
    assert "There is no champion yet" in page.text
    assert "nothing has changed from it" in page.text
    assert "minus champion" not in page.text


def test_a_champion_the_evaluation_does_not_score_is_said_to_be_missing() -> None:
    sample = documents("regression")
    sample["evaluation"] |= {"champion": None, "difference": None}

    assert "the evaluation has no scores of it" in read(render(**sample)).text


@pytest.mark.parametrize(("best", "warned"), [(1, True), (10, True), (11, False), (342, False)])
def test_a_best_round_among_the_first_few_is_a_warning(best: int, warned: bool) -> None:
    sample = documents("regression")
    sample["training"] |= {
        "best_iteration": best,
        "rounds": best + 100,
        "history": {"metric": "rmse", "validation": []},
    }

    page = read(render(**sample))

    words = f"The best of {best + 100} rounds is number {best}, by rmse on the validation rows"
    assert (words in page.text) == warned


def test_rules_are_listed_with_their_words_and_failures_first() -> None:
    page = page_of(task="binary")
    rows = rows_of(page, "rules-table")

    assert [row[0] for row in rows] == ["reject"]
    assert [row[0] for row in rows_of(page, "rules-passed")] == ["pass"] * 17
    assert rows[0] == [
        "reject",
        "champion marginrecall",
        "0.7512",
        "0.7604",
        "−0.0092",
        "recall 0.7512, champion 0.7704: worse by 0.0192, more than the margin of 0.01",
    ]


def test_a_note_of_the_gate_stands_with_the_verdict_and_is_escaped() -> None:
    sample = documents("regression")
    sample["verdict"]["notes"] = ["The test set is too small <b>."]

    page = render(**sample)

    assert "The test set is too small &lt;b&gt;." in page
    assert page.index("too small") < page.index('id="metrics"')


def test_the_reference_is_compared_on_the_page_in_the_gates_words() -> None:
    sample = documents("regression")
    each = {"rmse": {"value": 0.06, "low": 0.04, "high": 0.08}}
    reference = {"release": 2, "why": "approved", "metrics": {"rmse": 2.03}, "difference": each}
    reference["metrics"] = {"rmse": {"value": 2.033, "low": 1.95, "high": 2.12}}
    sample["evaluation"] |= {"format": 2, "reference": reference}
    sample["verdict"] = verdict(definition("regression"), sample["evaluation"])

    [row] = [row for row in rows_of(read(render(**sample)), "rules-table") if "reference" in row[1]]

    assert row == [
        "reject",
        "no worse than the referenceRMSE",
        "+0.060",
        "+0.050",
        "−0.030",
        "RMSE differs from the reference's (release 2, the last that a person approved) by +0.060 "
        "(+0.040 to +0.080): it is worse, and may be by more than the margin of 0.05",
    ]


def test_a_difference_is_told_by_its_interval_against_zero() -> None:
    assert rows_of(page_of(task="regression"), "metric-table") == [
        [
            "RMSElower is better",
            "2.0932.008 to 2.174",
            "2.1352.047 to 2.219",
            "−0.042−0.080 to −0.006",
            "Better",
        ],
        [
            "MAElower is better",
            "1.4911.443 to 1.536",
            "1.5031.454 to 1.551",
            "−0.013−0.034 to +0.008",
            "No clear difference",
        ],
        [
            "R²higher is better",
            "0.56320.5418 to 0.5836",
            "0.54590.5236 to 0.5671",
            "+0.0173+0.0077 to +0.0265",
            "Better",
        ],
    ]


def test_segments_come_worst_first_and_small_ones_last_and_unjudged() -> None:
    rows = rows_of(page_of(task="binary"), "segments-1-table")

    assert rows[0][0] == "contract = two-year"
    assert rows[-1][0] == "region = islands"
    assert rows[-1][1] == "17too few to judge"
    assert rows[-1][-1] == "Not judged"


def test_changes_of_data_and_definition_are_told() -> None:
    page = page_of(task="regression")

    assert rows_of(page, "drift-table")[0] == [
        "sexcategorical",
        "0.3410",
        "0.1",
        "0 %",
        "0 %",
        "strong drift",
    ]
    assert rows_of(page, "definition-table") == [
        ["features[height].kind", "added", "–", "numeric"],
        ["features[height].minimum", "added", "–", "0"],
        ["features[height].nullable", "added", "–", "true"],
        ["trainer.parameters.learning_rate", "changed", "0.1", "0.05"],
        ["trainer.parameters.num_leaves", "changed", "31", "23"],
    ]


def test_a_model_with_features_py_names_the_file_and_that_it_changed() -> None:
    sample = documents("regression")
    sample["evaluation"]["candidate"]["features_py"] = "c4fe" * 16
    sample["evaluation"]["champion"]["features_py"] = "a3b1" * 16

    page = render(**sample)

    row = ["features.py", "changed", "a3b1a3b1a3b1…", "c4fec4fec4fe…"]
    assert row in rows_of(read(page), "definition-table")
    [named] = [row for row in rows_of(read(page), "lineage-table") if "features.py" in row[0]]
    assert named[1].startswith("c4fe" * 16)
    assert "requests to the model in service are refused" in named[1]


GATHERED = {
    "query": "-- all\nSELECT a FROM t",
    "database": "sea",
    "maximum_gb": 10,
    "query_id": "q-1",
    "rows": 4177,
    "scanned_bytes": 3_000_000_000,
    "usd": 0.01364242,
    "prices": {"source": "price list", "region": "eu-west-1", "of": "2026-11-30"},
}


def test_the_lineage_has_the_query_that_made_the_data_what_it_scanned_and_cost() -> None:
    sample = documents("regression")
    sample["run_plan"]["gather"] = GATHERED

    [named] = [
        row
        for row in rows_of(read(render(**sample)), "lineage-table")
        if row[0].startswith("Query")
    ]

    assert named[1].startswith("-- all ⏎ SELECT a FROM t")
    assert (
        "4,177 rows from the database sea; scanned 3 GB of at most 10 GB, 0.0136 US dollars "
        "(prices: 2026-11-30, eu-west-1)"
    ) in named[1]


def test_a_query_whose_cost_is_not_known_says_so() -> None:
    sample = documents("regression")
    sample["run_plan"]["gather"] = GATHERED | {"usd": None}

    assert "of at most 10 GB, whose cost is not known" in read(render(**sample)).text


OF_A_JOB = {
    "by": "job",
    "job": "kanmon-dev-crm-261130190000-x7k-gather-0",
    "program": "0a1b2c3d4e5f",
    "secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm-1a2B3c",
    "files": 3,
    "bytes": 12_000_000,
    "written": 1,
    "names": ["<orders>.csv"],
}


def test_the_lineage_has_the_job_that_made_the_data_its_files_and_its_secrets_name() -> None:
    sample = documents("regression")
    sample["run_plan"]["gather"] = OF_A_JOB

    rows = {row[0]: row[1] for row in rows_of(read(render(**sample)), "lineage-table")}

    assert rows["Job that made the data"].startswith(OF_A_JOB["job"])
    assert (
        "ran gather.py, which wrote 3 files, 12 MB; 1 file of them"
        in (rows["Job that made the data"])
    )
    assert rows["Files that the job stored"] == "<orders>.csv"
    assert rows["Secret of the job"].startswith(str(OF_A_JOB["secret"]))


def test_a_changed_program_is_a_changed_definition() -> None:
    sample = documents("regression")
    sample["run_plan"]["gather"] = OF_A_JOB
    sample["champion_definition"] = {
        **sample["run_plan"]["definition"]["content"],
        "gather.py": "ffff2c3d4e5f…",
    }

    [row] = rows_of(read(render(**sample)), "definition-table")

    assert row[:4] == ["gather.py", "changed", "ffff2c3d4e5f…", "0a1b2c3d4e5f…"]


def test_a_changed_query_is_a_changed_definition() -> None:
    sample = documents("regression")
    sample["run_plan"]["gather"] = GATHERED
    sample["champion_definition"] = {
        **sample["run_plan"]["definition"]["content"],
        "gather.sql": "0a1b2c3d4e5f…",
    }

    [row] = rows_of(read(render(**sample)), "definition-table")

    assert row[:3] == ["gather.sql", "changed", "0a1b2c3d4e5f…"]


def test_equal_definitions_are_told_apart_from_an_unreadable_one() -> None:
    sample = documents("regression")
    sample["champion_definition"] = sample["run_plan"]["definition"]["content"]
    assert "Every setting is the same." in read(render(**sample)).text

    sample["run_plan"]["champion"]["definition_sha256"] = "41ce" * 16
    assert "the same, byte for byte" in read(render(**sample)).text

    sample["run_plan"]["champion"]["definition_sha256"] = "52d0" * 16
    sample["champion_definition"] = None
    assert "could not be read" in read(render(**sample)).text


def test_the_page_holds_no_way_to_decide() -> None:
    page = page_of(task="regression")

    assert "This page is read-only." in page.text
    assert page.all("form", "button", "input", "script", "iframe", "object", "embed", "link") == []


def test_rejected_rows_of_every_host_of_preprocess_are_shown() -> None:
    sample = documents("regression")
    sample["preprocess"]["rejected"] = [{"file": "first.csv"}]
    sample["evaluation"]["data"]["rejected"] = [{"file": "first.csv"}, {"file": "second.csv"}]

    page = render(**sample)

    assert "first.csv" in page
    assert "second.csv" in page


def test_an_unknown_verdict_is_never_shown_as_a_good_one() -> None:
    page = page_of(task="regression", verdict={})

    assert headings(page)[1] == "Verdict: no verdict"
    assert "The verdict lists no rules." in page.text
    (panel,) = (e for e in page.all("div") if e.attributes.get("class", "").startswith("verdict"))
    assert panel.attributes["class"] == "verdict bad"


def test_the_same_run_gives_the_same_page() -> None:
    assert render(**documents("binary")) == render(**json.loads(json.dumps(documents("binary"))))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "paper"),
        ("ink", "panel"),
        ("quiet", "paper"),
        ("quiet", "panel"),  # the words in a drawing
        ("candidate", "paper"),  # links too
        ("champion", "paper"),
        ("ink", "good-back"),
        ("ink", "unclear-back"),
        ("ink", "bad-back"),
        ("good", "good-back"),
        ("unclear", "unclear-back"),
        ("bad", "bad-back"),
        ("good", "paper"),
        ("unclear", "paper"),
        ("bad", "paper"),
    ],
)
def test_text_stands_out_from_its_ground(palette: int, ink: str, ground: str) -> None:
    (style,) = page_of(task="regression").all("style")
    colours = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", style.text.split(":root {")[palette + 1])
    )
    lighter, darker = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
