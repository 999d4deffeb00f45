"""A step's image as a function, called through Lambda's own runtime interface emulator."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import yaml

from tests.support.laptop import ROOT
from tests.support.waiting import eventually

SAM = ROOT / ".venv-sam"
INVOKE = "/2015-03-31/functions/function/invocations"
TEMPLATE = ROOT / "stacks/compute.yaml"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as nothing."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def image_config() -> dict[str, Any]:
    """How the template starts a step's image."""
    template = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 - a safe one
    config: dict[str, Any] = template["Resources"]["TrainFunction"]["Properties"]["ImageConfig"]
    return config


@dataclass(frozen=True)
class Answer:
    """What a call gave, and how long it took with the start of the function."""

    document: dict[str, Any]
    seconds: float

    @property
    def error(self) -> str | None:
        found = self.document.get("errorType")
        return None if found is None else str(found)


@contextmanager
def function(
    step: str, stage: dict[str, Any], image: str, memory_mb: int = 3008, **variables: str
) -> Iterator["Function"]:
    """The step's function, started cold: the emulator starts it with the first call."""
    port, runtime = _free_port(), _free_port()
    config = image_config()
    name = f"kanmon-function-{step}-{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": stage["access_key"],
        "AWS_SECRET_ACCESS_KEY": stage["secret_key"],
        "AWS_REGION": stage["region"],
        "AWS_DEFAULT_REGION": stage["region"],
        "AWS_ENDPOINT_URL": stage["endpoint"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "900",
        "KANMON_STEP": step,
        "KANMON_IMAGE": image,
        "KANMON_DISK_MB": "10000",
        **variables,
    }
    [emulator] = (SAM / "lib").glob("python*/site-packages/samcli/local/rapid/*-x86_64")
    words = [
        *("docker", "run", "--detach", "--rm", "--name", name, "--network", "host"),
        # As in Lambda: nothing can be written but /tmp, and no shared memory is there.
        *("--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL", "--shm-size", "1k"),
        *("--memory", f"{memory_mb}m", "--workdir", config["WorkingDirectory"]),
        *(word for key, value in environment.items() for word in ("--env", f"{key}={value}")),
        *("--volume", f"{emulator}:/emulator:ro", "--entrypoint", "/emulator"),
        *(f"kanmon-steps:{step}", "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime}"),
        *config["EntryPoint"],
        *config["Command"],
    ]
    subprocess.run(words, check=True, capture_output=True)
    try:
        eventually(lambda: _listens(port))
        yield Function(name, port)
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)


@dataclass(frozen=True)
class Function:
    """A function that waits for calls."""

    name: str
    port: int

    def call(self, event: dict[str, Any]) -> Answer:
        began = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request("POST", INVOKE, json.dumps(event).encode())
        document = json.loads(connection.getresponse().read() or b"{}")
        return Answer(document, time.monotonic() - began)

    def log(self) -> str:
        found = subprocess.run(
            ["docker", "logs", self.name], check=False, capture_output=True, text=True
        )
        return found.stdout + found.stderr


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
