"""The live release: which one answers behind a model's alias now, and what it is made of.

Asked once by what then keeps to it, such as a batch. While a canary shifts traffic, it is the
version that the alias mainly points to, not the canary's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.releases.integrity import read_bundle
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.stage.gateways import Stage
    from core.stage.release_records import Champion, Release


class NoLiveReleaseError(Exception):
    """No release of the model answers; the message is one line, with the fix."""


@dataclass(frozen=True)
class LiveRelease:
    """The release in service and the exact bytes of its model.

    `promoted_at`: since when it is in service, by its record.
    """

    number: int
    run: str
    artifact_uri: str
    artifact_version: str
    artifact_sha256: str
    definition_sha256: str
    promoted_at: str


def live_release(stage: Stage, model: str) -> LiveRelease:
    """What is behind the model's alias `live`. Raises NoLiveReleaseError."""
    champion = stage.releases.champion(model)
    if champion is None:
        raise NoLiveReleaseError(_nothing(stage, model))
    settings = stage.serving.main_version(champion.alias_arn)
    if settings is None:
        raise NoLiveReleaseError(say("release.alive.no_alias", model=model))
    if settings.get("WITHDRAWN") == "true":
        raise NoLiveReleaseError(_withdrawn(model, champion.release, None))
    number = settings.get("RELEASE", "")
    release = stage.releases.release(model, int(number)) if number.isdecimal() else None
    if release is None:
        raise NoLiveReleaseError(say("release.alive.unknown", model=model, release=number))
    return _made_of(release, _record(stage, release, settings), champion)


def _record(stage: Stage, release: Release, settings: Mapping[str, str]) -> Mapping[str, Any]:
    """The release's record, which must be of the very model that the alias answers with."""
    bundled = read_bundle(stage.store, release)
    wrong = [digest.what for digest in bundled.digests if digest.recorded != digest.found]
    if bundled.document is None or wrong:
        raise NoLiveReleaseError(say("release.live.no_bundle", release=release.reference))
    if settings.get("ARTIFACT_SHA256") != bundled.document["artifact"]["sha256"]:
        raise NoLiveReleaseError(say("release.alive.other_model", release=release.reference))
    return bundled.document


def _made_of(release: Release, record: Mapping[str, Any], champion: Champion) -> LiveRelease:
    artifact = record["artifact"]
    since = champion.promoted_at if champion.release == release.release else release.promoted_at
    return LiveRelease(
        number=release.release,
        run=release.run,
        artifact_uri=artifact["uri"],
        artifact_version=artifact["version"],
        artifact_sha256=artifact["sha256"],
        definition_sha256=record["definition"]["sha256"],
        promoted_at=since or "",
    )


def _nothing(stage: Stage, model: str) -> str:
    withdrawal = stage.releases.withdrawal(model)
    if withdrawal is None:
        return say("release.alive.nothing", model=model)
    return _withdrawn(model, withdrawal.release, withdrawal.reason)


def _withdrawn(model: str, release: int, reason: str | None) -> str:
    line = say("release.alive.withdrawn", model=model, release=release)
    return say("release.with_reason", headline=line, reason=reason) if reason else line
