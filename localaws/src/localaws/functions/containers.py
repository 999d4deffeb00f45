"""Functions that are images: an instance is a container, called through Lambda's Runtime API.

The container's runtime client asks for the next call and posts the answer, as on AWS. It is on the
host's network, because the stage listens on loopback alone.
"""

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localaws.functions.pool import FunctionError, Outcome
from localaws.jobs.docker import settings

PREFIX = "/2018-06-01/runtime"
# A container starts, and its runtime client asks for the first call.
START_SECONDS = 60.0
LOG_SECONDS = 5.0
NO_HEADERS: Mapping[str, str] = {}


class ContainerInstance:
    """One running container. Used by one invocation at a time; as an instance of the pool is."""

    def __init__(
        self,
        client: str,
        options: Sequence[str],
        environment: Mapping[str, str],
        image: Sequence[str],
    ) -> None:
        """`client` is Docker's; `options` are for `docker run`, `image` is it and its command."""
        self.started = time.monotonic()
        self._client = client
        self._name = f"localaws-function-{uuid.uuid4().hex[:12]}"
        self._calls: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._ready = threading.Event()
        self._server = _runtime_api(self)
        self._output: list[str] = []
        address = f"127.0.0.1:{self._server.server_port}"
        given = {**environment, "AWS_LAMBDA_RUNTIME_API": address}
        self._process = subprocess.Popen(
            [
                *(client, "run", "--rm", "--init", "--name", self._name, "--network", "host"),
                # Values come from the client's environment, so that no process list shows them.
                *(word for variable in given for word in ("--env", variable)),
                *options,
                *image,
            ],
            env={"PATH": os.defpath, **settings(), **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._log = threading.Thread(target=self._read, name=self._name, daemon=True)
        self._log.start()

    def wait_ready(self) -> Outcome | None:
        """Wait until the container asks for its first call; the outcome where it never does."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.wait(0.05):
            with contextlib.suppress(queue.Empty):
                return Outcome(None, self._answers.get_nowait()["error"], self._printed())
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise FunctionError("Runtime.ExitError", self._printed())
        return None

    def invoke(self, call: Mapping[str, Any]) -> Outcome:
        """Call the function once. Raises FunctionError; the instance is of no use afterwards."""
        self._calls.put(dict(call))
        deadline = time.monotonic() + float(call["timeout"])
        while True:
            with contextlib.suppress(queue.Empty):
                answer = self._answers.get(timeout=0.05)
                return Outcome(answer.get("result"), answer.get("error"), self._printed())
            if self._process.poll() is not None:
                raise FunctionError("Runtime.ExitError", self._printed())
            if time.monotonic() > deadline:
                raise FunctionError("Sandbox.Timedout", self._printed())

    def end(self) -> str:
        """Remove the container; returns what it printed and was not read yet."""
        words = [self._client, "rm", "--force", self._name]
        subprocess.run(words, capture_output=True, check=False)
        self._calls.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._log.join(LOG_SECONDS)
        return self._printed()

    # ---- What the Runtime API does with it

    def next_call(self) -> dict[str, Any] | None:
        """The next call, once there is one; None at the end."""
        self._ready.set()
        return self._calls.get()

    def answered(self, answer: dict[str, Any]) -> None:
        """Take {"result"} or {"error"}."""
        self._answers.put(answer)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._output.append(line)

    def _printed(self) -> str:
        taken, self._output = self._output, []
        return "".join(taken)


def _runtime_api(instance: ContainerInstance) -> ThreadingHTTPServer:
    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            call = instance.next_call() if self.path == f"{PREFIX}/invocation/next" else None
            if call is None:
                self._send(404, b"{}")
                return
            until = int((time.time() + float(call["timeout"])) * 1000)
            headers = {
                "Lambda-Runtime-Aws-Request-Id": call["request"],
                "Lambda-Runtime-Deadline-Ms": str(until),
                "Lambda-Runtime-Invoked-Function-Arn": call["arn"],
                "Lambda-Runtime-Trace-Id": call["trace"] or "",
            }
            self._send(200, json.dumps(call["event"]).encode(), headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = "result" if self.path.endswith("/response") else "error"
            # First: the answer lets the caller go on, and the next call must find nothing of this.
            self._send(202, b"{}")
            instance.answered({kind: json.loads(body or b"null")})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> None:
            self.send_response(status)
            sized = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in {**sized, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="runtime-api", daemon=True).start()
    return server
