"""One build while it runs: its folder, its log, its shell, phase after phase."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from botocore.credentials import Credentials as Signing

from localaws.codebuild.account import Names, ParametersError, Ports
from localaws.codebuild.buildspec import DEFAULT_FILE, Buildspec, BuildspecError, Phase, parse
from localaws.codebuild.files import (
    ARN_START,
    Destination,
    NothingFoundError,
    Source,
    SourceError,
    bring,
    collect,
    destination,
    is_inline,
    upload,
)
from localaws.codebuild.projects import Order
from localaws.codebuild.record import (
    DOWNLOAD_SOURCE,
    FAULT,
    FINALIZING,
    INSTALL,
    PROVISIONING,
    SUCCEEDED,
    UPLOAD_ARTIFACTS,
    BuildLog,
    PhaseFailedError,
    Record,
    following,
)
from localaws.codebuild.shell import (
    Control,
    InterruptedBuildError,
    Shell,
    chosen,
    end_leftovers,
    of_build,
    of_machine,
    of_role,
    wanted_parameters,
)
from localaws.credentials import Credentials
from localaws.jobs.processes import LauncherGoneError, Processes
from localaws.jobs.s3 import S3, S3Error


class Answering(Protocol):
    """Says what a text becomes in the build's shell."""

    def answers(self, texts: list[str]) -> list[str]: ...


class Saying(Protocol):
    """Takes lines of CodeBuild's own."""

    def say(self, line: str) -> None: ...


def deliver(
    s3: S3,
    order: Order,
    buildspec: Buildspec,
    build: Mapping[str, Any],
    shell: Answering,
    source: Path,
    scratch: Path,
    log: Saying,
) -> dict[str, str]:
    """Collect and upload what the build leaves, if anything; return what its record shows of it.

    Raises NothingFoundError where the buildspec has no artifacts, or no file is there.
    """
    if order.artifacts["type"] == "NO_ARTIFACTS" or (
        order.artifacts["type"] == "CODEPIPELINE" and order.output is None
    ):
        return {}
    output = buildspec.artifacts
    if output is None:
        raise NothingFoundError("no artifacts are defined in the buildspec")
    base, own_name = shell.answers([output.base_directory, output.name or ""])
    log.say(f"Expanding base directory path: {base}")
    for pattern in output.files:
        log.say(f"Expanding {pattern}")
    files = collect(output, source, base)
    log.say(f"Found {len(files)} file(s)")
    return upload(s3, files, _target(order, build, own_name), scratch)


def _target(order: Order, build: Mapping[str, Any], own_name: str) -> Destination:
    if order.output:
        return Destination(order.output.bucket, order.output.key, True)
    name = order.artifacts.get("name") or build["projectName"]
    if order.artifacts.get("overrideArtifactName") and own_name:
        name = own_name
    return destination(order.artifacts, build["id"], name)


CLIENT_ERROR = "CLIENT_ERROR"
INTERRUPTED = {
    "TIMED_OUT": ("BUILD_TIMED_OUT", "Build has timed out. "),
    "STOPPED": ("", "The build was stopped"),
}
# What may go wrong in a phase, and the status code of its context.
FAILURES: dict[type[Exception], str] = {
    BuildspecError: "YAML_FILE_ERROR",
    NothingFoundError: CLIENT_ERROR,
    ParametersError: "Decrypted Variables Error",
    S3Error: CLIENT_ERROR,
    SourceError: CLIENT_ERROR,
}


@dataclass(frozen=True)
class Workshop:
    """What all builds of a stage share."""

    ports: Ports
    names: Names
    folder: Path
    """For the folders of running builds."""
    path: str
    """PATH of the builds."""
    processes: Callable[[], Processes]
    minute_seconds: float = 60.0


