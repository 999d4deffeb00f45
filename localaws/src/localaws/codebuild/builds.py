"""Builds, and CodeBuild's API for the gateway."""

import copy
import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localaws.codebuild.account import (
    NOT_ASSUMED,
    TARGET_PREFIX,
    Ports,
    may_pass_role,
    plain,
    refused,
)
from localaws.codebuild.execution import Execution, Workshop
from localaws.codebuild.files import remove
from localaws.codebuild.projects import (
    Handover,
    Order,
    Projects,
    first_artifacts,
    handed_over,
    log_place,
    order_of,
    settled,
)
from localaws.codebuild.record import (
    IN_PROGRESS,
    QUEUED,
    PhaseFailedError,
    Record,
    missing_permission,
)
from localaws.codebuild.shell import Control, InterruptedBuildError, end_leftovers
from localaws.credentials import Credentials, RoleRefusedError
from localaws.protocol.errors import ServiceError
from localaws.protocol.paging import page
from localaws.protocol.service import JsonService, Response
from localaws.protocol.shapes import Api

log = logging.getLogger(__name__)

TOKEN_SECONDS = 300
# How many builds a page lists.
PAGE = 100
INTERRUPTED = "the local stage stopped while this build ran; start it again"
# What a build repeats of its project.
REPEATED = (
    *("source", "sourceVersion", "cache", "environment", "serviceRole", "encryptionKey"),
    *("timeoutInMinutes", "queuedTimeoutInMinutes", "vpcConfig"),
)


