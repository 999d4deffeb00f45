"""The hosts of a Training job watch each other while they train.

LightGBM's own network waits without end for a host that has died. So each host keeps a connection
to the first. If one ends without a last word, all hosts leave, and say which it was. Besides, the
first host collects what the others find in their validation rows, and tells them the metric of each
round: all stop after the same one.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from contract.step import StepError
from train.cluster import Cluster

# Machines start within minutes of each other.
JOINING_SECONDS = 900
GREETING_SECONDS = 30.0
# A machine that is gone without closing its connections is noticed after about a minute.
KEEPALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 4}
# A host that has said why it failed ends first, so that the job ends with its own words.
FIRST_SECONDS = 2.0
# How long a host that sees LightGBM fail waits for the word of which host has failed.
WORD_SECONDS = 10.0


class Peers:
    """This host's connections to the others. `leave` ends the process with a message."""

    def __init__(self, cluster: Cluster, leave: Callable[[str], Any]) -> None:
        self.cluster = cluster
        self._leave = leave
        self._lines: dict[str, _Line] = {}
        self._told: dict[str, queue.Queue[Any]] = {name: queue.Queue() for name in cluster.names}
        self._lock = threading.Lock()
        self._over = False

    def join(self, seconds: float = JOINING_SECONDS) -> Peers:
        """Wait until all hosts are there. Raises StepError if one does not come in time."""
        until = time.monotonic() + seconds
        if self.cluster.leads:
            self._gather(until)
            self._send({"joined": True})
        else:
            self._reach(until)
        for name, line in self._lines.items():
            threading.Thread(
                target=self._listen, args=(name, line), name=f"watch {name}", daemon=True
            ).start()
        return self

    def tell(self, value: Any) -> None:
        """Tell all other hosts something; only the first host does."""
        self._send({"value": value})

    def told(self) -> Any:
        """What the first host has told next."""
        return self._told[self.cluster.names[0]].get()

    def collected(self, value: Any) -> list[Any] | None:
        """What every host says next, in the order of the hosts. Only the first host has it."""
        if not self.cluster.leads:
            self._send({"value": value})
            return None
        return [value, *(self._told[name].get() for name in self.cluster.names[1:])]

    def await_word(self) -> None:
        """Another host seems to have failed: give its last word time to end this process."""
        time.sleep(WORD_SECONDS)

    def __enter__(self) -> Peers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._lock:
            if self._over:
                return
            self._over = True
        self._send({"done": True} if error is None else {"failed": str(error)})
        for line in self._lines.values():
            line.close()

    def _gather(self, until: float) -> None:
        """The first host: take every other one's connection."""
        with _listening(self.cluster.addresses[0][1] + 1) as server:
            others = set(self.cluster.names[1:])
            while others - self._lines.keys():
                server.settimeout(max(0.01, until - time.monotonic()))
                try:
                    line = _Line(server.accept()[0])
                    name = str((line.read() or {}).get("host"))
                except (OSError, ValueError):
                    if time.monotonic() > until:
                        raise _absent(sorted(others - self._lines.keys())) from None
                    continue
                if name in others:
                    line.wait(None)  # a host may be silent for as long as it works
                    self._lines[name] = line

    def _reach(self, until: float) -> None:
        """Another host: connect to the first, as soon as it listens."""
        first, (address, port) = self.cluster.names[0], self.cluster.addresses[0]
        while True:
            try:
                line = _Line(socket.create_connection((address, port + 1), timeout=10))
                line.send({"host": self.cluster.name})
                line.wait(max(0.01, until - time.monotonic()))
                if line.read():
                    break
            except (OSError, ValueError):
                pass
            if time.monotonic() > until:
                raise _absent([first])
            time.sleep(0.05)
        line.wait(None)
        self._lines[first] = line

    def _listen(self, name: str, line: _Line) -> None:
        while True:
            try:
                word = line.read()
            except (OSError, ValueError):
                word = None
            if word is None:
                return self._lost(name, None)
            if "value" in word:
                self._told[name].put(word["value"])
            elif "failed" in word:
                return self._lost(word.get("host", name), word["failed"])
            elif "done" in word:
                return None

    def _lost(self, name: str, why: str | None) -> None:
        """Leave because of another host, after the others have been told."""
        with self._lock:
            if self._over:
                return
            self._over = True
        self._send({"failed": why, "host": name})
        if why is not None:
            time.sleep(FIRST_SECONDS)
        self._leave(
            f"host {name} of the job stopped without a word; see its log"
            if why is None
            else f"host {name} of the job: {why}"
        )

    def _send(self, word: dict[str, Any]) -> None:
        for line in self._lines.values():
            with suppress(OSError):  # the other side notices
                line.send(word)


class _Line:
    """A connection on which each line is a word in JSON."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in KEEPALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        connection.settimeout(GREETING_SECONDS)
        self._connection = connection
        self._source = connection.makefile("rb")

    def wait(self, seconds: float | None) -> None:
        self._connection.settimeout(seconds)

    def send(self, word: dict[str, Any]) -> None:
        self._connection.sendall(json.dumps(word).encode() + b"\n")

    def read(self) -> dict[str, Any] | None:
        """The next word; None where there are no more."""
        line = self._source.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("", port), backlog=128)
    except OSError as error:
        raise StepError(f"port {port} cannot be listened on ({error}); start a new run") from None


def _absent(names: list[str]) -> StepError:
    return StepError(f"host {', '.join(names)} of the job did not come in time; start a new run")
