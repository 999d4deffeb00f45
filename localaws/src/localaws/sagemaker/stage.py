"""SageMaker put together for a running stage: its ports are MiniStack's services."""

from collections.abc import Mapping

from localaws import authorization, credentials, persistence
from localaws.home import ACCOUNT, REGION
from localaws.jobs.docker import DockerEngine
from localaws.jobs.engines import Engine, ProcessEngine
from localaws.jobs.images import Images, NoImages
from localaws.jobs.processes import Processes
from localaws.jobs.runner import Runner
from localaws.parts import Parts
from localaws.protocol.service import Response
from localaws.sagemaker.ports import PRINCIPAL, Ports, RoleCredentials, RoleRefusedError
from localaws.sagemaker.service import SageMaker


class Stage:
    """The service, its runner and the process that starts the jobs."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._processes = Processes()
        images = Images(parts.steps) if parts.steps else None
        self._engine: Engine = (
            DockerEngine(self._processes, parts.steps)
            if parts.docker and parts.steps
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
        runner = Runner(ports, folder, REGION, images or NoImages(), self._engine)
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
