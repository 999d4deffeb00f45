"""The server's side of function instances: start, invoke within the timeout, end."""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from localaws.functions import wire

# The first instance waits for the libraries to be imported.
INIT_SECONDS = 30.0


class FunctionError(Exception):
    """An instance could not be started, or is gone; `kind` is Lambda's name for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Outcome:
    """What an invocation gave: a result, or Lambda's error document, and what was printed."""

    result: Any
    error: dict[str, Any] | None
    output: str


class Forker:
    """The template process; one per server, started at once and again when it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the template process, so that it has imported its libraries when it is needed."""
        with self._lock:
            self._ensure()

    def fork(self, order: dict[str, Any]) -> "Instance":
        """Return a new instance of the function described; it is still loading its handler."""
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        try:
            with self._lock:
                wire.send(self._ensure(), order, (theirs.fileno(), write))
        finally:
            theirs.close()
            os.close(write)
        return Instance(ours, read)

    def stop(self) -> None:
        """End the template process. Instances end when their connection closes."""
        with self._lock:
            if self._process:
                self._process.kill()
                self._process.wait()

    def _ensure(self) -> socket.socket:
        if self._process and self._control and self._process.poll() is None:
            return self._control
        ours, theirs = socket.socketpair()
        module = "localaws.functions.template_process"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._control = ours
        return ours


class Instance:
    """One running function process. Used by one invocation at a time."""

    def __init__(self, connection: socket.socket, output: int) -> None:
        self._connection = connection
        self._output = output
        os.set_blocking(output, False)
        self._pid: int | None = None
        self._loaded = False
        self.started = time.monotonic()

    def wait_ready(self) -> Outcome | None:
        """Wait until the handler is loaded; returns the outcome when that failed."""
        if self._loaded:
            return None
        hello, _ = self._answer(INIT_SECONDS)
        self._pid = hello["pid"]
        loaded, output = self._answer(INIT_SECONDS)
        self._loaded = True
        return Outcome(None, loaded["error"], output) if loaded["error"] else None

    def invoke(self, call: dict[str, Any]) -> Outcome:
        """Run the handler once. Raises FunctionError; the instance is of no use afterwards."""
        wire.send(self._connection, call)
        answer, output = self._answer(float(call["timeout"]))
        return Outcome(answer.get("result"), answer.get("error"), output)

    def end(self) -> str:
        """Kill the process; returns what it printed and was not read yet."""
        # One that ended by itself is not asked for: its number may be another program's by now.
        if self._pid and not self._hung_up():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        left = bytearray()
        self._drain(left)
        self._connection.close()
        os.close(self._output)
        return left.decode(errors="replace")

    def _hung_up(self) -> bool:
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _answer(self, seconds: float) -> tuple[dict[str, Any], str]:
        """Wait for the next message, reading what is printed meanwhile so that no pipe fills."""
        deadline = time.monotonic() + seconds
        output, open_still = bytearray(), True
        with selectors.DefaultSelector() as ready:
            ready.register(self._connection, selectors.EVENT_READ)
            ready.register(self._output, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                events = ready.select(left) if left > 0 else []
                if not events:
                    raise FunctionError("Sandbox.Timedout", output.decode(errors="replace"))
                if open_still and not self._drain(output):
                    ready.unregister(self._output)  # its end is always "ready to read"
                    open_still = False
                if any(key.fileobj is self._connection for key, _ in events):
                    return self._message(output)

    def _message(self, output: bytearray) -> tuple[dict[str, Any], str]:
        try:
            answer, _ = wire.receive(self._connection)
        except (EOFError, OSError):
            self._drain(output)
            raise FunctionError("Runtime.ExitError", output.decode(errors="replace")) from None
        self._drain(output)  # printed before the answer was sent, so it is all there
        return answer, output.decode(errors="replace")

    def _drain(self, into: bytearray) -> bool:
        """Read what is there; False when the writing end is closed."""
        while True:
            try:
                part = os.read(self._output, 65536)
            except BlockingIOError:
                return True
            if not part:
                return False
            into += part
