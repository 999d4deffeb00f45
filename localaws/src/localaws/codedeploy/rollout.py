"""One deployment as it runs: hooks, shifting traffic, watching alarms, rolling back."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from localaws.codedeploy.account import (
    Actor,
    DeniedError,
    FailedError,
    Names,
    Ports,
    RoleRefusedError,
)
from localaws.codedeploy.catalogue import ALL_AT_ONCE, Catalogue
from localaws.codedeploy.deployments import ENDED, Deployments, Record
from localaws.codedeploy.revision import ALL, AppSpec, traffic_steps
from localaws.emulator import Event

DETAIL_TYPE = "CodeDeploy Deployment State-change Notification"
STATES = {"InProgress": "START", "Succeeded": "SUCCESS", "Failed": "FAILURE", "Stopped": "STOP"}
# AWS's time for a hook to answer; and how often, in seconds here, alarms are looked at.
HOOK_SECONDS = 3600.0
POLL_SECONDS = 0.1
# Which event of a group's configuration asks for a rollback.
ROLLBACK_EVENTS = {
    "ALARM_ACTIVE": "DEPLOYMENT_STOP_ON_ALARM",
    "MANUAL_STOP": "DEPLOYMENT_STOP_ON_REQUEST",
}


class EndedError(Exception):
    """The deployment cannot go on; `code` is CodeDeploy's."""

    def __init__(self, code: str, message: str, status: str = "Failed") -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Rollout:
    """Carries out one deployment, on the thread that calls `run`."""

    def __init__(
        self, ports: Ports, names: Names, catalogue: Catalogue, desk: Deployments, record: Record
    ) -> None:
        self._ports = ports
        self._names = names
        self._catalogue = catalogue
        self._desk = desk
        self._record = record
        self._target = record["target"]

    def run(self) -> None:
        """Deploy; where that fails, roll back if the group wants it. Returns at the end of both."""
        try:
            # Before it touches the alias: what was half done when a server is killed is known.
            self._ports.keep("codedeploy")
            self._deploy(self._actor())
        except EndedError as ended:
            self._end(ended)
        except Exception as error:  # nothing may leave a deployment under way for ever
            self._end(EndedError("INTERNAL_ERROR", f"{type(error).__name__}: {error}"))

    def _actor(self) -> Actor:
        role = self._record["group"]["serviceRoleArn"]
        try:
            return self._ports.act_as(role)
        except RoleRefusedError as error:
            raise EndedError("IAM_ROLE_MISSING", str(error)) from error

    def _deploy(self, actor: Actor) -> None:
        self._set(status="InProgress", startTime=time.time(), deploymentOverview={"InProgress": 1})
        try:
            self._check_versions(actor)
            self._watch(actor, until=0)
            self._hook(actor, "BeforeAllowTraffic")
            self._shift(actor)
            self._hook(actor, "AfterAllowTraffic")
        except DeniedError as error:
            raise EndedError("IAM_ROLE_PERMISSIONS", self._denied(error)) from error
        except FailedError as error:
            raise EndedError("INVALID_LAMBDA_FUNCTION", str(error)) from error
        self._ports.keep("lambda")  # a deployment that is kept as succeeded must have moved it
        self._set(status="Succeeded", completeTime=time.time(), deploymentOverview={"Succeeded": 1})
        with contextlib.suppress(OSError):  # a full disk: the stage tries again
            self._ports.keep("codedeploy")  # or the next start would undo it

    def _check_versions(self, actor: Actor) -> None:
        alias = actor.alias(self._target["functionName"], self._target["functionAlias"])
        if alias["FunctionVersion"] != self._target["currentVersion"] and not self._is_rollback():
            raise EndedError(
                "INVALID_LAMBDA_CONFIGURATION",
                "The deployment failed because the AppSpec file that specifies the AWS Lambda"
                " deployment configuration is missing or has an invalid configuration. The Lambda"
                " function alias version does not match the current version in AppSpec file."
                f" (alias: {alias['FunctionVersion']}, AppSpec: {self._target['currentVersion']})",
            )

    # ---- the three events

    def _shift(self, actor: Actor) -> None:
        self._begin_event("AllowTraffic")
        try:
            routing = self._catalogue.routing(self._record["info"]["deploymentConfigName"])
            for step in traffic_steps(routing):
                self._route(actor, step.percent)
                self._watch(actor, time.monotonic() + self._ports.pace(step.minutes * 60))
            self._route(actor, ALL)
        except Exception:
            self._end_event("AllowTraffic", "Failed")
            raise
        self._end_event("AllowTraffic", "Succeeded")

    def _route(self, actor: Actor, percent: int) -> None:
        function, alias = self._target["functionName"], self._target["functionAlias"]
        old, new = self._target["currentVersion"], self._target["targetVersion"]
        if percent == ALL:
            actor.route(function, alias, new, {})
        else:
            actor.route(function, alias, old, {new: percent / ALL})
        with self._desk.changed:
            self._target["targetVersionWeight"] = float(percent)
            self._touch()

    def _hook(self, actor: Actor, event: str) -> None:
        function = self._record["hooks"].get(event)
        if function is None:
            self._end_event(event, "Skipped")
            return
        execution = str(uuid.uuid4())
        with self._desk.changed:
            self._record["executions"][execution] = {"event": event, "status": "InProgress"}
        self._begin_event(event)
        payload = {
            "DeploymentId": self._record["info"]["deploymentId"],
            "LifecycleEventHookExecutionId": execution,
        }
        call = _Call(actor, function, payload, self._desk.changed)
        call.start()
        try:
            self._await_hook(actor, event, execution, call)
        except EndedError as ended:
            with self._desk.changed:
                self._record["executions"][execution]["status"] = "Failed"
            self._end_event(event, "Failed", str(ended))
            raise
        self._end_event(event, "Succeeded")

    def _await_hook(self, actor: Actor, event: str, execution: str, call: "_Call") -> None:
        entry = self._record["executions"][execution]
        until = time.monotonic() + self._ports.pace(HOOK_SECONDS)

        def answered() -> bool:
            return entry["status"] != "InProgress" or call.problem is not None

        in_time = self._watch(actor, until, answered)
        named = f"The {event} hook {self._record['hooks'][event]}"
        if entry["status"] == "InProgress" and isinstance(call.problem, DeniedError):
            raise call.problem
        if entry["status"] == "InProgress" and call.problem is not None:
            raise EndedError("HOOK_EXECUTION_FAILURE", f"{named} failed: {call.problem}")
        if not in_time:
            words = f"{named} did not answer within {self._ports.pace(HOOK_SECONDS):.3g} seconds"
            raise EndedError(
                "HOOK_EXECUTION_FAILURE", f"{words} (an hour on AWS): deployment failed."
            )
        if entry["status"] == "Failed":
            raise EndedError("HOOK_EXECUTION_FAILURE", f"{named} answered Failed.")

    # ---- what can end it

    def _watch(self, actor: Actor, until: float, done: Callable[[], bool] | None = None) -> bool:
        """Wait until `done()` or until the moment, looking for a stop and at the alarms.

        Returns whether `done()` was true. Looks at least once, however soon the moment is.
        """
        while True:
            self._check_alarms(actor)
            with self._desk.changed:
                left = until - time.monotonic()
                wake = self._desk.changed.wait_for(
                    lambda: "stop" in self._record or (done is not None and done()),
                    max(0.0, min(left, POLL_SECONDS)),
                )
            if "stop" in self._record:
                raise EndedError(
                    "MANUAL_STOP", f"Stopped by {self._record['stop']['by']}.", "Stopped"
                )
            if wake or left <= POLL_SECONDS:
                return wake

    def _check_alarms(self, actor: Actor) -> None:
        info, group = self._record["info"], self._record["group"]
        config = info.get("overrideAlarmConfiguration") or group.get("alarmConfiguration") or {}
        if not config.get("enabled") or self._is_rollback():
            return
        names = [alarm["name"] for alarm in config["alarms"]]
        try:
            states = actor.alarms(names)
            missing = [name for name in names if name not in states]
            if missing:
                raise FailedError(f"there is no alarm {', '.join(missing)}")
        except (DeniedError, FailedError) as error:
            if config.get("ignorePollAlarmFailure"):
                return
            message = self._denied(error) if isinstance(error, DeniedError) else str(error)
            code = "IAM_ROLE_PERMISSIONS" if isinstance(error, DeniedError) else "ALARM_ACTIVE"
            raise EndedError(
                code, f"The state of the alarms could not be read: {message}", "Stopped"
            ) from error
        active = [name for name, state in states.items() if state == "ALARM"]
        if active:
            raise EndedError(
                "ALARM_ACTIVE",
                "One or more alarms have been activated according to the Amazon CloudWatch metrics"
                " you selected, and the affected deployments have been stopped. Activated alarms:"
                f" {', '.join(sorted(active))}",
                "Stopped",
            )

    def _denied(self, error: DeniedError) -> str:
        role = self._record["group"]["serviceRoleArn"]
        return (
            f"The IAM role {role} does not give you permission to perform operations in the"
            f" following AWS service: {error.service}. {error}"
        )

    # ---- the end

    def _end(self, ended: EndedError) -> None:
        now = time.time()
        with self._desk.changed:
            rollback = self._rollback_record(ended)
            for event in self._record["events"]:
                if event["status"] in ("Pending", "InProgress"):
                    event["status"] = "Skipped" if event["status"] == "Pending" else "Failed"
            self._set(
                status=ended.status,
                completeTime=now,
                errorInformation={"code": ended.code, "message": str(ended)},
                deploymentOverview={"Failed": 1},
            )
        if rollback is not None:
            self._roll_back(rollback)

    def _rollback_record(self, ended: EndedError) -> Record | None:
        if self._is_rollback() or not self._wants_rollback(ended):
            return None
        info, target = self._record["info"], self._target
        back = AppSpec(
            target["functionName"],
            target["functionAlias"],
            target["targetVersion"],
            target["currentVersion"],
            {},
        )
        rollback = self._desk.add(
            self._record["group"],
            back,
            {
                "deploymentConfigName": ALL_AT_ONCE,
                "creator": "codeDeployRollback",
                "description": f"Rolls back {info['deploymentId']}",
                "rollbackInfo": {
                    "rollbackTriggeringDeploymentId": info["deploymentId"],
                    "rollbackMessage": f"Deployment {info['deploymentId']} is rolled back.",
                },
            },
        )
        info["rollbackInfo"] = {
            "rollbackDeploymentId": rollback["info"]["deploymentId"],
            "rollbackMessage": "The rollback is in progress.",
        }
        return rollback

    def _wants_rollback(self, ended: EndedError) -> bool:
        asked = self._record.get("stop", {}).get("roll_back")
        if ended.code == "MANUAL_STOP" and asked is not None:
            return bool(asked)
        config = self._record["info"].get("autoRollbackConfiguration") or {}
        wanted = ROLLBACK_EVENTS.get(ended.code, "DEPLOYMENT_FAILURE")
        return bool(config.get("enabled")) and wanted in config.get("events", [])

    def _roll_back(self, rollback: Record) -> None:
        way = Rollout(self._ports, self._names, self._catalogue, self._desk, rollback)
        way.run()
        with self._desk.changed:
            info = rollback["info"]
            version = self._target["currentVersion"]
            words = (
                f"Rolled back to version {version}."
                if info["status"] == "Succeeded"
                else f"The rollback failed: {info['errorInformation']['message']}"
            )
            self._record["info"]["rollbackInfo"]["rollbackMessage"] = words
            self._touch()

    def _is_rollback(self) -> bool:
        return bool(self._record["info"]["creator"] == "codeDeployRollback")

    # ---- keeping and telling

    def _begin_event(self, name: str) -> None:
        self._change_event(name, status="InProgress", startTime=time.time())

    def _end_event(self, name: str, status: str, message: str = "") -> None:
        told = {"diagnostics": {"errorCode": "UnknownError", "message": message}} if message else {}
        self._change_event(name, status=status, endTime=time.time(), **told)

    def _change_event(self, name: str, **values: Any) -> None:
        with self._desk.changed:
            [event] = [e for e in self._record["events"] if e["lifecycleEventName"] == name]
            event.update(values)
            self._touch()

    def _set(self, **values: Any) -> None:
        with self._desk.changed:
            before = self._record["info"]["status"]
            self._record["info"].update(values)
            self._touch()
            status = self._record["info"]["status"]
            if status in ENDED:
                self._remember_last(status)
        if status != before:
            self._tell(STATES[status])

    def _remember_last(self, status: str) -> None:
        info = self._record["info"]
        last = {
            "deploymentId": info["deploymentId"],
            "status": status,
            "endTime": info["completeTime"],
            "createTime": info["createTime"],
        }
        self._catalogue.remember(info["applicationName"], info["deploymentGroupName"], last)

    def _touch(self) -> None:
        self._record["updated"] = time.time()
        self._ports.changed()
        self._desk.changed.notify_all()

    def _tell(self, state: str) -> None:
        info, group = self._record["info"], self._record["group"]
        application, name = info["applicationName"], info["deploymentGroupName"]
        detail = {
            "region": self._names.region,
            "deploymentId": info["deploymentId"],
            "instanceGroupId": group["deploymentGroupId"],
            "deploymentGroup": name,
            "state": state,
            "application": application,
        }
        self._ports.emit(
            Event("aws.codedeploy", DETAIL_TYPE, self._names.group(application, name), detail)
        )


class _Call(threading.Thread):
    """The invocation of a hook. Its answer comes by another way; this one knows its failure."""

    def __init__(
        self,
        actor: Actor,
        function: str,
        payload: dict[str, str],
        changed: threading.Condition,
    ) -> None:
        super().__init__(name=f"hook-{function}", daemon=True)
        self._actor = actor
        self._function = function
        self._payload = payload
        self._changed = changed
        self.problem: str | Exception | None = None

    def run(self) -> None:
        problem: str | Exception | None
        try:
            problem = self._actor.call_hook(self._function, self._payload)
        except (DeniedError, FailedError) as error:
            problem = error
        with self._changed:
            self.problem = problem
            self._changed.notify_all()
