"""A tracking server in this process, which fails as told: down, slow, or after it has written.

It keeps what the real one keeps of the calls that Kanmon makes; tests/mlflow holds Kanmon to the
real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

API = "/api/2.0/mlflow/"


@dataclass
class TrackingDouble:
    """`fails` has, by path, what it does instead of answering well, for the next calls of it."""

    address: str = ""
    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    fails: dict[str, list[str]] = field(default_factory=dict)
    released: Event = field(default_factory=Event)
    lock: Any = field(default_factory=Lock)

    def answer(self, path: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = path.removeprefix(API).replace("/", "_").replace("-", "_")
        found: tuple[int, dict[str, Any]] = getattr(self, f"_{name}")(given)
        return found

    def _experiments_get_by_name(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        known = self.experiments.get(given["experiment_name"])
        if known is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        return 200, {"experiment": {"experiment_id": known, "lifecycle_stage": "active"}}

    def _experiments_create(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if given["name"] in self.experiments:
            return 400, {"error_code": "RESOURCE_ALREADY_EXISTS"}
        self.experiments[given["name"]] = str(len(self.experiments) + 1)
        return 200, {"experiment_id": self.experiments[given["name"]]}

    def _runs_get(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if given["run_id"] not in self.runs:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        return 200, {"run": self.runs[given["run_id"]]}

    def _runs_search(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        wanted = given["filter"].split("'")[1]
        found = [one for one in self.runs.values() if one["tags"]["kanmon.id"] == wanted]
        return 200, {"runs": found} if found else {}

    def _runs_create(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        run = {
            "info": {
                "run_id": f"{len(self.runs) + 1:032x}",
                "experiment_id": given["experiment_id"],
                "run_name": given["run_name"],
                "lifecycle_stage": "active",
                "status": "RUNNING",
            },
            "tags": {one["key"]: one["value"] for one in given["tags"]},
            "params": {},
            "metrics": set(),
        }
        self.runs[run["info"]["run_id"]] = run
        return 200, {"run": run}

    def _runs_log_batch(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        run = self.runs[given["run_id"]]
        params = {one["key"]: one["value"] for one in given.get("params", ())}
        if any(run["params"].get(key, value) != value for key, value in params.items()):
            return 400, {"error_code": "INVALID_PARAMETER_VALUE"}
        run["params"].update(params)
        run["tags"].update({one["key"]: one["value"] for one in given.get("tags", ())})
        run["metrics"] |= {
            (one["key"], one["value"], one["timestamp"], one["step"])
            for one in given.get("metrics", ())
        }
        return 200, {}

    def _runs_update(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.runs[given["run_id"]]["info"]["status"] = given["status"]
        return 200, {}


@contextmanager
def tracking_double() -> Iterator[TrackingDouble]:
    """A server on this machine; `down` and `slow` calls are let go when it ends."""
    double = TrackingDouble()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(double))
    server.daemon_threads = True
    double.address = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield double
    finally:
        double.released.set()
        server.shutdown()
        server.server_close()


def _handler(double: TrackingDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self._act({name: values[0] for name, values in query.items()})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._act(json.loads(self.rfile.read(length) or b"{}"))

        def _act(self, given: dict[str, Any]) -> None:
            path = urlsplit(self.path).path
            with double.lock:
                double.asked.append((path, dict(self.headers.items())))
                left = double.fails.get(path.removeprefix(API)) or double.fails.get("*") or []
                fault = left.pop(0) if left else ""
            if fault == "down":
                self.close_connection = True
            elif fault == "slow":
                double.released.wait(60)
            elif fault.isdigit():
                self._send(int(fault), {"error_code": "OF_A_TEST", "message": "<b>no</b>"})
            elif fault == "elsewhere":
                self._send(302, {}, {"Location": "http://127.0.0.1:9/stolen"})
            else:
                with double.lock:
                    status, answer = double.answer(path, given)
                if fault == "written, then 500":
                    status, answer = 500, {"error_code": "INTERNAL_ERROR"}
                self._send(200 if fault == "page" else status, None if fault == "page" else answer)

        def _send(self, status: int, answer: Any, more: dict[str, str] | None = None) -> None:
            body = b"<html>sign in</html>" if answer is None else _json(answer)
            self.send_response(status)
            for name, value in (more or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def _json(answer: Any) -> bytes:
    def plain(value: Any) -> Any:
        return sorted(value) if isinstance(value, set) else str(value)

    return json.dumps(answer, default=plain).encode()
