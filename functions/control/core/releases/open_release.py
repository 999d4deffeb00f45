"""Open Release: write down exactly what may be promoted, and start the pipeline on it.

Every part may be done again, by this run or, if it died, by the next one: the run keeps its number
and its moment, the same bytes are written under names that are written once, and the pipeline is
started under a token of the release.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cost.prices import SAMPLE
from core.cost.reported import cost
from core.gate.evidence import Evidence, read_evidence
from core.reading import mapping
from core.releases.bundle import GOLDEN, RECORD, pack, serving_tree, tree_digest
from core.releases.release_json import (
    Case,
    Stored,
    approval_of,
    release_bytes,
    release_document,
    sha256,
)
from core.releases.start_release import start_queued
from core.releases.superseding import supersede_waiting
from core.stage.bucket import ReleaseChangedError, Store
from core.stage.release_records import Release, Status
from core.words.catalogue import say
from core.words.formats import sentence, timestamp
from core.words.verdicts import verdict_name

if TYPE_CHECKING:
    from core.stage.gateways import Stage

# So many dead runs may have used numbers that the table knows nothing of.
_MOST_TAKEN = 20
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


def open_release(opening: Opening, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Take {run, model, package_arn, verdict}; return the release opened."""
    stage, model, run, verdict = opening.stage, event["model"], event["run"], event["verdict"]
    if verdict not in ("promote", "hold"):
        name = verdict_name(str(verdict))
        raise RejectedCandidateError(say("refused.verdict", run=run, verdict=name))
    number, opened_at = stage.releases.number_for(model, run, timestamp(now))
    release = stage.releases.release(model, number)
    if release is None or release.run != run:
        release = stage.releases.open(_written(opening, number, opened_at, event))
    elif release.execution is None:
        stage.releases.enter_queue(release)
    # From here on the run has a release, and every repeat only goes on with it.
    if release.approval == "manual" and _supersedes(opening, release):
        supersede_waiting(stage, release)
    start_queued(stage, now)
    release = stage.releases.release(model, release.release) or release
    return {
        "release": release.release,
        "review_uri": release.review_uri,
        "execution": release.execution,
        "approval": release.approval,
        "summary": release.summary,
    }


def _supersedes(opening: Opening, release: Release) -> bool:
    """Does model.yaml let a newer release end the review of an older one?"""
    store = opening.stage.store
    plan = store.read_json(store.run_key(release.model, release.run, "run.json"))
    settings = plan["definition"]["content"].get("releases") or {}
    return bool(settings.get("supersede", True))


def _written(opening: Opening, number: int, opened_at: str, event: Mapping[str, Any]) -> Release:
    """The release, whose objects are written. A number whose objects are another run's is left out:
    that run died, and nothing of a release is ever written over."""
    for _ in range(_MOST_TAKEN):
        try:
            return _write(opening, number, opened_at, event)
        except ReleaseChangedError as error:
            taken = error
            releases = opening.stage.releases
            number = releases.number_instead(event["model"], event["run"], number)
    raise taken


def _part(name: str) -> str:
    """A part of the release as the page's table names it."""
    return sentence(say(f"release.part.{name}"))


def _write(opening: Opening, number: int, opened_at: str, event: Mapping[str, Any]) -> Release:
    store, model, run = opening.stage.store, event["model"], event["run"]
    evidence = read_evidence(store, model, run)
    verdict = store.read_json(store.run_key(model, run, "verdict.json"))
    tree = serving_tree(opening.source)
    golden = store.read(store.run_key(model, run, "evaluate/golden.json"))
    # As it was judged: made again with other prices, the page would be another.
    costs = mapping(verdict.get("cost")) or cost(evidence.usage, evidence.placed(), SAMPLE)
    artifact = _artifact(store, evidence)
    kept_golden = _once(store, model, number, GOLDEN, golden, JSON)
    evaluation = _evaluation(store, model, run)
    digests = {
        _part("artifact"): artifact.sha256,
        _part("golden"): kept_golden.sha256,
        _part("evaluation"): evaluation.sha256,
        _part("source"): tree_digest(tree),
    }
    page = _page(opening, number, event, evidence, verdict, opened_at, digests, costs)
    review = _once(store, model, number, "review.html", page.encode(), HTML)
    document = release_document(
        Case(
            release=number,
            opened_at=opened_at,
            plan=evidence.plan,
            package_arn=event["package_arn"],
            verdict=event["verdict"],
            summary=verdict["summary"],
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
    bundle = _once(store, model, number, "bundle.zip", pack(record, golden, tree), ZIP)
    waiting = _waiting(document, record, store.release_key(model, number, "bundle.zip"), bundle)
    metric = json.dumps(verdict["metric"]) if verdict.get("metric") else None
    return replace(waiting, run_reason=evidence.plan["reason"], metric=metric)


def _waiting(
    document: Mapping[str, Any], written: bytes, bundle_key: str, bundle: Stored
) -> Release:
    """The record of a release that waits: what its release.json says, and where its bundle is."""
    return Release(
        model=document["model"],
        release=document["release"],
        status=Status.WAITING,
        run=document["run"],
        package_arn=document["package"]["arn"],
        package_version=document["package"]["version"],
        verdict=document["verdict"],
        summary=document["summary"],
        approval=document["approval"],
        opened_at=document["opened_at"],
        bundle_key=bundle_key,
        bundle_version=bundle.version,
        bundle_sha256=bundle.sha256,
        release_sha256=sha256(written),
        review_uri=document["review"]["uri"],
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
    verdict: Mapping[str, Any],
    opened_at: str,
    digests: Mapping[str, str],
    costs: Mapping[str, Any],
) -> str:
    """The review page again, for exactly this release: its number, its digests, how to decide."""
    content = evidence.plan["definition"]["content"]
    return opening.render(
        evidence.plan,
        evidence.evaluation,
        verdict,
        judged_at=str(verdict.get("judged_at") or opened_at),
        training=evidence.training,
        preprocess=evidence.preprocess,
        champion_definition=evidence.champion_definition,
        trials=evidence.trials,
        cost=costs,
        release={
            "number": number,
            "opened_at": opened_at,
            "approval": approval_of(content, event["verdict"], allowed=opening.automatic),
            "package_arn": event["package_arn"],
            "digests": dict(digests),
        },
    )
