"""Puts the local stage together: the emulator, our hooks into it, and our own services."""

import asyncio
import gc
import importlib
import json
import logging
import os
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from localaws import authorization, descriptions, imports, notifications, persistence
from localaws.home import Home
from localaws.parts import Installed, OwnService, Parts
from localaws.patches import access, memory
from localaws.steps import Steps

if TYPE_CHECKING:
    from localaws.functions.service import Functions
    from localaws.jobs.docker import DockerImages
    from localaws.patches.gateway import Handler, Response

log = logging.getLogger(__name__)

# In the order in which they come up. A request waits for its service, never for all of them.
FIRST = ("iam", "sts", "s3", "dynamodb")
SECOND = (
    *("sns", "sqs", "logs", "monitoring", "ssm", "ecr", "events", "scheduler", "lambda", "states"),
    *("tagging", "secretsmanager", "glue", "athena", "cloudformation"),
)
# Those of our own, each a package beside this file: see `parts.OwnService`.
OWN = ("sagemaker", "codebuild", "codepipeline", "codedeploy")
# What must be known after a crash as soon as it was answered: an execution that was accepted may
# hold a lock, a record may name a model package; the same holds for a pipeline's executions, and an
# approval that was answered is decided for good.
DURABLE = {
    *("StartExecution", "CreateModelPackage", "CreateModelPackageGroup"),
    *("StartPipelineExecution", "StopPipelineExecution", "RetryStageExecution"),
    *("PutApprovalResult", "CreateDeployment"),
}
# What was recorded before one of these is as durable: it may say what the execution is for.
RECORDS = ("dynamodb",)
QUERY_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
READING = ("Get", "List", "Describe", "BatchGet", "Query", "Scan", "Head")


