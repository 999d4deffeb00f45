"""A stage for releases in plain Python, and what a test does to it."""

from __future__ import annotations

import json
from typing import Any

from core.releases.admission_rule import Claim
from core.releases.bundle import pack, tree_digest
from core.releases.release_json import Case, release_bytes, release_document, sha256
from core.releases.service import Live
from core.stage.registry import Package
from core.stage.release_pipeline import DEPLOY, REVIEW
from core.stage.release_records import Release, Status, history_from
from core.stage.release_table import ReleaseTable
from core.words.formats import timestamp
from tests.support.release_doubles import (
    ARTIFACT,
    BUCKET,
    MODEL,
    STACK,
    Bus,
    Objects,
    Pipeline,
    Production,
    Registry,
    Run,
)
from tests.support.release_table import Clock, Table

TREE = {"serving.yaml": b"Resources: {}\n", "buildspec.yml": b"version: 0.2\n"}
IMAGES = {step: f"repo@sha256:{step[0] * 64}" for step in ("preprocess", "train", "evaluate")}


class World:
    """The stage as the functions see it, and what a test does to it."""

    def __init__(self) -> None:
        self.name, self.short_name = STACK, "dev"
        self.clock = Clock()
        self.table = Table()
        self.releases = ReleaseTable(self.table)
        self.store = Objects()
        self.pipeline = Pipeline(self.clock, self.table)
        self.registry = Registry(self.pipeline)
        self.serving = Production()
        self.events = Bus()

    # ---- what Open Release leaves

    def open(self, approval: str = "manual", verdict: str = "promote") -> int:
        run = f"churn-{len(self.registry.found):012d}-abc"
        now = timestamp(self.clock.now())
        number, opened_at = self.releases.number_for(MODEL, run, now)
        arn = f"arn:aws:sagemaker:us-east-1:1:model-package/{STACK}-churn/{number}"
        self.register(arn, run)
        content = self.bundle(number, run, arn, approval, verdict, opened_at)
        key = f"releases/{MODEL}/{number}/bundle.zip"
        self.store.versions[key, "v1"] = content[0]
        release = self.releases.open(
            Release(
                MODEL,
                number,
                Status.WAITING,
                run=run,
                package_arn=arn,
                package_version=number,
                verdict=verdict,
                summary="promote: every rule passed",
                approval=approval,
                opened_at=opened_at,
                bundle_key=key,
                bundle_version="v1",
                bundle_sha256=sha256(content[0]),
                release_sha256=sha256(content[1]),
                review_uri=f"s3://{BUCKET}/releases/{MODEL}/{number}/review.html",
            )
        )
        self.releases.start(release, self.start(number, "promotion", approval))
        for queued in self.releases.queue():
            self.releases.leave_queue(queued)
        return number

    def register(self, arn: str, run: str) -> None:
        metadata = {"run": run, "artifact_sha256": sha256(ARTIFACT)}
        metadata |= {f"image_{step}": uri.partition("@")[2] for step, uri in IMAGES.items()}
        self.registry.found[arn] = Package(
            arn, f"{STACK}-churn", "PendingManualApproval", metadata=metadata
        )

    def bundle(
        self, number: int, run: str, arn: str, approval: str, verdict: str, opened_at: str
    ) -> tuple[bytes, bytes]:
        """(bundle.zip, release.json)"""
        golden = json.dumps(
            {
                "format": 1,
                "task": "binary",
                "rows": [{"gender": "f", "tenure": 1.0}] * 3,
                "scores": [[0.25]] * 3,
                "native": [[0.25]] * 3,
                "tolerance": 1e-4,
            }
        ).encode()
        folder = f"releases/{MODEL}/{number}"
        document = release_document(
            Case(
                release=number,
                opened_at=opened_at,
                plan=plan(run, approval),
                package_arn=arn,
                verdict=verdict,
                summary="promote: every rule passed",
                artifact=self.store.keep(f"runs/{run}/model.tar.gz", ARTIFACT),
                golden=self.store.keep(f"{folder}/golden.json", golden),
                evaluation=self.store.keep(f"runs/{run}/evaluation.json", b"{}"),
                review=self.store.keep(f"{folder}/review.html", b"<html>"),
                source=tree_digest(TREE),
                cost={"seconds": {}, "usd": None},
            )
        )
        record = release_bytes(document)
        return pack(record, golden, TREE), record

    def start(self, number: int, purpose: str, review: str, **more: str) -> str:
        if purpose != "promotion":
            known = purpose == "withdrawal" or self.release(number).deployment_version
            more = {"verify": "no" if known else "yes", "traffic": "all", **more}
        variables = {
            "model": MODEL,
            "release": str(number),
            "purpose": purpose,
            "review": review,
            "summary": "words",
            **more,
        }
        token = f"{purpose}-{number}" + (str(self.clock.now()) if purpose != "promotion" else "")
        return self.pipeline.start(variables, "key", "v1", token)

    # ---- what a test asks for

    def release(self, number: int) -> Release:
        found = self.releases.release(MODEL, number)
        assert found is not None
        return found

    def run_of(self, number: int) -> Run:
        return self.pipeline.runs[self.release(number).execution]

    def token(self, number: int) -> str:
        return str(self.run_of(number).actions[REVIEW].external_id)

    def champion(self) -> int | None:
        champion = self.releases.champion(MODEL)
        return champion.release if champion else None

    def history(self) -> list[tuple[str, int]]:
        found = history_from(self.table.beginning_with(MODEL, "history#"))
        return [(one.event, int(one.release or 0)) for one in found]

    def claim(self, run: Run) -> Claim:
        variables = run.variables
        return Claim(
            MODEL,
            int(variables["release"]),
            variables["purpose"],
            run.id,
            "v1",
            verify=variables.get("verify", "yes"),
            traffic=variables.get("traffic", "canary"),
        )

    def live(self, run: Run) -> Live:
        claim = self.claim(run)
        return Live(MODEL, claim.release, claim.purpose, run.id, "alias", "https://url")

    def deploy(self, run: Run) -> None:
        """What CloudFormation does, when all goes well."""
        self.serving.alias, self.serving.status = int(run.variables["release"]), "UPDATE_COMPLETE"
        self.serving.withdrawn = run.variables["purpose"] == "withdrawal"
        self.pipeline.act(run, DEPLOY, "Succeeded")


def plan(run: str, approval: str = "manual") -> dict[str, Any]:
    """As much of run.json as a release takes from it."""
    return {
        "model": MODEL,
        "run": run,
        "stack": STACK,
        "reason": "manual",
        "images": IMAGES,
        "snapshot": {"id": "a" * 32, "uri": "s3://b/snapshot"},
        "definition": {
            "sha256": "d" * 64,
            "uri": "s3://b/definition/",
            "content": {
                "task": "binary",
                "data": {"key": ["customer_id"]},
                "features": [{"name": "gender", "kind": "categorical"}],
                "approval": approval,
                "serving": {"memory_mb": 512},
            },
        },
        "commit": None,
        "fingerprint": "f" * 64,
        "champion": None,
    }