class Builds:
    """All builds of the account, by id, and a thread for each that is in progress."""

    def __init__(self, workshop: Workshop, projects: Projects, lock: threading.RLock) -> None:
        self._workshop = workshop
        self._ports = workshop.ports
        self._names = workshop.names
        self._projects = projects
        self._lock = lock
        self._ended = threading.Condition(lock)
        self._controls: dict[str, Control] = {}
        self._tokens: dict[str, tuple[float, dict[str, Any], str]] = {}
        # Old folders go in the background: nobody waits for them.
        self._cleaner = ThreadPoolExecutor(1, "build-folders")
        self.state: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, int] = {}

    def operations(self) -> dict[str, Any]:
        return {
            "StartBuild": self.start,
            "StopBuild": self.stop,
            "BatchGetBuilds": self.batch_get,
            "BatchDeleteBuilds": self.batch_delete,
            "ListBuildsForProject": self.list_for_project,
        }

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = {key: value for key, value in request.items() if key != "idempotencyToken"}
        repeated = self._repeated(request.get("idempotencyToken"), wanted)
        if repeated:
            return {"build": self.shown(repeated)}
        project = self._projects.find(request["projectName"])
        settings = settled(project, wanted)
        self._check_limit(project)
        if "serviceRoleOverride" in request:
            may_pass_role(self._ports, request["serviceRoleOverride"])
        build = self._begin(settings, order_of(settings, None), initiator(self._ports))
        if token := request.get("idempotencyToken"):
            self._tokens[token] = (time.time(), wanted, build["id"])
        return {"build": self.shown(build["id"])}

    def start_for_pipeline(self, project: str, handover: Handover) -> str:
        """Start a build for a pipeline's action and return its id; raises ServiceError."""
        with self._lock:
            settings = handed_over(self._projects.find(project), handover)
            order = order_of(settings, handover)
            build = self._begin(settings, order, handover.initiator, handover.revision)
            return str(build["id"])

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a build to end; one that has ended stays as it is."""
        build = self.find(request["id"])
        control = self._controls.get(build["id"])
        if control:
            control.request_stop()
        return {"build": self.shown(build["id"])}

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        there = [plain(build) in self.state for build in request["ids"]]
        asked = list(zip(request["ids"], there, strict=True))
        return {
            "builds": [self.shown(build) for build, found in asked if found],
            "buildsNotFound": [build for build, found in asked if not found],
        }

    def batch_delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Forget builds that have ended; one in progress must be stopped before."""
        deleted, refused = [], []
        for asked in request["ids"]:
            build = self.state.get(plain(asked))
            if build is None:
                refused.append({"id": asked, "statusCode": "BUILD_NOT_FOUND"})
            elif not build["buildComplete"]:
                refused.append({"id": asked, "statusCode": "BUILD_IN_PROGRESS"})
            else:
                del self.state[plain(asked)]
                deleted.append(self._names.build(plain(asked)))
        self._ports.changed()
        return {"buildsDeleted": deleted, "buildsNotDeleted": refused}

    def list_for_project(self, request: dict[str, Any]) -> dict[str, Any]:
        """The ids of a project's builds, newest first unless asked otherwise."""
        project = self._projects.find(request["projectName"])["name"]
        entries, token = page(
            {**request, "MaxResults": PAGE, "NextToken": request.get("nextToken")},
            [build for build in self.state.values() if build["projectName"] == project],
            order=lambda build: (build["startTime"], build.get("buildNumber", 0)),
            descending=request.get("sortOrder", "DESCENDING") == "DESCENDING",
        )
        return {"ids": [build["id"] for build in entries], "nextToken": token}

    def find(self, reference: str) -> dict[str, Any]:
        build = self.state.get(plain(reference))
        if build is None:
            raise ServiceError(
                "ResourceNotFoundException",
                f"Build cannot be found: {self._names.build(plain(reference))}",
            )
        return build

    def shown(self, reference: str) -> dict[str, Any]:
        """A copy of the build as it is now: its own thread goes on changing it."""
        with self._lock:
            return copy.deepcopy(self.find(reference))

    def wait(self, build: str, seconds: float) -> bool:
        """Wait until a build has ended, at most so long; return whether it has."""
        with self._ended:
            return self._ended.wait_for(lambda: bool(self.find(build)["buildComplete"]), seconds)

    def load(self, kept: Mapping[str, Any]) -> None:
        """Take up the builds of an earlier process; what ran then cannot be running now."""
        self.numbers.update(kept["numbers"])
        self.state.update(kept["builds"])
        for build in self.state.values():
            if not build["buildComplete"]:
                end_leftovers(build["id"])
                self._record(build).interrupt(INTERRUPTED)

    def clear(self) -> None:
        """Remove what builds of an earlier process left."""
        for folder in self._workshop.folder.glob("*"):
            self._cleaner.submit(remove, folder)

    def close(self) -> None:
        """Ask every build to end."""
        with self._lock:
            controls = list(self._controls.values())
        for control in controls:
            control.request_stop()

    def _check_limit(self, project: Mapping[str, Any]) -> None:
        """Raise where the project has as many builds under way as it allows; -1 allows any."""
        limit = project.get("concurrentBuildLimit", -1)
        active = sum(build.startswith(f"{project['name']}:") for build in self._controls)
        if 0 <= limit <= active:
            raise ServiceError(
                "AccountLimitExceededException",
                f"Cannot have more than {limit} active builds for the project",
            )

    def _begin(
        self,
        settings: Mapping[str, Any],
        order: Order,
        initiator: str,
        revision: str | None = None,
    ) -> dict[str, Any]:
        name = settings["name"]
        self.numbers[name] = self.numbers.get(name, 0) + 1
        build_id = f"{name}:{uuid.uuid4()}"
        build = {
            "id": build_id,
            "arn": self._names.build(build_id),
            "buildNumber": self.numbers[name],
            "startTime": time.time(),
            "currentPhase": "",
            "buildStatus": IN_PROGRESS,
            "projectName": name,
            "phases": [],
            **{key: settings[key] for key in REPEATED if key in settings},
            "artifacts": first_artifacts(settings, order, build_id),
            "logs": log_place(settings, self._names, build_id),
            "buildComplete": False,
            "initiator": initiator,
            **({"resolvedSourceVersion": revision} if revision else {}),
        }
        self.state[build_id] = build
        record = self._record(build)
        record.submitted()
        control = self._controls[build_id] = Control()
        threading.Thread(
            target=self._run, args=(record, order, control), name=f"build {build_id}", daemon=True
        ).start()
        return build

    def _run(self, record: Record, order: Order, control: Control) -> None:
        build = record.build
        try:
            with record.phase(QUEUED):
                credentials = self._admit(build, control)
            Execution(self._workshop, record, order, credentials, control).run()
        except PhaseFailedError:
            pass  # it was not admitted, and its record shows why
        except Exception:
            log.exception("build %s", build["id"])
        with self._ended:
            record.complete()
            self._controls.pop(build["id"], None)
            self._ended.notify_all()
        control.close()
        self._cleaner.submit(remove, self._workshop.folder / build["id"].partition(":")[2])

    def _admit(self, build: Mapping[str, Any], control: Control) -> Credentials:
        """Take the role and see whether it may write the log, as CodeBuild does before it runs."""
        minutes = build["timeoutInMinutes"]
        control.deadline = time.monotonic() + minutes * self._workshop.minute_seconds
        role, session = build["serviceRole"], f"AWSCodeBuild-{build['id'].partition(':')[2]}"
        try:
            control.check()
            credentials = self._ports.assume(role, session)
        except InterruptedBuildError as error:
            raise PhaseFailedError("", "The build was stopped", str(error)) from error
        except RoleRefusedError as error:
            raise PhaseFailedError("ACCESS_DENIED", NOT_ASSUMED) from error
        logs = build["logs"]
        if "groupName" in logs:
            missing = missing_permission(
                self._ports, self._names, role, logs["groupName"], logs["streamName"]
            )
            if missing:
                name = role.rpartition("/")[2]
                user = f"arn:aws:sts::{self._names.account}:assumed-role/{name}/{session}"
                raise PhaseFailedError(
                    "ACCESS_DENIED",
                    f"Service role {role} does not allow AWS CodeBuild to create Amazon CloudWatch"
                    f" Logs log streams for build {build['arn']}. Error message: User: {user} is"
                    f" not authorized to perform: {missing[0]} on resource: {missing[1]} because"
                    f" no identity-based policy allows the {missing[0]} action",
                )
        return credentials

    def _repeated(self, token: str | None, wanted: Mapping[str, Any]) -> str | None:
        """The build that the same request with this token has started already."""
        limit = time.time() - TOKEN_SECONDS
        self._tokens = {key: kept for key, kept in self._tokens.items() if kept[0] > limit}
        if token not in self._tokens:
            return None
        _, before, build = self._tokens[token]
        if before != wanted:
            raise refused("The idempotency token was used before, with other parameters")
        return build

    def _record(self, build: dict[str, Any]) -> Record:
        return Record(build, self._lock, self._ports.emit, self._ports.changed)


