"""Data that a job gathers: what the workflow starts, and what run.json keeps of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.names import job_prefix
from core.reading import finite, listed, mapping
from core.stage.images import GATHER
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.definition.gather import Gather
    from core.runs.current_definition import StoredDefinition
    from core.runs.snapshot import Snapshot
    from core.stage.gateways import Stage


JOB = "job"


class NoGatherError(Exception):
    """The stage does not let this model gather."""


def is_of_a_job(gather: Mapping[str, Any]) -> bool:
    """Of what makes a run's data: is it a job with gather.py, and not a query?"""
    return gather.get("by") == JOB


def question(
    stage: Stage, model: str, run: str, definition: StoredDefinition, gather: Gather
) -> dict[str, Any]:
    """What the workflow starts. The job's role is the model's own: see stacks/gather-jobs.yaml."""
    # Imported late: what shows a run needs this module too, and no definition.
    from core.definition.gather import INSTANCE_TYPE, VOLUME_GB

    if model not in stage.gather_models:
        raise NoGatherError(say("refused.no_gather_job", model=model, stage=stage.short_name))
    if gather.secret is not None:
        _check_place(stage, model, gather.secret)
    store = stage.store
    return {
        "by": JOB,
        "image": stage.images((GATHER,))[GATHER].uri,
        "job_prefix": job_prefix(stage.name, run),
        "definition_uri": store.uri(store.definition_key(model, definition.sha256)),
        "data": store.uri(definition.content.data.location),
        "secret": gather.secret,
        "instance_type": gather.instance_type or INSTANCE_TYPE,
        "volume_gb": gather.volume_gb or VOLUME_GB,
        "timeout_seconds": gather.timeout_minutes * 60,
    }


def _check_place(stage: Stage, model: str, secret: str) -> None:
    """The role of the job reads secrets of the stage's own account and region alone."""
    region, account = secret.split(":")[3:5]
    if (region, account) != (stage.region, stage.account):
        named = {"region": region, "account": account}
        own = {"own_region": stage.region, "own_account": stage.account}
        raise NoGatherError(say("refused.secret_elsewhere", model=model, **named, **own))


def lineage(
    asked: Mapping[str, Any], answered: Mapping[str, Any], snapshot: Snapshot
) -> dict[str, Any]:
    """What run.json keeps of the job: by its own last words, which files it wrote."""
    said = _document(answered.get("said"))
    names = [str(name) for name in listed(said.get("names"))]
    return {
        "by": JOB,
        "job": answered["job"],
        "image": asked["image"],
        "program": str(said.get("program", "")),
        "secret": asked["secret"],
        "files": _count(said.get("files"), len(snapshot.objects)),
        "bytes": _count(said.get("bytes"), snapshot.bytes),
        "written": _count(said.get("written"), len(names)),
        # As many as the job's last words had room for.
        "names": names,
    }


def _count(value: object, otherwise: int) -> int:
    found = finite(value)
    return otherwise if found is None else int(found)


def _document(said: object) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(said)) if isinstance(said, str) else {}
    except (ValueError, RecursionError):
        return {}
