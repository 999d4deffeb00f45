"""Table, pipeline, registry, production and event bus of releases, in plain Python.

Each stands in for one gateway and keeps the promises that AWS makes for the real one, no more: a
conditional write is atomic, an approval takes one answer, an alias serves what was deployed last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from core.releases.release_json import Stored, sha256
from core.report.fact import Fact
from core.stage.bucket import ObjectMissingError, ReleaseChangedError
from core.stage.registry import Approval, Package, StageStatus
from core.stage.release_pipeline import (
    DEPLOY,
    REVIEW,
    Action,
    Execution,
    TooManyReleasesError,
    after,
)
from core.stage.serving_stack import Deployed, Failure, Standing
from tests.support.event_schema import EVENT_SCHEMA
from tests.support.release_table import Clock, Table

MODEL, STACK, BUCKET = "churn", "kanmon-test", "kanmon-test-data"
ADMIT, VERIFY, RECORD = "AdmitRelease", "VerifyRelease", "RecordRelease"
CONFIRM = "ConfirmRelease"
STAGE_OF = {
    REVIEW: "Review",
    ADMIT: "Verify",
    VERIFY: "Verify",
    CONFIRM: "Promote",
    DEPLOY: "Promote",
    RECORD: "Record",
}
SERVING = """Parameters:
  Withdrawn:
    Default: "false"
Resources:
          ATTEMPT: "none"
