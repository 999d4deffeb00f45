"""MiniStack's Scheduler: schedules fire, as their own role, and leave what they cannot deliver.

MiniStack knows no time zones, fills in no attribute of the context, asks no role and has no dead
letters; and it starts its loop with its own gateway, which is not used here.
"""

import logging
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope
from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

from localaws import authorization, pace, persistence
from localaws.credentials import RoleRefusedError, check_trust
from localaws.patches.schedule_times import (
    ZONE,
    NoSuchZoneError,
    at_moment,
    is_cron,
    is_due,
    is_over,
    may_fire,
    zone_of,
)

log = logging.getLogger(__name__)

SERVICE, TYPE = "scheduler.amazonaws.com", "AWS::Scheduler::Schedule"
# What a target of each kind is asked for.
ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "states": "states:StartExecution",
}
SWEEP_SECONDS = 10.0
# However fast time passes, a schedule fires and is looked at no more often: what it calls takes
# its real time, and would pile up.
SHORTEST_SECONDS = 2.0
SHORTEST_SWEEP_SECONDS = 0.5


class UndeliverableError(Exception):
    """AWS would refuse the call; the message begins with the error's code."""


def install() -> None:
    """Deliver what schedules fire as they say, and keep what rules put into queues."""
    invoke, to_queue = eventbridge._invoke_target, eventbridge._dispatch_to_sqs
    parse = eventbridge._parse_rate_seconds

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        if event.get("Source") != "aws.scheduler":
            invoke(target, event, rule, view)
            return
        filled = {**target, "Input": with_context(target.get("Input"), event)}
        try:
            _check(target)
        except (RoleRefusedError, UndeliverableError) as error:
            _leave(filled, str(error))
            return
        invoke(filled, event, rule, view)

    def dispatch_to_sqs(spec: Any, payload: str, sqs_parameters: Any = None) -> None:
        to_queue(spec, payload, sqs_parameters)
        persistence.changed("sqs")

    def parse_rate_seconds(expression: str) -> float | None:
        seconds = parse(expression)
        return None if seconds is None else max(seconds / _scale(), min(seconds, SHORTEST_SECONDS))

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_sqs = dispatch_to_sqs
    eventbridge._parse_rate_seconds = parse_rate_seconds
    _keep_time_zones()


def _keep_time_zones() -> None:
    """Refuse zones that do not exist, and keep the one of a stack's schedule."""
    of_a_stack = provisioners._RESOURCE_HANDLERS[TYPE]
    provision, change = of_a_stack["create"], of_a_stack["update"]

    def checked(write: Any) -> Any:
        def write_schedule(name: str, body: dict[str, Any]) -> Any:
            try:
                zone_of(body)
            except NoSuchZoneError as error:
                return scheduler._error(400, "ValidationException", str(error))
            return write(name, body)

        return write_schedule

    def kept(made: Any, properties: dict[str, Any]) -> Any:
        """What a stack's schedule is known by, now that its zone is there."""
        key = f"{properties.get('GroupName', 'default')}/{made[0]}"
        scheduler._schedules[key][ZONE] = zone_of(properties).key
        return made

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        zone_of(properties)  # before anything is made
        return kept(provision(logical_id, properties, stack), properties)

    def update(name: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Any:
        zone_of(new)
        return kept(change(name, old, new, stack), new)

    scheduler._create_schedule = checked(scheduler._create_schedule)
    scheduler._update_schedule = checked(scheduler._update_schedule)
    provisioners._RESOURCE_HANDLERS[TYPE] = {**of_a_stack, "create": create, "update": update}


def start() -> None:
    """Begin to fire, once every service is up."""
    threading.Thread(target=_fire, name="schedules", daemon=True).start()


def with_context(written: str | None, event: dict[str, Any]) -> str:
    """A target's input with the attributes of the context filled in.

    >>> with_context('{"at": "<aws.scheduler.scheduled-time>"}', {"Time": 0, "Resources": ["a"]})
    '{"at": "1970-01-01T00:00:00Z"}'
    """
    at = datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {
        "scheduled-time": at,
        "schedule-arn": event["Resources"][0],
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    text = written or "{}"
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _fire() -> None:
    while True:
        time.sleep(max(SWEEP_SECONDS / _scale(), SHORTEST_SWEEP_SECONDS))
        try:
            _sweep(time.time())
        except Exception:
            log.exception("the schedules could not be looked through")


def _sweep(now: float) -> None:
    """Fire every schedule that is due."""
    fired = scheduler._schedule_last_fired
    for key, schedule in list(scheduler._schedules._data.items()):
        over = is_over(schedule, now)
        due = not over and may_fire(schedule, now) and is_due(schedule, fired.get(key), now)
        if due:
            fired[key] = now
        elif is_cron(schedule):  # its times count from when it is first seen
            fired.setdefault(key, now)
        if due and (schedule.get("Target") or {}).get("Arn"):
            _deliver(key, schedule, now)
        ended = over or (due and at_moment(schedule) is not None)
        if ended and schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules._data.pop(key, None)
            fired.pop(key, None)


def _deliver(key: tuple[str, str, str], schedule: dict[str, Any], now: float) -> None:
    account, region, _ = key
    event = {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": now,
        "Resources": [schedule["Arn"]],
        "Account": account,
        "Region": region,
    }
    with request_scope(account, region):
        try:
            eventbridge._invoke_target(schedule["Target"], event, schedule)
        except Exception:
            log.exception("a schedule could not be delivered: %s", schedule["Arn"])


def _check(target: dict[str, Any]) -> None:
    """Raise unless the schedule's role may call the target, and there is one."""
    role, arn = target["RoleArn"], target["Arn"]
    check_trust(role, SERVICE)
    service = parse_arn(arn).service
    if service in ACTIONS and not authorization.allowed(role, ACTIONS[service], arn):
        raise UndeliverableError(f"AccessDeniedException: {role} may not {ACTIONS[service]} {arn}")
    if service == "lambda":
        from ministack.services import lambda_svc

        func, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if not func or not config:
            raise UndeliverableError(f"ResourceNotFoundException: function not found: {arn}")


def _leave(target: dict[str, Any], problem: str) -> None:
    """Put what was not delivered into the schedule's dead-letter queue, as its role."""
    log.warning("a schedule could not be delivered: %s", problem)
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue and authorization.allowed(target["RoleArn"], ACTIONS["sqs"], queue):
        eventbridge._dispatch_to_sqs(parse_arn(queue), target["Input"])


def _scale() -> float:
    """Real time, unless the stage was started with another scale: then all of it is faster."""
    return pace.scale() if os.environ.get(pace.SETTING) else 1.0
