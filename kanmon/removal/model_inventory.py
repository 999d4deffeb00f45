"""Everything that exists because of one model: its stack, packages, objects, items and logs."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.names import job_prefix
from core.stage.table_key import partition, partitions
from kanmon.errors import BadInputError, StageError
from kanmon.project import Project
from kanmon.removal import buckets, stacks
from kanmon.removal.model_places import (
    NOTICES,
    PLAN,
    QUEUE,
    QUEUED,
    QUEUED_MODEL,
    belongs,
    places,
)
from kanmon.removal.names import Names
from kanmon.removal.stage_inventory import names_of, packages, streams
from kanmon.removal.things import Kind, Thing
from kanmon.removal.work import Work, running
from kanmon.stage.connection import stage_flag
from kanmon.stage.model_table import item_of, items_of, plain_item

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

DEFINITION = "definition"
WITH_JOBS = ("run#", "batch#", "monitoring#")


def find(connection: "Connection", project: Project, model: str) -> list[Thing]:
    """Ask every service what there is of the model. Nothing is changed."""
    known = stacks.all_stacks(connection)
    _refuse_half_a_stage(connection, known)
    names = names_of(connection, project, known)
    items = [plain_item(one) for each in partitions(model) for one in _items(connection, each)]
    things = list(_serving(connection, names, known, model))
    things += packages(connection, names, model)
    things += _logs(connection, names, model, items)
    things += _objects(connection, model)
    things += _of_the_table(connection, model, items)
    return things


def _refuse_half_a_stage(connection: "Connection", known: dict[str, dict[str, Any]]) -> None:
    """Raise StageError where the stage itself is being removed."""
    status = known.get(connection.stack, {}).get("StackStatus", "DELETE_COMPLETE")
    if status.startswith("DELETE"):
        flag = stage_flag(connection.name)
        raise StageError(
            f"stage {connection.name} is half removed (stack {connection.stack}: {status})",
            f"Finish with `kanmon uninstall{flag}`.",
        )


def running_work(connection: "Connection", model: str) -> list[Work]:
    """What works on the model now."""
    return running(connection, stacks.resources_of(connection, connection.stack), model)


def refuse(connection: "Connection", model: str, *, in_service: bool) -> None:
    """Raise BadInputError if something works on the model, or uses it."""
    flag = stage_flag(connection.name)
    found = running_work(connection, model)
    if found:
        titles = ", ".join(one.title for one in found)
        first = f"{found[0].name}"
        how = (
            f"Decide (`kanmon reject {first}{flag}`) or stop it (`kanmon stop {first}{flag}`)"
            if found[0].what == "release"
            else f"Wait for its end, or stop it (`kanmon stop {first}{flag}`)"
        )
        raise BadInputError(f"model {model} is being worked on: {titles}", f"{how} first.")
    champion = item_of(connection, model, "champion") or {}
    if "release" in champion and not in_service:
        raise BadInputError(
            f"{model}/{champion['release']} is in service: its callers would get no answer",
            f"Withdraw it first (`kanmon withdraw {model}{flag}`), or add --in-service.",
        )


def _serving(
    connection: "Connection", names: Names, known: dict[str, dict[str, Any]], model: str
) -> Iterator[Thing]:
    for name in known:
        if names.model_served_by(name) == model:
            inside = stacks.resources_of(connection, name)
            yield Thing(Kind.SERVING, name, len(inside), "resource", resources=inside)


def _logs(
    connection: "Connection", names: Names, model: str, items: list[dict[str, Any]]
) -> Iterator[Thing]:
    """The logs of its jobs, which have the names of its runs, batches and monitorings."""
    executions = {
        name
        for one in items
        if str(one["item"]).startswith(WITH_JOBS)
        for name in (str(one["item"]).partition("#")[2], str(one.get("execution") or ""))
        if name
    }
    begins = tuple(f"{job_prefix(names.stack, name)}-" for name in sorted(executions))
    return streams(connection, names, begins) if begins else iter(())


def _objects(connection: "Connection", model: str) -> Iterator[Thing]:
    for kind, prefix in places(model):
        found = buckets.amount(connection, connection.bucket, prefix, belongs(prefix))
        if found.versions:
            yield Thing(kind, prefix, found.versions, "version", found.bytes)


def _items(connection: "Connection", partition: str) -> Iterator[Any]:
    pages = connection.dynamodb.get_paginator("query").paginate(
        TableName=connection.table,
        KeyConditionExpression="model = :model",
        ExpressionAttributeValues={":model": {"S": partition}},
        ConsistentRead=True,
    )
    for page in pages:
        yield from page["Items"]


def _of_the_table(
    connection: "Connection", model: str, items: list[dict[str, Any]]
) -> Iterator[Thing]:
    """Its definition, without which nothing starts, and all other items."""
    own = [str(one["item"]) for one in items]
    if DEFINITION in own:
        yield _thing(Kind.DEFINITION, model, [(model, DEFINITION)])
    queued = [
        (QUEUE, str(one["item"]))
        for one in items_of(connection, QUEUE, QUEUED)
        if one.get(QUEUED_MODEL) == model
    ]
    planned = [(PLAN, model)] if item_of(connection, PLAN, model) else []
    facts = [(NOTICES, name) for name in _facts(connection, model)]
    others = [(model, name) for name in own if name != DEFINITION]
    if found := [*others, *queued, *planned, *facts]:
        yield _thing(Kind.ITEMS, model, found)


def _facts(connection: "Connection", model: str) -> Iterator[str]:
    """The items of what happened to the model, which would expire by themselves."""
    for item in map(plain_item, _items(connection, NOTICES)):
        fact = json.loads(item.get("fact", "{}"))
        if fact.get("model") == model:
            yield str(item["item"])


def _thing(kind: Kind, model: str, keys: list[tuple[str, str]]) -> Thing:
    parts = tuple(f"{partition(model, item)}\n{item}" for model, item in keys)
    return Thing(kind, model, len(keys), "item", parts=parts)


def unknown(connection: "Connection", project: Project, model: str) -> BadInputError:
    """The error for a model of which the stage has nothing."""
    what = f"stage {connection.name} has nothing of a model {model!r}"
    if model in project.models():
        return BadInputError(what, f"Only its folder is here: models/{model}/.")
    flag = stage_flag(connection.name)
    return BadInputError(what, project.suggestion(model) or f"`kanmon models{flag}` lists them.")
