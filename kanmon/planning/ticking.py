"""One tick of the planner, on demand: on the local stage, where nobody waits five minutes."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.plan.tick import CLOCKS_DIFFER
from core.words.formats import parsed, timestamp
from kanmon.errors import BadInputError, RunFailedError
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def moment_given(option: str, text: str | None) -> datetime | None:
    """The time that is written; without a zone it is UTC. Raises BadInputError."""
    if text is None:
        return None
    at = parsed(text)
    if at is None:
        raise BadInputError(
            f"{option} {text!r} is not a time", "Write one such as 2026-11-30T06:00Z."
        )
    return at.replace(microsecond=0)


def refuse_the_past(at: datetime, now: datetime) -> None:
    """Raise BadInputError: what later ticks have dealt with would start again."""
    if at < now - CLOCKS_DIFFER:
        raise BadInputError(
            f"--at {timestamp(at)} is past, and a tick is of now or of a time to come",
            f"`kanmon plan --at {timestamp(at)}` shows what was decided then.",
        )


def tick(connection: "Connection", at: datetime) -> dict[str, Any]:
    """Call the planner with this time; what it decided and what came of it."""
    if connection.name != "local":
        raise BadInputError(
            f"`kanmon tick` is for the local stage, not for {connection.name}",
            "There the schedule ticks every five minutes; "
            f"`kanmon plan{stage_flag(connection.name)}` shows what it decides.",
        )
    answer = connection.client("lambda").invoke(
        FunctionName=connection.outputs["PlanFunctionName"],
        Payload=json.dumps({"at": timestamp(at)}).encode(),
    )
    content = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RunFailedError(
            f"the tick failed: {content.get('errorType')}: {content.get('errorMessage')}",
            "`kanmon logs` has no more of it; see the functions' log group.",
        )
    return dict(content)
