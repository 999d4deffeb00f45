"""Open Release: write down exactly what may be promoted, and start the pipeline on it.

Every part may be done again: the run keeps its number and its moment, the same bytes are written
under names that are written once, and the pipeline is started under a token of the release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.gate.evidence import Evidence, read_evidence
from core.releases import history
from core.releases.bundle import GOLDEN, RECORD, pack, serving_tree, tree_digest
from core.releases.release_json import (
    Case,
    Stored,
    approval_of,
    release_bytes,
    release_document,
    sha256,
)
from core.runs.cost import cost
from core.stage.bucket import Store
from core.stage.release_pipeline import LONGEST_SUMMARY, value_for
from core.stage.release_table import HistoryEntry, Release, Status
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.gateways import Stage

JSON, HTML, ZIP = "application/json", "text/html; charset=utf-8", "application/zip"


class RejectedCandidateError(Exception):
    """A candidate that the gate rejected opens no release."""


@dataclass(frozen=True)
class Opening:
    """What opening a release needs. `source` holds the folder serving/.

    `automatic` says whether the stage lets a definition do without a review.
    """

    stage: Stage
    render: Callable[..., str]
    source: Path
    automatic: bool = True


@dataclass(frozen=True)
class _Bundle:
    key: str
    version: str
    sha256: str
    record_sha256: str
    review_uri: str
    document: dict[str, Any]


def open_release(opening: Opening, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Take {run, model, package_arn, verdict, summary}; return the release opened."""
    model, run, verdict = event["model"], event["run"], event["verdict"]
    if verdict not in ("promote", "hold"):
        raise RejectedCandidateError(f"run {run}: its verdict is {verdict}, which opens no release")
    table = opening.stage.releases
    number, opened_at = table.number_for(model, run, timestamp(now))
    bundle = _write(opening, number, opened_at, event)
    record = bundle.document
    release = table.open(
        Release(
            model=model,
            release=number,
            status=Status.WAITING,
            run=run,
            package_arn=event["package_arn"],
            package_version=record["package"]["version"],
            verdict=verdict,
            summary=event["summary"],
            approval=record["approval"],
            opened_at=opened_at,
            bundle_key=bundle.key,
            bundle_version=bundle.version,
            bundle_sha256=bundle.sha256,
            release_sha256=bundle.record_sha256,
            review_uri=bundle.review_uri,
        )
    )
    if release.execution is None:
        release = _start(opening.stage, release, record)
    _announce(opening.stage, release, record)
    return {
        "release": number,
        "review_uri": bundle.review_uri,
        "execution": release.execution,
        "approval": record["approval"],
        "summary": event["summary"],
    }


def _write(opening: Opening, number: int, opened_at: str, event: Mapping[str, Any]) -> _Bundle:
    store, model, run = opening.stage.store, event["model"], event["run"]
    evidence = read_evidence(store, model, run)
    tree = serving_tree(opening.source)
    golden = store.read(store.run_key(model, run, "evaluate/golden.json"))
    costs = cost(evidence.reports, evidence.resources)
    artifact = _artifact(store, evidence)
    kept_golden = _once(store, model, number, GOLDEN, golden, JSON)
    evaluation = _evaluation(store, model, run)
    digests = {
        "Model file": artifact.sha256,
        "Golden records": kept_golden.sha256,
        "Evaluation": evaluation.sha256,
        "Serving code": tree_digest(tree),
    }
    page = _page(opening, number, event, evidence, opened_at, digests, costs)
    review = _once(store, model, number, "review.html", page.encode(), HTML)
    document = release_document(
        Case(
            release=number,
            opened_at=opened_at,
            plan=evidence.plan,
            package_arn=event["package_arn"],
            verdict=event["verdict"],
            summary=event["summary"],
            artifact=artifact,
            golden=kept_golden,
            evaluation=evaluation,
            review=review,
            source=tree_digest(tree),
            cost=costs,
            automatic=opening.automatic,
        )
    )
    record = release_bytes(document)
    _once(store, model, number, RECORD, record, JSON)
    content = pack(record, golden, tree)
    bundle = _once(store, model, number, "bundle.zip", content, ZIP)
    return _Bundle(
        key=store.release_key(model, number, "bundle.zip"),
        version=bundle.version,
        sha256=bundle.sha256,
        record_sha256=sha256(record),
        review_uri=review.uri,
        document=document,
    )


def _once(store: Store, model: str, number: int, name: str, content: bytes, kind: str) -> Stored:
    key = store.release_key(model, number, name)
    return Stored(store.uri(key), store.write_once(key, content, kind), sha256(content))


def _artifact(store: Store, evidence: Evidence) -> Stored:
    plan = evidence.plan
    key = store.run_key(plan["model"], plan["run"], "train/model.tar.gz")
    version = store.version_of(key) or ""
    return Stored(store.uri(key), version, evidence.training["model_sha256"])


def _evaluation(store: Store, model: str, run: str) -> Stored:
    key = store.run_key(model, run, "evaluate/evaluation.json")
    content, version = store.read_current(key)
    return Stored(store.uri(key), version, sha256(content))


def _page(
    opening: Opening,
    number: int,
    event: Mapping[str, Any],
    evidence: Evidence,
    opened_at: str,
    digests: Mapping[str, str],
    costs: Mapping[str, Any],
) -> str:
    """The review page again, for exactly this release: its number, its digests, how to decide."""
    store, model, run = opening.stage.store, event["model"], event["run"]
    verdict = store.read_json(store.run_key(model, run, "verdict.json"))
    content = evidence.plan["definition"]["content"]
    return opening.render(
        evidence.plan,
        evidence.evaluation,
        verdict,
        judged_at=str(verdict.get("judged_at") or opened_at),
        training=evidence.training,
        preprocess=evidence.preprocess,
        champion_definition=evidence.champion_definition,
        cost=costs,
        release={
            "number": number,
            "opened_at": opened_at,
            "approval": approval_of(content, event["verdict"], allowed=opening.automatic),
            "package_arn": event["package_arn"],
            "digests": dict(digests),
        },
    )


def _start(stage: Stage, release: Release, record: Mapping[str, Any]) -> Release:
    model, number = release.model, release.release
    variables = {
        "model": model,
        "release": str(number),
        "purpose": "promotion",
        "review": str(record["approval"]),
        "summary": value_for(str(record["summary"]), LONGEST_SUMMARY),
        "review_url": stage.links.review(model, release.run, release.review_uri),
    }
    # The bundle's digest is in it: a release that was begun anew is another one.
    named = f"{stage.name}/{model}/{number}/{release.bundle_sha256}"
    token = hashlib.sha256(named.encode()).hexdigest()
    execution = stage.pipeline.start(variables, release.bundle_key, release.bundle_version, token)
    started = stage.releases.start(release, execution) or stage.releases.release(model, number)
    known = started.execution if started else None
    return replace(started or release, execution=known or execution)


def _announce(stage: Stage, release: Release, record: Mapping[str, Any]) -> None:
    at, summary = str(record["opened_at"]), str(record["summary"])
    entry = HistoryEntry(
        at=at,
        event="opened",
        release=release.release,
        key=f"{release.release:06d}-1-opened",
        reason=summary,
        execution=release.execution,
    )
    waits = record["approval"] == "manual"
    notice = history.notice_of(stage, release, "release waiting", at, summary) if waits else None
    history.record(stage, release.model, entry, notice)
