"""CodePipeline put together for a running stage."""

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from localaws import authorization, credentials, pace, persistence
from localaws.codepipeline import events
from localaws.codepipeline.account import PRINCIPAL, Names, Ports, Provider
from localaws.codepipeline.approvals import ManualApproval
from localaws.codepipeline.builds import CodeBuildAction, StageBuilds
from localaws.codepipeline.cloud import Buckets, Clients, CloudStacks, Lambdas, Topics
from localaws.codepipeline.deployments import CloudFormationAction
from localaws.codepipeline.jobs import Jobs, LambdaInvoke
from localaws.codepipeline.pipelines import CodePipeline
from localaws.codepipeline.sources import S3Source
from localaws.emulator import Event
from localaws.home import ACCOUNT, REGION
from localaws.parts import Parts
from localaws.patches import functions, pipelines
from localaws.protocol.service import Response


class Stage:
    """The service, and what makes its actions' clients."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._clients = Clients(parts.endpoint)
        names, jobs = Names(REGION, ACCOUNT), Jobs()
        ports = Ports(
            caller=self._emulator.caller,
            identity=self._emulator.identity,
            allowed=authorization.allowed,
            trusted=trusted,
            emit=self._emit,
            changed=lambda: persistence.changed("codepipeline"),
            now=time.time,
        )
        buckets = Buckets(self._clients)
        providers: dict[str, Provider] = {
            "S3": S3Source(buckets),
            "Manual": ManualApproval(Topics(self._clients), names),
            "Lambda": LambdaInvoke(Lambdas(self._clients), jobs, ACCOUNT),
            "CodeBuild": CodeBuildAction(StageBuilds(authorization.allowed), names),
            "CloudFormation": CloudFormationAction(
                CloudStacks(self._clients, authorization.allowed, pipelines.stack_status), buckets
            ),
        }
        self.service = CodePipeline(ports, providers, jobs, names, approval_scale())
        self._warm = threading.Event()
        pipelines.install(self._call_for_stack)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        self._emulator.remember_caller(headers)
        answer = self.service.respond(headers, body)
        if not self._warm.is_set() and self.service.in_use:
            self._read_descriptions()
        return answer

    def warm_up(self) -> None:
        self.service.warm_up()
        if self.service.in_use:
            self._read_descriptions()

    def close(self) -> None:
        self.service.close()

    def _emit(self, event: Event) -> None:
        self._emulator.emit(event)
        if event.detail_type == events.EXECUTION and event.detail["state"] == "STARTED":
            # On a thread of its own: the emitter holds the service's lock.
            threading.Thread(
                target=self._prepare, args=[event.detail["pipeline"]], name="prepare", daemon=True
            ).start()

    def _prepare(self, pipeline: str) -> None:
        """Have the functions ready that the pipeline's actions are going to call."""
        stages = self.service.call("GetPipeline", {"name": pipeline})["pipeline"]["stages"]
        actions = [action for stage in stages for action in stage["actions"]]
        wanted = {action["configuration"].get("FunctionName") for action in actions}
        functions.prepare(lambda config: config["FunctionName"] in wanted)

    def _call_for_stack(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation for CloudFormation, which acts as the account's root."""
        self._emulator.remember_caller({})
        answer = self.service.call(operation, request)
        if not self._warm.is_set():
            self._read_descriptions()
        return answer

    def _read_descriptions(self) -> None:
        """Get ready for executions, beside what goes on; there is no need where no pipeline is."""
        self._warm.set()
        threading.Thread(
            target=self._clients.read_descriptions, name="pipeline clients", daemon=True
        ).start()


def approval_scale() -> float:
    """How fast the time of short approvals runs: as the stage's, where that was set.

    The pace that a stage has by itself is for canaries, not for people.
    """
    return pace.scale() if os.environ.get(pace.SETTING) else 1.0


def trusted(role: str) -> bool:
    try:
        credentials.assume_as_service(role, PRINCIPAL, "AWSCodePipeline")
    except credentials.RoleRefusedError:
        return False
    return True
