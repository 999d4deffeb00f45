"""A release's bundle as the table records it: read by version, and checked byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.releases.admission_rule import Digest
from core.releases.bundle import GOLDEN, RECORD, BundleError, member, tree_digest, tree_of
from core.releases.release_json import read_release, sha256
from core.stage.bucket import ObjectMissingError, Store
from core.stage.registry import Package
from core.stage.release_records import Release
from core.words.catalogue import say


@dataclass(frozen=True)
class Bundled:
    """What a bundle holds. `document` is None where it holds no record that can be read."""

    document: dict[str, Any] | None
    golden: dict[str, Any] | None
    digests: tuple[Digest, ...]


def read_bundle(store: Store, release: Release) -> Bundled:
    """The bundle that was recorded when the release was opened, whatever lies there now."""
    recorded = release.bundle_sha256
    try:
        content = store.read_version(release.bundle_key, release.bundle_version)
    except ObjectMissingError:
        return Bundled(None, None, (Digest(say("release.part.bundle"), recorded, None),))
    digests = [Digest(say("release.part.bundle"), recorded, sha256(content))]
    try:
        record, golden, tree = member(content, RECORD), member(content, GOLDEN), tree_of(content)
    except BundleError:
        return Bundled(None, None, tuple(digests))
    digests.append(Digest(RECORD, release.release_sha256, sha256(record)))
    document = read_release(record)
    if document is not None:
        for name, found in (("golden", sha256(golden)), ("source", tree_digest(tree))):
            digests.append(Digest(say(f"release.part.{name}"), document[name]["sha256"], found))
    return Bundled(document, json.loads(golden), tuple(digests))


def kept(store: Store, release: Release) -> Digest:
    """What the release was deployed with when it was promoted, and is again by a rollback."""
    found = store.sha256_of_version(str(release.deployment_key), str(release.deployment_version))
    return Digest(say("release.part.deployment"), str(release.deployment_sha256), found)


def registered(document: Mapping[str, Any], package: Package) -> list[Digest]:
    """The record against what was registered: the same model, made by the same images."""
    metadata = package.metadata
    digests = [
        Digest(
            say("release.registered.model"),
            document["artifact"]["sha256"],
            metadata.get("artifact_sha256"),
        )
    ]
    for step, uri in document["images"].items():
        digests.append(
            Digest(
                say("release.registered.image", step=step),
                str(uri).partition("@")[2],
                metadata.get(f"image_{step}"),
            )
        )
    return digests


def stored(store: Store, document: Mapping[str, Any]) -> list[Digest]:
    """What lies beside the bundle, by the versions that were recorded."""
    digests = []
    for name in ("artifact", "evaluation", "review"):
        part = document[name]
        key = str(part["uri"]).removeprefix(f"s3://{store.bucket}/")
        found = store.sha256_of_version(key, part["version"])
        digests.append(Digest(say(f"release.part.{name}"), part["sha256"], found))
    return digests