class Assembly:
    """The parts of one running stage."""

    def __init__(
        self, home: Home, endpoint: str, *, steps: Steps | None = None, docker: bool = False
    ) -> None:
        self.home = home
        self.endpoint = endpoint
        self.steps = steps
        self.docker = docker
        self.saver = persistence.Saver(home.state, memory.encode)
        self.ready = {name: threading.Event() for name in (*FIRST, *SECOND, *OWN)}

    def application(self, loop: asyncio.AbstractEventLoop) -> Any:
        """Return what serves requests. Services come up in the background: see `warm_up`."""
        imports.delay_unused(frozenset(memory.MODULES.values()))
        root_key, _ = self.home.root_key()
        access.install(root_key, authorization.open_record(self.home).add)
        from localaws.patches import function_urls, gateway, service_models

        gateway.attach(loop)
        service_models.install()
        function_urls.install(self.ready["lambda"])
        persistence.use(self.saver)
        for name in OWN:
            gateway.add_service(name, own_service(name).target_prefix, _asked(own_service(name)))
        for name in self.ready:
            gateway.wrap_service(name, self._in_time(name))
        return gateway.application

    def warm_up(self) -> None:
        """Bring the services up, with what they held. Runs on a thread while requests come in."""
        gc.disable()  # all that is made now stays; looking for garbage in it takes a third longer
        try:
            self._warm_up()
        except Exception:
            log.exception("the local stage could not bring up its services")
            os._exit(1)  # requests that wait for a service should fail, not hang
        gc.freeze()
        gc.enable()

    def _warm_up(self) -> None:
        self.functions = self._new_functions()
        self.functions.start()
        from localaws.patches import object_ranges

        object_ranges.install()  # before S3 answers
        for name in FIRST:
            self._bring_up(name)
        for name in SECOND:
            memory.restore(name)
        interrupted = memory.abort_interrupted_executions()
        descriptions.share()
        from localaws import asl
        from localaws.emulator import Emulator
        from localaws.patches import canary, operations

        self._install_patches(self.functions)
        asl.install(self.endpoint)
        parts = Parts(self.home, self.endpoint, Emulator(), self.steps, docker=self.docker)
        for name in OWN:
            own = own_service(name)
            access.add_service(name, own.resource_arn)
            own.install(parts, self._kept(name))
            self.saver.keep(name, name, own.installed.service.get_state)
        half_done = operations.interrupted()
        for name in (*SECOND, *OWN):
            self._announce(name)
        operations.undo(half_done, canary.put_aliases_back)
        self.saver.start()
        # Imports SAM's translator, which takes its time, for the first deployment.
        importlib.import_module("localaws.patches.transforms").install()
        asl.warm_up()
        for name in OWN:
            own_service(name).installed.warm_up()
        for execution in interrupted:
            memory.announce(execution)
        importlib.import_module("localaws.patches.schedules").start()

    def _install_patches(self, own: "Functions") -> None:
        from localaws import expected
        from localaws.patches import (
            alarms,
            bus_policies,
            buses,
            functions,
            nested_stacks,
            operations,
            queries,
            schedules,
        )

        functions.install(own, self.steps.run if self.steps else ())
        for patch in (alarms, bus_policies, buses, nested_stacks, queries, schedules):
            patch.install()
        memory.on_execution_change(self._execution_changed)
        operations.on_deployment(expected.deployed)

    def _new_functions(self) -> "Functions":
        from localaws.functions.service import Functions
        from localaws.jobs.images import Images

        images = Images(self.steps) if self.steps else None
        places = (self.home.functions, _lambda_credentials, _lambda_layers)
        shared = self.steps.functions if self.steps else ()
        return Functions(*places, images, self._built_images(), shared)

    def _built_images(self) -> "DockerImages | None":
        """What functions that are images run in, where the stage runs steps in theirs."""
        if not (self.docker and self.steps):
            return None
        from localaws.jobs.docker import DockerImages

        return DockerImages(self.steps)

    def _bring_up(self, name: str) -> None:
        memory.restore(name)
        self._announce(name)

    def _announce(self, name: str) -> None:
        if name in memory.MODULES:
            self.saver.keep(name, memory.file_of(name), lambda: memory.take(name))
        self.ready[name].set()

    def _kept(self, service: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads((self.home.state / f"{service}.json").read_text())
        except FileNotFoundError:
            return {}
        return dict(kept["payload"])

    def _execution_changed(self, status: str, definition: str) -> None:
        from localaws import expected

        self.saver.changed("states")
        expected.execution_changed(status, definition)

    def _in_time(self, name: str) -> Callable[[Any], Any]:
        """Let requests wait until the service is up, and have it saved after those that write."""
        ready = self.ready[name]

        def wrapper(handler: Any) -> Any:
            async def handle(
                method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
            ) -> Any:
                if not ready.is_set():
                    await asyncio.to_thread(ready.wait)
                if name == "ecr" and self.steps:
                    _publish(self.steps)
                answer = await handler(method, path, headers, body, query)
                if name == "sns" and answer[0] == 200:
                    notifications.log_published(self.home.notifications, body)
                action = _action(headers, body)
                if action in DURABLE:
                    await asyncio.to_thread(self.saver.save_now, name, *RECORDS)
                elif _writes(name, method, action):
                    self.saver.changed(name)
                return answer

            return handle

        return wrapper

    def close(self) -> None:
        """Save what is not saved yet and stop what runs beside the server."""
        if not self.ready[OWN[-1]].is_set():
            return  # it was stopped while it came up, and nothing has changed
        # First: what ends now is kept as running, and so is properly aborted at the next start.
        self.saver.close()
        for name in OWN:
            own_service(name).installed.close()
        self.functions.stop()


def _writes(service: str, method: str, action: str) -> bool:
    if service == "sts":  # every request makes new credentials
        return True
    return method not in ("GET", "HEAD") and not action.startswith(READING)


def _action(headers: dict[str, str], body: bytes) -> str:
    """The operation's name, where the protocol has one."""
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        found = QUERY_ACTION.search(body)
        return found[1].decode() if found else ""
    return ""


def _publish(steps: Steps) -> None:
    """The images of the steps are what the working tree holds now: nobody has to build them."""
    from localaws.jobs.images import digest
    from localaws.patches import images

    images.publish(
        steps.repositories, {image: f"sha256:{digest(image, steps)}" for image in steps.images()}
    )


def own_service(name: str) -> OwnService[Installed]:
    """One of our own services."""
    own: OwnService[Installed] = importlib.import_module(f"localaws.{name}").own
    return own


def _asked(own: OwnService[Installed]) -> "Handler":
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> "Response":
        return own.installed.respond(headers, body)

    return handle


def _lambda_layers(config: dict[str, Any]) -> list[bytes]:
    from localaws.patches.functions import layers_of

    return layers_of(config)


def _lambda_credentials(role_arn: str, service: str, session: str) -> dict[str, str]:
    from localaws.credentials import assume_as_service

    return assume_as_service(role_arn, service, session).environment()