"""
ARTIFACT = b"model"
ADA = "arn:aws:sts::123456789012:assumed-role/kanmon-Approver/ada"
BOB = "arn:aws:iam::123456789012:user/bob"


ALARM = Failure("CodeDeploy d-1: an alarm is active (ALARM_ACTIVE)", True)


@dataclass
class Objects:
    """Objects by key and version."""

    bucket: str = BUCKET
    versions: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def keep(self, key: str, content: bytes) -> Stored:
        self.versions[key, "v1"] = content
        return Stored(f"s3://{self.bucket}/{key}", "v1", sha256(content))

    def read_version(self, key: str, version: str) -> bytes:
        if (key, version) not in self.versions:
            raise ObjectMissingError(f"{key} is not there any more as version {version}")
        return self.versions[key, version]

    def release_key(self, model: str, release: int, name: str) -> str:
        return f"releases/{model}/{release}/{name}"

    def write_once(self, key: str, body: bytes, kind: str) -> str:
        there = self.versions.setdefault((key, "v1"), body)
        if there != body:
            raise ReleaseChangedError(key)
        return "v1"

    def sha256_of_version(self, key: str, version: str) -> str | None:
        content = self.versions.get((key, version))
        return None if content is None else sha256(content)


@dataclass
class Run:
    """One execution of the release pipeline."""

    id: str
    variables: dict[str, str]
    status: str = "InProgress"
    summary: str | None = None
    actions: dict[str, Action] = field(default_factory=dict)
    # What an action gave to later ones.
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class Pipeline:
    clock: Clock
    table: Table
    runs: dict[str, Run] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    limit: int = 50
    # What the event bus would be told: (kind, execution or package).
    events: list[tuple[str, str]] = field(default_factory=list)
    # So many looks still show how things were before the latest event.
    late: int = 0
    pause_seconds: float = 0.0
    pauses: int = 3
    # How long a review stays open.
    open_minutes: int | None = 7 * 24 * 60

    def start(
        self, variables: Mapping[str, str], bundle_key: str, bundle_version: str, token: str
    ) -> str:
        if token not in self.tokens and self.in_progress() >= self.limit:
            raise TooManyReleasesError
        if token not in self.tokens:
            identity = f"{len(self.runs) + 1:08x}-0000-4000-8000-000000000000"
            self.tokens[token] = identity
            self.runs[identity] = Run(identity, dict(variables))
            if variables["review"] == "manual":
                self.open_review(self.runs[identity])
        return self.tokens[token]

    def open_review(self, run: Run) -> None:
        tokens = len(self.events)
        self.act(run, REVIEW, "InProgress", external_id=f"token-{run.id}-{tokens}")
        self.events.append(("review", run.id))

    def execution(self, identity: str) -> Execution | None:
        run = self.runs.get(identity)
        if run is None:
            return None
        actions = tuple(map(self._seen, run.actions.values()))
        status = run.status if self._is_seen() else "InProgress"
        return Execution(run.id, status, run.summary, BOB, run.variables, actions)

    def _is_seen(self) -> bool:
        self.late = max(0, self.late - 1)
        return self.late == 0

    def _seen(self, action: Action) -> Action:
        stale = action.name == REVIEW and self.late > 0
        return replace(action, status="InProgress", by=None) if stale else action

    def ended(self, identity: str) -> Execution | None:
        return after(self, lambda: self.execution(identity), lambda found: not found.at_rest)

    def decided_review(self, identity: str) -> Action | None:
        return after(self, lambda: self.review(identity), lambda found: not found.ended)

    def review(self, identity: str) -> Action | None:
        found = self.runs[identity].actions.get(REVIEW) if identity in self.runs else None
        self._is_seen()
        return self._seen(found) if found else None

    def in_progress(self) -> int:
        return sum(run.status == "InProgress" for run in self.runs.values())

    def stop(self, identity: str, reason: str) -> None:
        """StopPipelineExecution, which abandons what is in progress."""
        self.table.use()
        run = self.runs[identity]
        if run.status != "InProgress":
            return
        for name, action in run.actions.items():
            if action.status == "InProgress":
                run.actions[name] = replace(action, status="Abandoned", updated=self.clock.now())
        run.summary = reason
        self.end(run, "Stopped")

    def decide(self, token: str, result: Literal["Approved", "Rejected"], summary: str) -> bool:
        self.table.use()
        return self.answer(token, result, summary, "arn:aws:sts::1:assumed-role/kanmon/function")

    def answer(self, token: str, result: str, summary: str, by: str) -> bool:
        """PutApprovalResult: the first answer counts."""
        for run in self.runs.values():
            review = run.actions.get(REVIEW)
            if review and review.external_id == token and review.status == "InProgress":
                status = "Succeeded" if result == "Approved" else "Failed"
                changed = {"status": status, "by": by, "summary": summary or None}
                run.actions[REVIEW] = replace(review, updated=self.clock.now(), **changed)
                self.events.append(("review", run.id))
                if status == "Failed":
                    self.end(run, "Failed")
                return True
        return False

    def expire(self, run: Run) -> None:
        self.act(run, REVIEW, "Failed", error_code="TimeoutError", error="no response")
        self.events.append(("review", run.id))
        self.end(run, "Failed")

    def act(self, run: Run, name: str, status: str, **more: Any) -> None:
        at = self.clock.now()
        stage = STAGE_OF[name]
        run.actions[name] = Action(stage, name, status, began=at, updated=at, **more)

    def end(self, run: Run, status: str) -> None:
        run.status = status
        self.events.append(("ended", run.id))


@dataclass
class Registry:
    pipeline: Pipeline
    found: dict[str, Package] = field(default_factory=dict)
    lives: dict[str, tuple[str, str]] = field(default_factory=dict)

    def package(self, arn: str) -> Package:
        return self.found[arn]

    def set_approval(self, arn: str, status: Approval, reason: str) -> None:
        if self.found[arn].approval != status:
            self.put(arn, status, reason, "arn:aws:sts::1:assumed-role/kanmon/function")

    def put(self, arn: str, status: str, reason: str, by: str) -> None:
        """UpdateModelPackage, by whomever."""
        self.found[arn] = replace(self.found[arn], approval=status, reason=reason, by=by)
        self.pipeline.events.append(("package", arn))

    def set_production(self, arn: str, status: StageStatus, why: str) -> None:
        self.lives[arn] = (status, why)


@dataclass
class Production:
    """`alias` is the release that answers; `scores` what it answers to every golden record."""

    alias: int | None = None
    status: str | None = None
    wrong: Failure = ALARM
    score: float = 0.25
    halted: int = 0
    # The live alias answers every request with an error.
    withdrawn: bool = False
    # The model file that the live version was deployed with.
    artifact: bytes = ARTIFACT

    def stack_of(self, model: str) -> str:
        return f"{STACK}-serving-{model}"

    def standing(self, model: str) -> Standing | None:
        if self.status is None:
            return None
        outputs = {"Release": str(self.alias), "AliasArn": "alias", "FunctionUrl": "https://url"}
        return Standing(self.status, outputs if self.alias is not None else {})

    def deployed(self, model: str) -> Deployed:
        parameters = {"Release": str(self.alias), "Canary": "AllAtOnce", "Withdrawn": "false"}
        return Deployed(SERVING, parameters, {"kanmon:model": model})

    def halt(self, model: str) -> None:
        self.halted += 1

    def ask(self, alias_arn: str, requests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        if self.withdrawn:
            return [{"status": 410, "predictions": [], "errors": []} for _ in requests]
        return [
            {
                "model": MODEL,
                "release": self.alias,
                "predictions": [
                    {"row": at, "prediction": "yes", "probability": self.score}
                    for at in range(len(request["rows"]))
                ],
                "errors": [],
            }
            for request in requests
        ]

    def main_version(self, alias_arn: str) -> dict[str, str] | None:
        if self.alias is None or not alias_arn:
            return None
        return {
            "RELEASE": str(self.alias),
            "WITHDRAWN": "true" if self.withdrawn else "false",
            "ARTIFACT_SHA256": sha256(self.artifact),
        }

    def failure(self, model: str, since: datetime) -> Failure:
        return self.wrong


@dataclass
class Bus:
    facts: list[Fact] = field(default_factory=list)

    def put(self, fact: Fact) -> None:
        EVENT_SCHEMA.validate(fact.document())
        self.facts.append(fact)

    @property
    def events(self) -> list[str]:
        """Each fact's event; a repeat of a fact is none of its own."""
        return [fact.event for fact in {fact.id: fact for fact in self.facts}.values()]
