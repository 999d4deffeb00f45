"""A bench for trying builds: CodeBuild with nothing around it but what a test puts there."""

import io
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.codebuild.account import Names, ParametersError, Ports
from localaws.codebuild.builds import CodeBuild
from localaws.codebuild.execution import Workshop
from localaws.codebuild.shell import search_path
from localaws.credentials import Credentials, RoleRefusedError
from localaws.emulator import Event
from localaws.home import ACCOUNT, REGION
from localaws.jobs.processes import Processes
from support.waiting import eventually

ROLE = f"arn:aws:iam::{ACCOUNT}:role/builds"
CALLER = f"arn:aws:iam::{ACCOUNT}:role/developers"
ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/standard:7.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}
STATE_CHANGE = "CodeBuild Build State Change"
GOOD = {
    "SUBMITTED": "SUCCEEDED",
    "QUEUED": "SUCCEEDED",
    "PROVISIONING": "SUCCEEDED",
    "DOWNLOAD_SOURCE": "SUCCEEDED",
    "INSTALL": "SUCCEEDED",
    "PRE_BUILD": "SUCCEEDED",
    "BUILD": "SUCCEEDED",
    "POST_BUILD": "SUCCEEDED",
    "UPLOAD_ARTIFACTS": "SUCCEEDED",
    "FINALIZING": "SUCCEEDED",
    "COMPLETED": "",
}


@dataclass
class Surroundings:
    """Everything a build touches but S3, remembered so that a test can look at it."""

    endpoint: str = "http://127.0.0.1:9"
    credentials: Credentials = field(default_factory=lambda: Credentials("AKIA", "secret", "token"))
    caller: str | None = None
    denied: set[str] = field(default_factory=set)
    untrusting: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def ports(self) -> Ports:
        return Ports(
            endpoint=lambda: self.endpoint,
            caller=lambda: self.caller,
            identity=lambda: f"arn:aws:sts::{ACCOUNT}:assumed-role/developers/ada",
            allowed=self._allowed,
            assume=self._assume,
            parameters=self._parameters,
            emit=self.events.append,
            log_group_exists=lambda group: False,
            write_log=lambda group, stream, lines: self.lines.extend(line for _, line in lines),
            changed=lambda: None,
        )

    def _allowed(
        self, role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool:
        self.asked.append((role, action, resource))
        return action not in self.denied

    def _assume(self, role: str, session: str) -> Credentials:
        if role in self.untrusting:
            raise RoleRefusedError(role)
        return self.credentials

    def _parameters(self, credentials: Credentials, names: Sequence[str]) -> Mapping[str, str]:
        for name in names:
            if name not in self.parameters:
                raise ParametersError(f"parameter does not exist: {name}")
        return self.parameters


class Bench:
    """Runs builds and keeps what they left."""

    def __init__(self, folder: Path, around: Surroundings, processes: Processes) -> None:
        self.around = around
        self.folder = folder
        self.workshop = Workshop(
            ports=around.ports(),
            names=Names(REGION, ACCOUNT),
            folder=folder / "running",
            path=search_path(Path(sys.executable), "/usr/bin:/bin"),
            processes=lambda: processes,
            minute_seconds=0.1,
        )
        self.service = CodeBuild(self.workshop)

    def project(self, buildspec: str = "version: 0.2\nphases: {}", **settings: Any) -> str:
        """Make a project and return its name."""
        name = settings.pop("name", "verify")
        self.service.call(
            "CreateProject",
            {
                "name": name,
                "source": {"type": "NO_SOURCE", "buildspec": buildspec},
                "artifacts": {"type": "NO_ARTIFACTS"},
                "environment": ENVIRONMENT,
                "serviceRole": ROLE,
                # The bench's minutes are short: more than any of its builds takes.
                "timeoutInMinutes": 300,
                **settings,
            },
        )
        return str(name)

    def start(self, project: str = "verify", **request: Any) -> str:
        answer = self.service.call("StartBuild", {"projectName": project, **request})
        return str(answer["build"]["id"])

    def ended(self, build: str) -> dict[str, Any]:
        assert self.service.builds.wait(build, 20)
        return self.service.builds.shown(build)

    def run(self, buildspec: str, **settings: Any) -> dict[str, Any]:
        """Run a buildspec in a project of its own."""
        name = settings.pop("name", f"project-{len(self.service.projects.state)}")
        return self.ended(self.start(self.project(buildspec, name=name, **settings)))

    def phases(self, build: Mapping[str, Any]) -> dict[str, str]:
        """The status of every phase that ran, in their order."""
        return {one["phaseType"]: one.get("phaseStatus", "") for one in build["phases"]}

    def printed(self) -> list[str]:
        """What the builds' commands printed themselves."""
        return [line for line in self.around.lines if not line.startswith("[Container]")]

    def close(self) -> None:
        self.service.builds.close()


def context(build: Mapping[str, Any], phase: str) -> str:
    """What a phase says of its end."""
    found = next(one for one in build["phases"] if one["phaseType"] == phase)
    return " ".join(f"{one['statusCode']}: {one['message']}" for one in found["contexts"])


def goes_away(folder: Path) -> None:
    """Wait until the folder is not there: it is removed in the background."""
    eventually(lambda: not folder.exists(), pause_seconds=0.01)


def commands(**phases: list[str]) -> str:
    """Build a buildspec of commands, quoted as they are."""
    lines = ["version: 0.2", "phases:"]
    for phase, given in phases.items():
        lines += [f"  {phase}:", "    commands:", *(f"      - {command!r}" for command in given)]
    return "\n".join(lines)


def zipped(files: Mapping[str, str], executable: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name == executable else 0o644) << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def unzipped(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}
