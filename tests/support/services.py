"""AWS's answers laid down beforehand, held to botocore's own models of the services."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.stub import Stubber


class Services:
    """Clients by name whose calls and answers are laid down beforehand."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def __call__(self, name: str) -> Any:
        if name not in self._clients:
            client: Any = boto3.client(name)  # type: ignore[call-overload]
            self._clients[name] = client
            self._stubs[name] = Stubber(client)
            self._stubs[name].activate()
        return self._clients[name]

    def answer(self, name: str, call: str, response: dict[str, Any], /, **asked: Any) -> None:
        self(name)
        self._stubs[name].add_response(call, response, asked or None)

    def fail(self, name: str, call: str, code: str, message: str = "") -> None:
        self(name)
        self._stubs[name].add_client_error(call, code, message)

    def finish(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()
