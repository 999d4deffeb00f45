"""SageMaker put together for a running stage: its ports are MiniStack's services."""

from collections.abc import Mapping

from kanmon.local import authorization, credentials, persistence
from kanmon.local.home import ACCOUNT, REGION
from kanmon.local.jobs.docker import DockerEngine
from kanmon.local.jobs.engines import Engine, ProcessEngine
from kanmon.local.jobs.images import Images
from kanmon.local.jobs.processes import Processes
from kanmon.local.jobs.runner import Runner
from kanmon.local.parts import Parts
from kanmon.local.protocol.service import Response
from kanmon.local.sagemaker.ports import PRINCIPAL, Ports, RoleCredentials, RoleRefusedError
from kanmon.local.sagemaker.service import SageMaker


class Stage:
    """The service, its runner and the process that starts the jobs."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._processes = Processes()
        images = Images()
        self._engine: Engine = (
            DockerEngine(self._processes)
            if parts.docker
            else ProcessEngine(self._processes, images)
        )
        ports = Ports(
            endpoint=lambda: parts.endpoint,
            caller=self._emulator.caller,
            identity=self._emulator.identity,
            allowed=authorization.allowed,
            assume=assume,
            emit=self._emulator.emit,
            log_group_exists=self._emulator.log_group_exists,
            write_log=self._emulator.write_log,
            write_metric=self._emulator.write_metric,
            changed=lambda: persistence.changed("sagemaker"),
        )
        folder = parts.home.root / "jobs"
        folder.mkdir(mode=0o700, exist_ok=True)
        runner = Runner(ports, folder, REGION, images, self._engine)
        self.service = SageMaker(ports, runner, REGION, ACCOUNT)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        self._emulator.remember_caller(headers)
        return self.service.respond(headers, body)

    def warm_up(self) -> None:
        self.service.warm_up()

    def expect_jobs(self) -> None:
        """A run has begun: get a process ready for its first step."""
        self._engine.expect()

    def close(self) -> None:
        self._processes.close()


def assume(role: str, session: str) -> RoleCredentials:
    try:
        return credentials.assume_as_service(role, PRINCIPAL, session)
    except credentials.RoleRefusedError as error:
        raise RoleRefusedError(str(error)) from error
