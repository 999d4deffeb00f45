"""Judging a candidate: from what the steps wrote to a verdict, a page and a registration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.cost.reported import cost
from core.cost.settle import stage_prices
from core.definition.schema import ModelDefinition
from core.gate.evidence import read_evidence
from core.gate.metrics_line import history_line
from core.gate.package_metadata import description, package_metadata
from core.gate.primary import primary_result
from core.gate.rule import Verdict
from core.gate.rules import judge
from core.gate.searched import searched
from core.reading import mapping
from core.runs.adoption import adopt
from core.runs.seen import ran_of, seen_by
from core.stage.bucket import Store
from core.usage.sizing import sizings
from core.words.formats import timestamp

RenderPage = Callable[..., str]


def judge_candidate(
    store: Store,
    render: RenderPage,
    model: str,
    run: str,
    now: datetime,
    steps: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write verdict.json, review.html and the run's line of the metrics table.

    `steps` is what the workflow knows of them: {at, ran, left_lambda, left_spot}, each by
    step. Returns what the registration needs.
    """
    known = steps or {}
    adopt(store, model, run, mapping(known.get("at")))

    def key(name: str) -> str:
        return store.run_key(model, run, name)

    evidence = read_evidence(store, model, run)
    plan, training, evaluation = evidence.plan, evidence.training, evidence.evaluation
    definition = ModelDefinition.model_validate(plan["definition"]["content"])
    verdict = judge(definition, evaluation)
    result = primary_result(evaluation)
    metric = asdict(result) if result else None
    left_lambda = mapping(known.get("left_lambda"))
    left_spot = mapping(known.get("left_spot"))
    ran = ran_of(mapping(known.get("ran")), left_lambda, left_spot)
    prices, placed = stage_prices(store), evidence.placed(ran)
    costs = cost(evidence.usage, placed, prices)
    judged = {"judged_at": timestamp(now), "cost": costs, "metric": metric, "ran": ran}
    sized = {"sizing": sizings(evidence.usage, placed, prices)}
    found = {} if evidence.trials is None else {"search": searched(evidence.trials)}
    document = {**asdict(verdict), **judged, **sized, **found}
    page = render(
        plan,
        evaluation,
        document,
        judged_at=document["judged_at"],
        training=training,
        preprocess=evidence.preprocess,
        champion_definition=evidence.champion_definition,
        trials=evidence.trials,
        cost=costs,
    )
    store.write_json(key("verdict.json"), document)
    store.write_page(key("review.html"), page)
    line = history_line(plan, evaluation, document, document["judged_at"], costs)
    store.write_line(store.metrics_key(model, run), line)
    artifact, uris = _left_behind(store, key, training)
    registration = _registration(plan, verdict, evaluation, artifact, uris)
    seen = seen_by(ran, left_lambda, evidence.usage, plan)
    return {**registration, "metric": metric, "steps": {"ran": ran, "seen": seen}}


def _left_behind(
    store: Store, key: Callable[[str], str], training: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """The model's file, and where everything else about the candidate is."""
    artifact = {
        "uri": store.uri(key("train/model.tar.gz")),
        "sha256": training["model_sha256"],
        "version": store.version_of(key("train/model.tar.gz")) or "",
    }
    uris = {
        "evaluation": store.uri(key("evaluate/evaluation.json")),
        "statistics": store.uri(key("evaluate/statistics.json")),
        "report": store.uri(key("preprocess/report/")),
        "review": store.uri(key("review.html")),
    }
    return artifact, uris


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
