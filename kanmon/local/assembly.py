"""Puts the local stage together: the emulator, our hooks into it, and our own services."""

import asyncio
import gc
import importlib
import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from kanmon.local import authorization, imports, notifications, persistence
from kanmon.local.home import Home
from kanmon.local.patches import access, memory

log = logging.getLogger(__name__)

# In the order in which they come up. A request waits for its service, never for all of them.
FIRST = ("iam", "sts", "s3", "dynamodb")
SECOND = (
    *("sns", "sqs", "logs", "monitoring", "ssm", "ecr", "events", "scheduler", "lambda", "states"),
    *("tagging", "cloudformation"),
)
# A run that was accepted must be known after a crash, or nobody would give its turn back; a package
# whose registration was answered must be there, or the run's record would name nothing.
DURABLE = {"StartExecution", "CreateModelPackage", "CreateModelPackageGroup"}
READING = ("Get", "List", "Describe", "BatchGet", "Query", "Scan", "Head")


class Assembly:
    """The parts of one running stage."""

    def __init__(self, home: Home, endpoint: str, *, docker: bool) -> None:
        self.home = home
        self.endpoint = endpoint
        self.docker = docker
        self.saver = persistence.Saver(home.state, memory.encode)
        self.ready = {name: threading.Event() for name in (*FIRST, *SECOND, "sagemaker")}

    def application(self, loop: asyncio.AbstractEventLoop) -> Any:
        """Return what serves requests. Services come up in the background: see `warm_up`."""
        imports.delay_unused(frozenset(memory.MODULES.values()))
        root_key, _ = self.home.root_key()
        access.install(root_key, authorization.open_record(self.home).add)
        from kanmon.local.patches import gateway

        gateway.attach(loop)
        persistence.use(self.saver)
        gateway.add_service("sagemaker", "SageMaker.", _sagemaker)
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
        from kanmon.local.functions.service import Functions

        self.functions = Functions(self.home.functions, _lambda_credentials)
        self.functions.start()
        for name in FIRST:
            self._bring_up(name)
        for name in SECOND:
            memory.restore(name)
        interrupted = memory.abort_interrupted_executions()
        from kanmon.local import asl, sagemaker
        from kanmon.local.patches import functions, stacks

        functions.install(self.functions)
        stacks.install()
        memory.on_execution_change(self._execution_changed)
        asl.install(self.endpoint)
        sagemaker.install(self.home, self.endpoint, docker=self.docker)
        access.add_service("sagemaker", sagemaker.resource_arn)
        sagemaker.load_persisted_state(self._kept("sagemaker"))
        self.saver.keep("sagemaker", "sagemaker", sagemaker.get_state)
        for name in (*SECOND, "sagemaker"):
            self._announce(name)
        self.saver.start()
        importlib.import_module("samtranslator.translator.transform")  # for the first deployment
        asl.warm_up()
        sagemaker.warm_up()
        for execution in interrupted:
            memory.announce(execution)

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

    def _execution_changed(self, status: str) -> None:
        self.saver.changed("states")
        if status == "RUNNING":
            from kanmon.local.patches import functions

            functions.prepare_all(self.functions)  # the execution will soon want some of them

    def _in_time(self, name: str) -> Callable[[Any], Any]:
        """Let requests wait until the service is up, and have it saved after those that write."""
        ready = self.ready[name]

        def wrapper(handler: Any) -> Any:
            async def handle(
                method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
            ) -> Any:
                if not ready.is_set():
                    await asyncio.to_thread(ready.wait)
                if name == "ecr":
                    _publish_steps()
                answer = await handler(method, path, headers, body, query)
                if name == "sns" and answer[0] == 200:
                    notifications.log_published(self.home.notifications, body)
                if name == "cloudformation":  # it works on, in every service
                    self.saver.changed_all()
                elif _action(headers) in DURABLE:
                    await asyncio.to_thread(self.saver.save_now, name)
                elif _writes(method, headers):
                    self.saver.changed(name)
                return answer

            return handle

        return wrapper

    def close(self) -> None:
        """Save what is not saved yet and stop what runs beside the server."""
        if not self.ready["sagemaker"].is_set():
            return  # it was stopped while it came up, and nothing has changed
        from kanmon.local import sagemaker

        # First: what ends now is kept as running, and so is properly aborted at the next start.
        self.saver.close()
        sagemaker.close()
        self.functions.stop()


def _writes(method: str, headers: dict[str, str]) -> bool:
    return method not in ("GET", "HEAD") and not _action(headers).startswith(READING)


def _action(headers: dict[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _publish_steps() -> None:
    """The images of the steps are what the working tree holds now: nobody has to build them."""
    from kanmon.local.jobs.images import STEPS, digest
    from kanmon.local.patches import images

    images.publish({step: f"sha256:{digest(step)}" for step in STEPS})


async def _sagemaker(*request: Any) -> Any:
    from kanmon.local import sagemaker

    return await sagemaker.handle(*request)


def _lambda_credentials(role_arn: str, service: str, session: str) -> dict[str, str]:
    from kanmon.local.credentials import assume_as_service

    return assume_as_service(role_arn, service, session).environment()