def initiator(ports: Ports) -> str:
    """Who started a build: a user's name, or a role with its session."""
    who = ports.identity().rpartition(":")[2]
    return str(who.removeprefix("assumed-role/").removeprefix("user/"))


class CodeBuildApi(Api):
    """CodeBuild documents one error for every request that it cannot take."""

    def check(self, name: str, request: Mapping[str, Any]) -> None:
        try:
            super().check(name, request)
        except ServiceError as error:
            raise refused(str(error)) if error.code == "ValidationException" else error from error


class CodeBuild:
    """The service of one account in one region. All it holds is plain JSON."""

    def __init__(self, workshop: Workshop) -> None:
        self._lock = threading.RLock()
        self.projects = Projects(workshop.ports, workshop.names)
        self.builds = Builds(workshop, self.projects, self._lock)
        self.api = CodeBuildApi("codebuild")
        operations = {**self.projects.operations(), **self.builds.operations()}
        self._service = JsonService(self.api, TARGET_PREFIX, operations, self._lock)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request. Builds run on threads of their own, so it returns at once."""
        return self._service.respond(headers, body)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        return self._service.call(name, request)

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that is kept, as plain JSON."""
        with self._lock:
            state: dict[str, Any] = json.loads(
                json.dumps(
                    {
                        "projects": self.projects.state,
                        "builds": self.builds.state,
                        "numbers": self.builds.numbers,
                    }
                )
            )
        return state

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned in an earlier process."""
        if not state:
            return
        with self._lock:
            self.projects.state.update(state["projects"])
            self.builds.load(state)