class Execution:
    """Runs a build that was admitted. `run` returns when it has ended and everything is removed."""

    def __init__(
        self,
        workshop: Workshop,
        record: Record,
        order: Order,
        credentials: Credentials,
        control: Control,
    ) -> None:
        self._workshop = workshop
        self._record = record
        self._order = order
        self._credentials = credentials
        self._control = control
        self._folder: Path = workshop.folder / record.build["id"].partition(":")[2]
        self._s3 = S3(
            workshop.ports.endpoint(),
            workshop.names.region,
            Signing(credentials.access_key, credentials.secret_key, credentials.session_token),
        )
        self._buildspec = Buildspec({})
        self._source: Path = self._folder / "src"
        self._shell: Shell | None = None

    def run(self) -> None:
        for name in ("home", "tmp", "shell"):
            (self._folder / name).mkdir(mode=0o700, parents=True)
        logs = self._record.build["logs"]
        self._log = BuildLog(
            self._workshop.ports,
            self._folder / "log",
            logs.get("groupName"),
            logs.get("streamName", ""),
        )
        try:
            self._pass_through()
        except PhaseFailedError:
            pass  # the record and the log have it
        finally:
            self._end()

    def _pass_through(self) -> None:
        with self._phase(PROVISIONING):
            self._log.say("Running on this machine: the local stage has no build images")
        with self._phase(DOWNLOAD_SOURCE):
            self._download()
        phase = INSTALL
        while phase != FINALIZING:
            try:
                with self._phase(phase):
                    if phase == UPLOAD_ARTIFACTS:
                        self._deliver()
                    else:
                        self._run_commands(self._buildspec.phases.get(phase.lower(), Phase()))
            except PhaseFailedError:
                pass  # what comes next is a rule of its own
            ended = self._record.status_of(phase)
            phase = following(phase, ended, self._buildspec.phases)

    def _end(self) -> None:
        """End every process and carry the rest of the log; nothing here can fail the build."""
        with self._record.phase(FINALIZING):
            if self._shell:
                self._shell.close()
            end_leftovers(self._record.build["id"])
            self._log.close()

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        """A phase, with its lines in the log and every known error as its context."""
        self._log.say(f"Entering phase {name}")
        code = message = ""
        status = SUCCEEDED
        try:
            with self._record.phase(name), failures_explained():
                self._control.check()
                yield
        except PhaseFailedError as error:
            code, message, status = error.code, str(error), error.status
            raise
        finally:
            self._log.say(f"Phase complete: {name} State: {status}")
            self._log.say(f"Phase context status code: {code} Message: {message}")

    def _download(self) -> None:
        bring(self._s3, self._order.source, self._source)
        self._log.say(f"CODEBUILD_SRC_DIR={self._source}")
        self._buildspec = parse(self._buildspec_text())
        for remark in self._buildspec.remarks:
            self._log.say(f"Not on the local stage: {remark}")
        for runtime, version in self._buildspec.runtimes.items():
            self._log.say(
                f"Selecting '{runtime}' runtime version '{version}' based on manual selections:"
                f" the local stage uses the {runtime} that is on PATH"
            )
        self._start_shell()

    def _buildspec_text(self) -> str:
        given = self._order.buildspec
        if is_inline(given):
            self._log.say("The buildspec is the project's or the request's own")
            return given
        if given.startswith(ARN_START):
            self._log.say(f"YAML location is {given}")
            return self._s3.read(Source(given).place).decode(errors="replace")
        file = self._source / (given or DEFAULT_FILE)
        self._log.say(f"YAML location is {file}")
        try:
            return file.read_text(errors="replace")
        except OSError as error:
            if not given:
                raise BuildspecError("YAML file does not exist") from error
            raise BuildspecError(f"stat {file}: no such file or directory") from error

    def _start_shell(self) -> None:
        workshop, build = self._workshop, self._record.build
        self._shell = Shell(
            workshop.processes(),
            self._buildspec.shell,
            {
                **of_machine(self._folder / "home", self._folder / "tmp", workshop.path),
                **of_role(self._credentials, workshop.ports.endpoint(), workshop.names.region),
                **of_build(build, workshop.names, self._source),
                **self._variables(),
            },
            folder=self._folder / "shell",
            place=self._source,
            log=self._folder / "log",
            control=self._control,
        )

    def _variables(self) -> dict[str, str]:
        """The project's own variables, with those of Parameter Store read as the role."""
        given = self._record.build["environment"].get("environmentVariables", [])
        secrets = [entry["name"] for entry in given if entry["type"] == "SECRETS_MANAGER"]
        secrets += self._buildspec.secrets
        if secrets:
            raise ParametersError(f"localaws does not have Secrets Manager: {secrets[0]}")
        wanted = wanted_parameters(self._buildspec.parameter_store, given)
        values = {}
        if wanted:
            self._log.say("Decrypting parameter store environment variables")
            values = dict(
                self._workshop.ports.parameters(self._credentials, sorted(set(wanted.values())))
            )
        fetched = {variable: values[name] for variable, name in wanted.items()}
        return chosen(self._buildspec.variables, given, fetched)

    def _run_commands(self, phase: Phase) -> None:
        """Run a phase's commands to the first that fails, and then, in any case, its `finally`."""
        failure = self._run_to_failure(phase.commands)
        last = self._run_to_failure(phase.finally_commands)
        if failure or last:
            raise PhaseFailedError("COMMAND_EXECUTION_ERROR", failure or last or "")

    def _run_to_failure(self, commands: Sequence[str]) -> str | None:
        shell = self._shell
        for command in commands if shell else ():
            self._log.say(f"Running command {command}")
            status = shell.run(command) if shell else 0
            if status:
                self._log.say(f"Command did not exit successfully {command} exit status {status}")
                if shell:
                    shell.run("export CODEBUILD_BUILD_SUCCEEDING=0")
                return f"Error while executing command: {command}. Reason: exit status {status}"
        return None

    def _deliver(self) -> None:
        """Take what the build leaves: variables and artifacts."""
        if not self._shell:
            return
        exported = self._shell.values(self._buildspec.exported)
        self._record.update(
            exportedEnvironmentVariables=[
                {"name": name, "value": value} for name, value in exported.items()
            ]
        )
        self._control.check()
        facts = deliver(
            self._s3,
            self._order,
            self._buildspec,
            self._record.build,
            self._shell,
            self._source,
            self._folder / "tmp",
            self._log,
        )
        self._record.update(artifacts={**self._record.build["artifacts"], **facts})


@contextmanager
def failures_explained() -> Iterator[None]:
    """Turn everything that may end a phase into PhaseFailedError."""
    try:
        yield
    except InterruptedBuildError as error:
        code, message = INTERRUPTED[str(error)]
        raise PhaseFailedError(code, message, str(error)) from error
    except tuple(FAILURES) as error:
        raise PhaseFailedError(FAILURES[type(error)], str(error)) from error
    except (LauncherGoneError, OSError) as error:
        raise PhaseFailedError("INTERNAL_ERROR", str(error), FAULT) from error
