"""CodeBuild put together for a running stage: its ports are MiniStack's services."""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from localaws import authorization, persistence
from localaws.codebuild.account import PRINCIPAL, Names, ParametersError, Ports
from localaws.codebuild.builds import CodeBuild
from localaws.codebuild.execution import Workshop
from localaws.codebuild.shell import search_path
from localaws.credentials import Credentials, assume_as_service
from localaws.home import ACCOUNT, REGION
from localaws.jobs.processes import Processes
from localaws.parts import Parts
from localaws.patches import builds
from localaws.protocol.service import Response

AT_A_TIME = 10  # names of one GetParameters


class Stage:
    """The service, and the process that starts its builds' shells."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._endpoint = parts.endpoint
        self._lock = threading.Lock()
        self._launcher: Processes | None = None
        ports = Ports(
            endpoint=lambda: parts.endpoint,
            caller=self._emulator.caller,
            identity=self._emulator.identity,
            allowed=authorization.allowed,
            assume=lambda role, session: assume_as_service(role, PRINCIPAL, session),
            parameters=self._parameters,
            emit=self._emulator.emit,
            log_group_exists=self._emulator.log_group_exists,
            write_log=self._emulator.write_log,
            changed=lambda: persistence.changed("codebuild"),
        )
        self._folder = clean_place(parts.home.root)
        workshop = Workshop(
            ports=ports,
            names=Names(REGION, ACCOUNT),
            folder=self._folder,
            path=search_path(Path(sys.executable), os.environ.get("PATH", os.defpath)),
            processes=self._processes,
        )
        self.service = CodeBuild(workshop)
        self.service.builds.clear()
        builds.install(self.service.call)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        self._emulator.remember_caller(headers)
        return self.service.respond(headers, body)

    def warm_up(self) -> None:
        """Load the API's model and start the launcher before the first request needs them."""
        self.service.api.model  # noqa: B018 - loading it is the point
        self._processes()

    def close(self) -> None:
        self.service.builds.close()
        if self._launcher:
            self._launcher.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _processes(self) -> Processes:
        with self._lock:
            if self._launcher is None:
                self._launcher = Processes("folder")
            return self._launcher

    def _parameters(self, credentials: Credentials, names: Sequence[str]) -> Mapping[str, str]:
        """Read parameters over the gateway, as the role, so that IAM decides."""
        import boto3
        from botocore.exceptions import ClientError

        client = boto3.client(
            "ssm",
            endpoint_url=self._endpoint,
            region_name=REGION,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
        )
        found = {}
        for start in range(0, len(names), AT_A_TIME):
            asked = list(names[start : start + AT_A_TIME])
            try:
                answer = client.get_parameters(Names=asked, WithDecryption=True)
            except ClientError as error:
                told = error.response["Error"]
                raise ParametersError(f"{told['Code']}: {told['Message']}") from error
            found.update({entry["Name"]: entry["Value"] for entry in answer["Parameters"]})
        missing = [name for name in names if name not in found]
        if missing:
            raise ParametersError(f"parameter does not exist: {missing[0]}")
        return found


def clean_place(home: Path) -> Path:
    """Where this stage's builds run: not below the project.

    There, a tool that looks for its settings in the folders above would find the developer's own.
    The name is the same at each start, so that what a killed server left there is removed.
    """
    unique = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    place = Path(tempfile.gettempdir()) / f"localaws-builds-{unique}"
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        found = place.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not private or found.st_uid != os.getuid():
            return Path(tempfile.mkdtemp(prefix="localaws-builds-"))  # another user took the name
    return place
