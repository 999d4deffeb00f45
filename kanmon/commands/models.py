"""kanmon models."""

from typing import TYPE_CHECKING, Any

import click

from core.words.formats import local_moment
from kanmon.terminal.invocation import Verb, current
from kanmon.terminal.screen import cut, table

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


@click.command(
    cls=Verb,
    name="models",
    examples="""
    kanmon models
    kanmon models --stage prod --json
    """,
)
def command() -> None:
    """List models: champion, traffic, waiting releases, latest run.

    They are the models of the stage, and those that only have a folder here so far.
    """
    from kanmon.planning.pauses import paused_models
    from kanmon.stage.model_names import models_on_stage

    invocation = current()
    screen, connection = invocation.screen, invocation.connection
    folders, published = invocation.project.models(), models_on_stage(connection)
    paused = paused_models(connection, published)
    found = [
        {
            **_describe(connection, name, name in folders, name in published),
            "paused": paused.get(name),
        }
        for name in sorted({*folders, *published})
    ]
    rows = [
        [
            one["model"],
            f"release {one['champion']}" if one["champion"] else "none",
            _live(one["traffic"]),
            ", ".join(map(str, one["waiting"])),
            one["outcome"],
            local_moment(one["latest_opened_at"]),
            _where(one),
        ]
        for one in found
    ]
    for line in table(rows, ["model", "champion", "live alias", "waiting", "latest run", "", ""]):
        screen.say(cut(line))
    if not found:
        screen.say(
            "No model yet. `kanmon new-model NAME --from data.csv --target COLUMN` drafts one"
        )
    screen.document([{k: v for k, v in one.items() if k != "outcome"} for one in found])


def _where(one: dict[str, Any]) -> str:
    if not one["folder"]:
        return "no folder here"
    if one["paused"]:
        from kanmon.planning.pauses import words

        return words(one["paused"])
    return "" if one["published"] else "not on this stage yet"


def _live(traffic: list[dict[str, Any]]) -> str:
    from core.words.formats import percent

    if len(traffic) == 1:
        return f"release {traffic[0]['release']}"
    return ", ".join(f"{one['release']}: {percent(one['share'])}" for one in traffic)


def _describe(
    connection: "Connection", model: str, folder: bool, published: bool
) -> dict[str, Any]:
    from kanmon.commands.runs import outcome
    from kanmon.releases.records import list_releases
    from kanmon.releases.traffic import traffic
    from kanmon.runs.records import runs_of

    latest = next(iter(runs_of(connection, model, 1)), None)
    releases = list_releases(connection, model) if latest else []
    champion = next((one for one in releases if one.in_service), None)
    return {
        "model": model,
        "folder": folder,
        "published": published,
        "champion": champion.release if champion else None,
        "champion_package": champion.package_arn if champion else None,
        "champion_run": champion.run if champion else None,
        "traffic": [
            {"release": release, "share": share} for release, share in traffic(connection, model)
        ]
        if releases
        else [],
        "waiting": [one.release for one in releases if one.status == "WAITING"],
        "latest_run": latest.run if latest else None,
        "latest_status": latest.status if latest else None,
        "latest_verdict": latest.verdict if latest else None,
        "latest_opened_at": latest.opened_at if latest else None,
        "outcome": outcome(latest) if latest else "none",
    }
