"""Deployments: what is kept of them, and the API to start, watch and stop them."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from localaws.codedeploy.account import Names, Ports, deployment_id
from localaws.codedeploy.catalogue import PLATFORM, Catalogue, check_alarms, check_rollback
from localaws.codedeploy.revision import AppSpec, content_of, digest, parse_appspec
from localaws.protocol.errors import ServiceError
from localaws.protocol.paging import read_token, write_token
from localaws.protocol.service import Operation

ENDED = ("Succeeded", "Failed", "Stopped")
EVENTS = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
PAGE = 100
MOST_AT_ONCE = 25
ANSWERS = ("Succeeded", "Failed")
INTERRUPTED = "the local stage stopped while this deployment ran; its alias is back on version {}"

Record = dict[str, Any]


class Deployments:
    """All deployments, the oldest first. What is kept of each is plain JSON."""

    def __init__(
        self,
        ports: Ports,
        names: Names,
        catalogue: Catalogue,
        lock: threading.RLock,
        begin: Callable[[Record], None],
    ) -> None:
        """`begin(record)` has a deployment carried out, on a thread of its own."""
        self._ports = ports
        self._names = names
        self._catalogue = catalogue
        self._begin = begin
        self.changed = threading.Condition(lock)
        self.state: dict[str, Record] = {}

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateDeployment": self.create,
            "GetDeployment": self.get,
            "BatchGetDeployments": self.get_several,
            "ListDeployments": self.list_ids,
            "StopDeployment": self.stop,
            "GetDeploymentTarget": self.get_target,
            "ListDeploymentTargets": self.list_targets,
            "BatchGetDeploymentTargets": self.get_targets,
            "PutLifecycleEventHookExecutionStatus": self.answer_hook,
        }

    def create(self, request: dict[str, Any], creator: str = "user") -> dict[str, Any]:
        group = self._catalogue.group(request)
        content = content_of(request["revision"])
        spec = parse_appspec(content)
        config = request.get("deploymentConfigName", group["deploymentConfigName"])
        rollback = request.get("autoRollbackConfiguration")
        check_rollback(rollback)
        check_alarms(request.get("overrideAlarmConfiguration"))
        self._catalogue.routing(config)
        if request.get("fileExistsBehavior"):
            raise ServiceError(
                "InvalidFileExistsBehaviorException",
                "For Lambda and ECS deployment, fileExistsBehavior can not be specified",
            )
        active = self._active(group)
        if active:
            raise ServiceError(
                "DeploymentLimitExceededException",
                f"The Deployment Group '{group['deploymentGroupName']}' already has an active"
                f" Deployment '{active}'",
            )
        info = {
            "deploymentConfigName": config,
            "creator": creator,
            "description": request.get("description"),
            "revision": _told(request["revision"], content),
            "autoRollbackConfiguration": rollback or group.get("autoRollbackConfiguration"),
            "overrideAlarmConfiguration": request.get("overrideAlarmConfiguration"),
        }
        record = self.add(group, spec, info)
        self._begin(record)
        return {"deploymentId": record["info"]["deploymentId"]}

    def add(self, group: Mapping[str, Any], spec: AppSpec, info: Mapping[str, Any]) -> Record:
        """Keep a new deployment, which has not begun."""
        given = {name: value for name, value in info.items() if value is not None}
        record: Record = {
            "info": {
                "applicationName": group["applicationName"],
                "deploymentGroupName": group["deploymentGroupName"],
                "deploymentId": deployment_id(),
                "status": "Created",
                "createTime": time.time(),
                "deploymentStyle": group["deploymentStyle"],
                "computePlatform": PLATFORM,
                "deploymentOverview": _overview("Pending"),
                **given,
            },
            "group": dict(group),
            "target": {
                "functionName": spec.function,
                "functionAlias": spec.alias,
                "currentVersion": spec.current,
                "targetVersion": spec.target,
                "targetVersionWeight": 0.0,
            },
            "hooks": spec.hooks,
            "events": [{"lifecycleEventName": name, "status": "Pending"} for name in EVENTS],
            "executions": {},
            "updated": time.time(),
        }
        self.state[record["info"]["deploymentId"]] = record
        self._ports.changed()
        return record

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"deploymentInfo": self.find(request["deploymentId"])["info"]}

    def get_several(self, request: dict[str, Any]) -> dict[str, Any]:
        _at_most(request["deploymentIds"])
        known = [name for name in request["deploymentIds"] if name in self.state]
        found = [self.state[name]["info"] for name in known]
        return {"deploymentsInfo": found}

    def list_ids(self, request: dict[str, Any]) -> dict[str, Any]:
        if "deploymentGroupName" in request:
            if "applicationName" not in request:
                raise ServiceError("ApplicationNameRequiredException", "It needs an application.")
            self._catalogue.group(request)
        newest_first = reversed(self.state.items())
        ids = [name for name, record in newest_first if _is_asked_for(request, record["info"])]
        try:
            start = read_token(request.get("nextToken"))
        except ServiceError as error:
            raise ServiceError("InvalidNextTokenException", str(error)) from error
        more = write_token(start + PAGE) if start + PAGE < len(ids) else None
        return {"deployments": ids[start : start + PAGE], "nextToken": more}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self.find(request["deploymentId"])
        if record["info"]["status"] in ENDED:
            raise ServiceError(
                "DeploymentAlreadyCompletedException",
                f"The deployment {request['deploymentId']} is already {record['info']['status']}",
            )
        roll_back = request.get("autoRollbackEnabled")
        record["stop"] = {"by": self._ports.caller(), "roll_back": roll_back}
        self._ports.changed()
        self.changed.notify_all()
        return {"status": "Pending", "statusMessage": "The deployment is being stopped."}

    def get_target(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self.find(request["deploymentId"])
        return {"deploymentTarget": self._target(record, request["targetId"])}

    def list_targets(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"targetIds": [self.find(request["deploymentId"])["target"]["functionName"]]}

    def get_targets(self, request: dict[str, Any]) -> dict[str, Any]:
        _at_most(request["targetIds"], "DeploymentTargetListSizeExceededException")
        record = self.find(request["deploymentId"])
        targets = [self._target(record, name) for name in request["targetIds"]]
        return {"deploymentTargets": targets}

    def answer_hook(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self.find(request["deploymentId"])
        execution = request.get("lifecycleEventHookExecutionId", "")
        status = request.get("status")
        if status not in ANSWERS:
            raise ServiceError(
                "InvalidLifecycleEventHookExecutionStatusException",
                f"A hook answers {' or '.join(ANSWERS)}, not {status}.",
            )
        if execution not in record["executions"]:
            raise ServiceError(
                "InvalidLifecycleEventHookExecutionIdException",
                "No hook of this deployment was invoked with this id.",
            )
        if record["executions"][execution]["status"] != "InProgress":
            raise ServiceError(
                "LifecycleEventAlreadyCompletedException",
                f"The lifecycle event is already {record['executions'][execution]['status']}.",
            )
        record["executions"][execution]["status"] = status
        self._ports.changed()
        self.changed.notify_all()
        return {"lifecycleEventHookExecutionId": execution}

    def find(self, name: str) -> Record:
        record = self.state.get(name)
        if record is None:
            raise ServiceError(
                "DeploymentDoesNotExistException", f"The deployment {name} could not be found"
            )
        return record

    def wait(self, name: str, seconds: float) -> Record | None:
        """Wait until a deployment and its rollback have ended; None while they have not."""
        with self.changed:
            done = self.changed.wait_for(lambda: self._settled(name), seconds)
            return self.state[name] if done else None

    def group_arn(self, name: str) -> str | None:
        """The ARN of a deployment's group, which is what permissions are about."""
        info = self.state.get(name, {}).get("info")
        return info and self._names.group(info["applicationName"], info["deploymentGroupName"])

    def load(self, kept: Mapping[str, Record]) -> None:
        """Take up deployments of an earlier process. None is left under way, nor half done."""
        self.state.update(kept)
        for record in list(self.state.values()):
            if record["info"]["status"] not in ENDED:
                self._give_up(record)

    def _give_up(self, record: Record) -> None:
        target, info = record["target"], record["info"]
        rolling_back = info.get("rollbackInfo", {}).get("rollbackTriggeringDeploymentId")
        old = target["targetVersion"] if rolling_back else target["currentVersion"]
        self._ports.restore_alias(target["functionName"], target["functionAlias"], old)
        words = INTERRUPTED.format(old)
        info.update(
            status="Stopped",
            completeTime=time.time(),
            errorInformation={"code": "INTERNAL_ERROR", "message": words},
            deploymentOverview=_overview("Failed"),
        )
        target["targetVersionWeight"] = 100.0 if rolling_back else 0.0
        for event in record["events"]:
            if event["status"] in ("Pending", "InProgress"):
                event["status"] = "Skipped" if event["status"] == "Pending" else "Unknown"
        self._ports.changed()

    def _active(self, group: Mapping[str, Any]) -> str | None:
        active = (
            name
            for name, record in self.state.items()
            if record["group"]["deploymentGroupId"] == group["deploymentGroupId"]
            and record["info"]["status"] not in ENDED
        )
        return next(active, None)

    def _settled(self, name: str) -> bool:
        info = self.find(name)["info"]
        rollback = info.get("rollbackInfo", {}).get("rollbackDeploymentId")
        return info["status"] in ENDED and (not rollback or self._settled(rollback))

    def _target(self, record: Record, name: str) -> dict[str, Any]:
        if name != record["target"]["functionName"]:
            raise ServiceError(
                "DeploymentTargetDoesNotExistException",
                f"{name} is not a target of {record['info']['deploymentId']}",
            )
        described = {
            "deploymentId": record["info"]["deploymentId"],
            "targetId": name,
            "targetArn": (
                f"arn:aws:lambda:{self._names.region}:{self._names.account}:function:{name}:"
                f"{record['target']['functionAlias']}"
            ),
            "status": next(iter(record["info"]["deploymentOverview"])),
            "lastUpdatedAt": record["updated"],
            "lifecycleEvents": record["events"],
            "lambdaFunctionInfo": record["target"],
        }
        return {"deploymentTargetType": "LambdaTarget", "lambdaTarget": described}


def _is_asked_for(request: Mapping[str, Any], info: Mapping[str, Any]) -> bool:
    times = request.get("createTimeRange", {})
    return (
        all(
            info[member] == request[member]
            for member in ("applicationName", "deploymentGroupName")
            if member in request
        )
        and info["status"] in request.get("includeOnlyStatuses", [info["status"]])
        and times.get("start", 0) <= info["createTime"] <= times.get("end", math.inf)
    )


def _overview(status: str) -> dict[str, int]:
    return {status: 1}


def _told(revision: Mapping[str, Any], content: str) -> dict[str, Any]:
    """A revision as the API shows it: its content only by its digest."""
    kind = revision.get("revisionType", "AppSpecContent")
    member = "string" if kind == "String" else "appSpecContent"
    return {"revisionType": kind, member: {"sha256": digest(content)}}


def _at_most(ids: list[str], code: str = "BatchLimitExceededException") -> None:
    if len(ids) > MOST_AT_ONCE:
        raise ServiceError(code, f"At most {MOST_AT_ONCE} in one request.")
