"""What the release functions need of their stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from core.releases.release_table import Happening, ReleaseLedger
from core.stage.notices import Notice
from core.stage.packages import Package, StageStatus, Status
from core.stage.release_pipeline import Action, Execution
from core.stage.serving_stack import Failure, Standing


class ReleasePipeline(Protocol):
    def start(
        self, variables: Mapping[str, str], bundle_key: str, bundle_version: str, token: str
    ) -> str: ...
    def execution(self, identity: str) -> Execution | None: ...
    def review(self, identity: str) -> Action | None: ...
    def decide(self, token: str, result: Literal["Approved", "Rejected"], summary: str) -> bool: ...


class PackageRegistry(Protocol):
    def package(self, arn: str) -> Package: ...
    def settle(self, arn: str, status: Status, reason: str) -> None: ...
    def live(self, arn: str, status: StageStatus, why: str) -> None: ...


class Production(Protocol):
    def stack_of(self, model: str) -> str: ...
    def standing(self, model: str) -> Standing | None: ...
    def halt(self, model: str) -> None: ...
    def ask(
        self, alias_arn: str, requests: Iterable[Mapping[str, Any]]
    ) -> list[dict[str, Any]]: ...
    def failure(self, model: str, since: datetime) -> Failure: ...


class Notices(Protocol):
    def publish(self, notice: Notice) -> None: ...


class ReleaseStore(Protocol):
    """See lifecycle.store.Store."""

    @property
    def bucket(self) -> str: ...
    def read_version(self, key: str, version: str) -> bytes: ...
    def sha256_of_version(self, key: str, version: str) -> str | None: ...


class Stage(Protocol):
    """Each is made when it is first asked for: a function pays only for the clients it uses."""

    @property
    def name(self) -> str: ...
    @property
    def ledger(self) -> ReleaseLedger: ...
    @property
    def store(self) -> ReleaseStore: ...
    @property
    def pipeline(self) -> ReleasePipeline: ...
    @property
    def packages(self) -> PackageRegistry: ...
    @property
    def serving(self) -> Production: ...
    @property
    def notices(self) -> Notices: ...


class Teller(Protocol):
    """As much of a stage as it takes to tell what happened."""

    @property
    def name(self) -> str: ...
    @property
    def ledger(self) -> ReleaseLedger: ...
    @property
    def notices(self) -> Notices: ...


def tell(stage: Teller, model: str, happening: Happening, notice: Notice | None = None) -> None:
    """Write a model's history and tell the subscribers, once for all repeats.

    The notice goes first: a function that dies between the two tells twice rather than never.
    """
    if stage.ledger.happened(model, happening):
        return
    if notice is not None:
        stage.notices.publish(notice)
    stage.ledger.write_down(model, happening)


def notice_of(
    stage: Teller, model: str, item: Mapping[str, Any], event: Any, at: str, summary: str
) -> Notice:
    """A notice about a release, with what its record says of it."""
    return Notice(
        event=event,
        stack=stage.name,
        model=model,
        run=str(item.get("run", "")),
        at=at,
        summary=summary,
        verdict=item.get("verdict"),
        package_arn=item.get("package_arn"),
        review_uri=item.get("review_uri"),
        release=int(item["release"]),
        execution=item.get("execution"),
    )
