"""Renders the review page: one HTML file that needs nothing else, runs nothing, asks for nothing.

It shows a run's candidate, or the release it became, to the person who decides. It is read-only: no
link, form or script on it could decide, so neither a mail scanner nor a careless click approves
anything. Its texts come from the catalogue.
"""

from pathlib import Path
from typing import Any

from core.metrics import DIRECTION
from core.reading import Document, listed, mapping
from core.review import (
    behaviour,
    changes,
    comparison,
    consequences,
    curves,
    headline,
    judgement,
    lineage,
    release_facts,
    search,
    segments,
)
from core.review.case import Case
from core.review.rendering import LARGEST_PAGE, LIMITS, environment, style_hash
from core.words.catalogue import say
from core.words.formats import moment, parsed, text
from core.words.language import speaking, speech
from core.words.lists import enumerated
from core.words.reasons import reason_words
from core.words.verdicts import verdict_name, without_verdict


def render(
    run_plan: Document,
    evaluation: Document,
    verdict: Document,
    *,
    judged_at: str,
    training: Document | None = None,
    preprocess: Document | None = None,
    champion_definition: Document | None = None,
    trials: Document | None = None,
    cost: Document | None = None,
    release: Document | None = None,
) -> str:
    """The page as HTML, always under 300 kB; the same input gives the same page.

    `release` has number, opened_at, approval, package_arn and digests by name; without it the page
    is that of a run. Whatever is missing or broken in the documents is shown as such and never
    raises: a rejected candidate is often rejected because of it.
    """
    page = ""
    with speaking(speech()):  # looked up once, and not for each text
        for rows, characters in LIMITS:
            case = Case(
                plan=mapping(run_plan),
                evaluation=mapping(evaluation),
                verdict=mapping(verdict),
                directions=DIRECTION,
                training=mapping(training),
                preprocess=mapping(preprocess),
                champion_definition=mapping(champion_definition),
                trials=mapping(trials),
                release=mapping(release),
                cost=mapping(cost),
                limit=rows,
            )
            page = template().render(**_view(case, judged_at), characters=characters)
            if len(page.encode()) < LARGEST_PAGE:
                break
    return page


def _view(case: Case, judged_at: str) -> dict[str, Any]:
    """Everything the template shows, section by section."""
    return {
        **_heading(case, judged_at),
        **_decision(case),
        **_comparison(case),
        **_behaviour(case),
        **_changes(case),
        **_lineage(case, judged_at),
        "style_hash": style_hash(),
        "language": speech().language,
    }


def _heading(case: Case, judged_at: str) -> dict[str, Any]:
    """Which model and run the page is about."""
    model = text(case.evaluation.get("model"), say("review.unnamed_model"))
    judged = parsed(judged_at)
    return {
        "model": text(case.plan.get("model"), model),
        "about": text(case.definition.get("description"), ""),
        "task": text(case.definition.get("task", case.evaluation.get("task"))),
        "target": text(case.definition.get("target")),
        "owners": enumerated(text(owner) for owner in listed(case.definition.get("owners"))),
        "run": text(case.plan.get("run"), text(case.evaluation.get("run"))),
        "reason": reason_words(text(case.plan.get("reason"))),
        "judged": moment(judged_at),
        "judged_iso": judged.isoformat(timespec="seconds") if judged else "",
        "notes": case.notes(),
    }


def _decision(case: Case) -> dict[str, Any]:
    """The verdict, why, and what is to be decided."""
    word = text(case.verdict.get("verdict"), say("review.verdict.none"))
    reasons, more_reasons = headline.reasons(case)
    rules, passed = judgement.rules_tables(case)
    return {
        "verdict": verdict_name(word),
        "tone": judgement.VERDICT_TONES.get(word, "bad"),
        "meaning": judgement.meaning(word),
        # The heading above it already gives the verdict's word.
        "summary": without_verdict(text(case.verdict.get("summary"), ""), word),
        "release": release_facts.reference(case),
        "decide": release_facts.how_to_decide(case),
        "facts": judgement.facts(case),
        "headline": headline.headline(case),
        "reasons": reasons,
        "more_reasons": more_reasons,
        "overview": headline.overview(case),
        "consequences": consequences.consequences(case),
        "rules": rules,
        "passed": passed,
    }


def _comparison(case: Case) -> dict[str, Any]:
    """The candidate against the champion, as a whole and by segment."""
    return {
        "champion": case.champion,
        "compares": case.compares,
        "cards": comparison.metric_cards(case),
        "metrics": comparison.metric_table(case),
        "segments": segments.segments(case),
        "fewest": text(mapping(case.definition.get("gate")).get("minimum_segment_rows"), ""),
        "fairness": segments.fairness(case),
    }


def _behaviour(case: Case) -> dict[str, Any]:
    """How the candidate answers."""
    return {
        "calibration": behaviour.calibration(case),
        "curves": curves.curve_figures(case),
        "residuals": behaviour.residuals(case),
        "predictions": curves.predictions_figure(case),
        "confusion": behaviour.confusion(case),
        "importance": behaviour.importance(case),
        "search": search.search(case),
    }


def _changes(case: Case) -> dict[str, Any]:
    """What is different since the champion was trained."""
    drift, stable = changes.drift_tables(case)
    return {
        "drift": drift,
        "stable": stable,
        "drift_summary": changes.drift_summary(case),
        "definition": changes.definition_table(case),
        "definition_known": bool(case.champion_definition),
        "definition_same": _same_definition(case),
    }


def _lineage(case: Case, judged_at: str) -> dict[str, Any]:
    """What the candidate was made from, how long it took and what it cost."""
    warned, more_warnings = lineage.warnings(case)
    return {
        "data_summary": lineage.data_summary(case),
        "data": lineage.data_checks(case),
        "warnings": warned,
        "more_warnings": more_warnings,
        "rejected": lineage.rejected_rows(case),
        "lineage": lineage.lineage(case, judged_at),
        "trained": lineage.trained(case),
        "durations": lineage.durations(case),
        "cost": release_facts.cost(case),
    }


def _same_definition(case: Case) -> bool:
    """Whether both models' folders are the same, byte for byte."""
    now = mapping(case.plan.get("definition")).get("sha256")
    return now is not None and now == case.champion.get("definition_sha256")


def template() -> Any:
    """The page's template, compiled once."""
    return environment(Path(__file__).parent).get_template("page.html.jinja")
