"""Judging a candidate: from what the steps wrote to a verdict, a page and a registration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lifecycle.definition import ModelDefinition
from lifecycle.gate import Verdict, judge
from lifecycle.lineage import description, package_metadata
from lifecycle.store import ObjectMissingError, Store
from lifecycle.wording import moment

RenderPage = Callable[..., str]


def judge_candidate(
    store: Store, render: RenderPage, model: str, run: str, now: datetime
) -> dict[str, Any]:
    """Write verdict.json and review.html; answer with what the registration needs."""

    def key(name: str) -> str:
        return store.run_key(model, run, name)

    plan = store.read_json(key("run.json"))
    training = store.read_json(key("train/training.json"))
    evaluation = _evaluation(store, key("evaluate/evaluation.json"), plan)
    definition = ModelDefinition.model_validate(plan["definition"]["content"])
    verdict = judge(definition, evaluation)
    document = asdict(verdict)
    page = render(
        plan,
        evaluation,
        document,
        judged_at=moment(now),
        training=training,
        preprocess=store.read_json_if_there(key("preprocess/report/preprocess.json")),
        champion_definition=_champion_definition(store, model, plan),
    )
    store.write_json(key("verdict.json"), document)
    store.write_page(key("review.html"), page)
    uris = {
        "evaluation": store.uri(key("evaluate/evaluation.json")),
        "statistics": store.uri(key("evaluate/statistics.json")),
        "report": store.uri(key("preprocess/report/")),
        "review": store.uri(key("review.html")),
    }
    artifact = {
        "uri": store.uri(key("train/model.tar.gz")),
        "sha256": training["model_sha256"],
        "version": store.version_of(key("train/model.tar.gz")) or "",
    }
    return _registration(plan, verdict, evaluation, artifact, uris)


def _registration(
    plan: Mapping[str, Any],
    verdict: Verdict,
    evaluation: Mapping[str, Any],
    artifact: Mapping[str, str],
    uris: Mapping[str, str],
) -> dict[str, Any]:
    rejected = verdict.verdict == "reject"
    return {
        "verdict": verdict.verdict,
        "summary": verdict.summary,
        "approval_status": "Rejected" if rejected else "PendingManualApproval",
        "review_uri": uris["review"],
        "evaluation_uri": uris["evaluation"],
        "statistics_uri": uris["statistics"],
        "description": description(verdict),
        "metadata": package_metadata(plan, verdict, evaluation, artifact, uris),
        "model_data_url": artifact["uri"],
        # The image that trained the model is the one that is sure to be able to read it.
        "image": plan["images"]["train"],
        "client_token": client_token(plan["fingerprint"], plan["run"]),
    }


def client_token(fingerprint: str, run: str) -> str:
    """Names the registration, so that a repeat within the run registers nothing twice.

    The run is part of it: a forced run of the same fingerprint is a package of its own.
    """
    return hashlib.sha256(f"{fingerprint}:{run}".encode()).hexdigest()[:36]


def _evaluation(store: Store, key: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    evaluation = store.read_json(key)
    if not isinstance(evaluation, dict) or evaluation.get("run") != plan["run"]:
        raise ObjectMissingError(
            f"{store.uri(key)} is not the evaluation of run {plan['run']}; "
            "look at the evaluate step's log and run again"
        )
    if plan["champion"] is not None and evaluation.get("champion") is None:
        # The run has a champion: an evaluation that left it out must not pass as a first candidate.
        return {**evaluation, "champion": {}}
    return evaluation


def _champion_definition(
    store: Store, model: str, plan: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The definition the champion was trained from, with its run's parameters applied."""
    if plan["champion"] is None:
        return None
    champion_plan = store.read_json_if_there(
        store.run_key(model, plan["champion"]["run"], "run.json")
    )
    if not isinstance(champion_plan, dict):
        return None
    content = champion_plan.get("definition", {}).get("content")
    return content if isinstance(content, dict) else None
