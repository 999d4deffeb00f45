"""CodeBuild's API for the gateway."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from localaws.codebuild.access import refused
from localaws.codebuild.builds import Builds
from localaws.codebuild.execution import Workshop
from localaws.codebuild.names import TARGET_PREFIX
from localaws.codebuild.projects import Projects
from localaws.protocol.errors import ServiceError
from localaws.protocol.service import JsonService, Response
from localaws.protocol.shapes import Api


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
