"""The planner's decision about a stage, without acting: as it is now, or as it was recorded."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.plan.gather import gather
from core.plan.rule import decide
from core.plan.sources import Limits, limits_of
from core.stage.bucket import Store
from core.stage.items import Items
from core.stage.notice_table import NoticeTable
from core.stage.plan_table import PlanTable
from core.stage.state_machine import Workflow
from core.words.formats import timestamp
from core.words.language import Speech, speaking, speech_of
from kanmon.errors import BadInputError
from kanmon.stage.connection import read_json

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

PLANS = "plans/"


@dataclass(frozen=True)
class Plan:
    """A decision, and the time of the record that it is about; None where it is about now."""

    document: dict[str, Any]
    decision: dict[str, Any]
    recorded: str | None = None


class LiveStage:
    """What the planner reads of a stage, by a connection to it."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    @cached_property
    def store(self) -> Store:
        """The data bucket."""
        return Store(self._connection.s3, self._connection.bucket)

    @cached_property
    def plans(self) -> PlanTable:
        """What the model table holds about planning."""
        return PlanTable(Items(self._connection.dynamodb, self._connection.table))

    @cached_property
    def notices(self) -> NoticeTable:
        """The facts that the stage listed."""
        return NoticeTable(Items(self._connection.dynamodb, self._connection.table))

    def machine_of(self, work: str) -> Workflow:
        """The workflow that does it."""
        arn = self._connection.outputs[f"{work.capitalize()}StateMachineArn"]
        return Workflow(self._connection.stepfunctions, arn)


def plan(connection: "Connection", at: datetime | None) -> Plan:
    """What is decided now; what was, at an earlier time; or, as things stand, at a later one."""
    now = datetime.now(UTC)
    if at is not None and at < now:
        return _recorded(connection, at)
    limits, speech = settings(connection)
    # In the words of the planner's own tick.
    with speaking(speech):
        known = gather(LiveStage(connection), limits, at or now, now)
    return Plan(known.document, decide(known.document))


def _recorded(connection: "Connection", at: datetime) -> Plan:
    """From the newest input that was recorded until then."""
    key = _newest(connection, at)
    if key is None:
        raise BadInputError(
            f"no tick was recorded until {timestamp(at)} on stage {connection.name}",
            "Without --at, `kanmon plan` decides about now.",
        )
    record = read_json(connection, key)
    document = {**record["input"], "at": timestamp(at)}
    return Plan(document, decide(document), record["input"]["at"])


def _newest(connection: "Connection", at: datetime) -> str | None:
    """The key of the newest record until then, by its day and its name."""
    last = Store.plan_key(timestamp(at))
    pages = connection.s3.get_paginator("list_objects_v2").paginate(
        Bucket=connection.bucket, Prefix=PLANS, Delimiter="/"
    )
    days = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    for day in sorted((day for day in days if day <= last), reverse=True):
        found = connection.s3.get_paginator("list_objects_v2").paginate(
            Bucket=connection.bucket, Prefix=day
        )
        keys = [each["Key"] for page in found for each in page.get("Contents", [])]
        if earlier := [key for key in keys if key <= last]:
            return max(earlier)
    return None


def settings(connection: "Connection") -> tuple[Limits, Speech]:
    """What the stack's parameters say about planning, and how the stage speaks."""
    stack = connection.stack_description() or {}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    days = given.get("ApprovalDays")
    minutes = str(int(days) * 24 * 60) if days else None
    limits = limits_of(given.get("MonthlyBudgetUsd"), given.get("PlannedAtOnce"), minutes)
    return limits, speech_of(given.get("Language"), given.get("TimeZone"))
