"""release.json: exactly what is reviewed, verified, deployed and recorded. Pure.

It never changes: every later step acts on this record, and whatever differs from it stops the step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.canonical import canonical_json

Approval = Literal["manual", "automatic"]
FORMAT = 1


@dataclass(frozen=True)
class Stored:
    """One version of an object in S3 and the sha256 of its bytes."""

    uri: str
    version: str
    sha256: str

    def document(self) -> dict[str, str]:
        return {"uri": self.uri, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True)
class Case:
    """What Open Release knows of a release before it writes the record.

    `plan` is run.json. `source` is the digest of the serving/ tree that goes into the bundle.
    `automatic` says whether the stage lets a definition do without a review.
    """

    release: int
    opened_at: str
    plan: Mapping[str, Any]
    package_arn: str
    verdict: str
    summary: str
    artifact: Stored
    golden: Stored
    evaluation: Stored
    review: Stored
    source: str
    cost: Mapping[str, Any]
    automatic: bool = True


def release_document(case: Case) -> dict[str, Any]:
    """The content of release.json."""
    plan = case.plan
    definition = plan["definition"]["content"]
    return {
        "format": FORMAT,
        "model": plan["model"],
        "release": case.release,
        "stack": plan["stack"],
        "opened_at": case.opened_at,
        "reason": plan["reason"],
        "run": plan["run"],
        "package": {"arn": case.package_arn, "version": package_version(case.package_arn)},
        "verdict": case.verdict,
        "summary": case.summary,
        "approval": approval_of(definition, case.verdict, allowed=case.automatic),
        "artifact": case.artifact.document(),
        "golden": case.golden.document(),
        "evaluation": case.evaluation.document(),
        "review": case.review.document(),
        "images": dict(plan["images"]),
        "snapshot": {"id": plan["snapshot"]["id"], "uri": plan["snapshot"]["uri"]},
        "definition": {
            "sha256": plan["definition"]["sha256"],
            "uri": plan["definition"]["uri"],
        },
        "commit": plan.get("commit"),
        "fingerprint": plan["fingerprint"],
        "champion": _champion(plan),
        "serving": dict(definition["serving"]),
        "task": definition["task"],
        "features": definition["features"],
        "key": list(definition["data"].get("key") or ()),
        "source": {"sha256": case.source},
        "cost": dict(case.cost),
    }


def approval_of(definition: Mapping[str, Any], verdict: str, *, allowed: bool = True) -> Approval:
    """Automatic only where the model says so, the stage allows it and the gate has no doubt.

    >>> approval_of({"approval": "automatic"}, "hold")
    'manual'
    """
    wanted = definition.get("approval") == "automatic" and verdict == "promote"
    return "automatic" if wanted and allowed else "manual"


def release_bytes(document: Mapping[str, Any]) -> bytes:
    return canonical_json(document).encode()


def read_release(content: bytes) -> dict[str, Any] | None:
    """The record, or None if this is none."""
    try:
        document = json.loads(content)
    except ValueError:
        return None
    known = isinstance(document, dict) and document.get("format") == FORMAT
    return document if known else None


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def package_version(arn: str) -> int:
    """
    >>> package_version("arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-abalone/7")
    7
    """
    last = arn.rsplit("/", 1)[-1]
    return int(last) if last.isdigit() else 0


def _champion(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    champion = plan["champion"]
    if champion is None:
        return None
    return {name: champion.get(name) for name in ("release", "package_arn", "run")}
