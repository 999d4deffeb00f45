"""An internal Lambda extension: work that Lambda waits for after the caller has its answer.

Lambda freezes the process when the handler and every extension are done. An extension reports this
by asking for the next event. This one asks only when its work is finished.
"""

import json
import os
import threading
from collections.abc import Callable
from typing import Any

NAME = "capture"


class Extension:
    """Runs `finish` after every answered request, then lets Lambda freeze the process."""

    def __init__(self, address: str, identifier: str, finish: Callable[[], None]) -> None:
        self._address, self._identifier, self._finish = address, identifier, finish
        self._answered = threading.Event()
        threading.Thread(target=self._serve, name="extension", daemon=True).start()

    @classmethod
    def register(cls, finish: Callable[[], None]) -> "Extension | None":
        """Register with Lambda. None outside Lambda, or if it accepts no extension."""
        address = os.environ.get("AWS_LAMBDA_RUNTIME_API")
        if not address:
            return None
        try:
            headers = {"Lambda-Extension-Name": NAME}
            status, answered, _ = _call(
                address, "POST", "register", headers, {"events": ["INVOKE"]}
            )
        except OSError:
            return None
        identifier = answered.get("Lambda-Extension-Identifier")
        return cls(address, identifier, finish) if status == 200 and identifier else None

    def answered(self) -> None:
        """Report that the handler has answered the request."""
        self._answered.set()

    def _serve(self) -> None:
        headers = {"Lambda-Extension-Identifier": self._identifier}
        while True:
            try:
                status, _, _ = _call(self._address, "GET", "event/next", headers)
            except OSError:
                return  # the environment is shutting down
            if status != 200:
                return
            self._answered.wait()
            self._answered.clear()
            self._finish()


def _call(
    address: str, method: str, path: str, headers: dict[str, str], body: Any = None
) -> tuple[int, Any, bytes]:
    from http.client import HTTPConnection  # only needed with capture

    connection = HTTPConnection(address)
    content = None if body is None else json.dumps(body)
    connection.request(method, f"/2020-01-01/extension/{path}", content, headers)
    response = connection.getresponse()
    return response.status, response.headers, response.read()
