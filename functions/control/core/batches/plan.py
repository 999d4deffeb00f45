"""The plan of a batch, plan.json: the pinned release and the exact versions of what is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from core.definition.messages import nearest, shown
from core.words.catalogue import say
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.batches.request import BatchRequest
    from core.definition.schema import ModelDefinition
    from core.releases.live_release import LiveRelease
    from core.stage.bucket import DataObject

FORMAT = 1
# A shard is scored again as a whole where its host is lost, so it is not too large; each costs a
# few requests, so it is not too small. Between the two, a host has about so many of them.
SMALLEST_SHARD, LARGEST_SHARD, SHARDS_OF_A_HOST = 16 * 2**20, 256 * 2**20, 8


class UnknownColumnError(Exception):
    """A column that may be absent is none that the release reads."""


@dataclass(frozen=True)
class Sizes:
    """Into how many bytes the files are cut, and how many hosts share them."""

    hosts: int
    shard_bytes: int


def sizes(total: int, hosts: int) -> Sizes:
    """No more hosts than there are shards of the smallest size.

    >>> sizes(1000, 4), sizes(64 * 2**30, 4)
    (Sizes(hosts=1, shard_bytes=16777216), Sizes(hosts=4, shard_bytes=268435456))
    """
    fewer = max(1, min(hosts, ceil(total / SMALLEST_SHARD)))
    shard = ceil(total / (fewer * SHARDS_OF_A_HOST))
    return Sizes(fewer, min(max(shard, SMALLEST_SHARD), LARGEST_SHARD))


def missing_allowed(
    content: Mapping[str, Any], declared: Sequence[str], asked: Sequence[str]
) -> list[str]:
    """The columns that may be absent: the definition's and those of the request.

    What a request names must be a column that the release reads. The definition may be newer than
    the release, so a name of its that the release does not know is left out.
    """
    known = read_columns(content)
    for name in asked:
        if name not in known:
            what = say("batch.unknown_column", column=shown(name), nearest=nearest(name, known))
            raise UnknownColumnError(what)
    return list(dict.fromkeys([*(name for name in declared if name in known), *asked]))


def read_columns(content: Mapping[str, Any]) -> list[str]:
    """The columns that a release reads to score: those of its inputs or features, and its key."""
    features = content.get("inputs") or content["features"]
    names = [(each.get("derive") or {}).get("column") or each["name"] for each in features]
    return list(dict.fromkeys([*names, *content["data"]["key"]]))


def plan_document(
    stage: Mapping[str, str],
    batch: str,
    request: BatchRequest,
    release: LiveRelease,
    content: Mapping[str, Any],
    definition: ModelDefinition,
    objects: Sequence[DataObject],
    now: datetime,
) -> dict[str, Any]:
    """The content of plan.json. `content` is the release's definition, `definition` the current
    one, which says how batches are scored and on which machines."""
    resources, settings = definition.resources.score, definition.batch
    cut = sizes(
        sum(each.size for each in objects), request.hosts or definition.compute.hosts("score")
    )
    explain = settings.explain if request.explain is None else request.explain
    return {
        "format": FORMAT,
        "batch": batch,
        "run": batch,
        "model": request.model,
        "reason": request.reason,
        "asked_at": timestamp(now),
        **stage,
        "release": asdict(release),
        "definition": {"content": dict(content)},
        "objects": [
            {"key": each.key, "version_id": each.version_id, "size": each.size} for each in objects
        ],
        "options": {
            "allow_missing": missing_allowed(
                content, settings.allow_missing, request.allow_missing
            ),
            "explain": explain,
        },
        "hosts": cut.hosts,
        "shard_bytes": cut.shard_bytes,
        "memory_mb": resources.memory_mb,
        "compute": definition.compute.rung("score"),
        "prefix": f"batches/{request.model}/{batch}",
        # For the machines of a resumed batch, whatever the definition says by then.
        "resources": {
            "instance_type": resources.instance_type,
            "volume_gb": resources.volume_gb,
            "timeout_seconds": resources.timeout_minutes * 60,
        },
    }
