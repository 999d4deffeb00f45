"""A workbench for trying jobs: small scripts as steps' images, against the running stage's S3."""

import os
import sys
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.credentials import Credentials, RoleRefusedError
from localaws.emulator import Event
from localaws.jobs.engines import ProcessEngine
from localaws.jobs.images import Image, PullError
from localaws.jobs.processes import Processes
from localaws.jobs.runner import Control, Outcome, Runner
from localaws.sagemaker.account import Ports
from support.waiting import eventually

# What every program begins with: its folders, wherever the machine lets it see them.
START = """
import json, os, sys, time
from pathlib import Path
root = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
ml = root.parent
"""
ROLE = "arn:aws:iam::123456789012:role/jobs"
ROOT_USER = "arn:aws:iam::123456789012:root"
REGION = "us-east-1"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-steps"


@dataclass
class Surroundings:
    """Everything a job touches but S3, remembered so that a test can look at it."""

    endpoint: str
    credentials: Credentials
    caller: str | None = None
    denied: set[str] = field(default_factory=set)
    untrusting: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    changes: int = 0

    def ports(self) -> Ports:
        return Ports(
            endpoint=lambda: self.endpoint,
            caller=lambda: self.caller,
            identity=lambda: self.caller or ROOT_USER,
            allowed=self._allowed,
            assume=self._assume,
            emit=self.events.append,
            log_group_exists=lambda group: False,
            write_log=self._write_log,
            write_metric=self._write_metric,
            changed=self._changed,
        )

    def _allowed(
        self, role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool:
        self.asked.append((role, action, resource))
        return action not in self.denied

    def _assume(self, role: str, session: str) -> Credentials:
        if role in self.untrusting:
            raise RoleRefusedError(f"{role} trusts nobody")
        return self.credentials

    def _write_log(self, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.lines.setdefault(f"{group} {stream}", []).extend(line for _, line in lines)

    def _write_metric(self, namespace: str, name: str, value: float, host: str) -> None:
        self.metrics[f"{namespace} {name} {host}"] = value

    def _changed(self) -> None:
        self.changes += 1


class Scripts:
    """Images that are a script each. The URI is made from the script's name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, program: str) -> str:
        """Add an image and return its URI."""
        (self._folder / f"{name}.py").write_text(program)
        return f"{REPOSITORY}:{name}"

    def resolve(self, uri: str) -> Image:
        name = uri.rpartition(":")[2]
        if not (self._folder / f"{name}.py").exists():
            raise PullError(f"ClientError: CannotPullContainerError: {uri}")
        return Image(name, (sys.executable, str(self._folder / f"{name}.py")), self._folder)


class Bench:
    """Runs jobs and keeps what they left."""

    def __init__(
        self, surroundings: Surroundings, s3: Any, folder: Path, isolation: str | None
    ) -> None:
        self.around = surroundings
        self.s3 = s3
        self.bucket = f"jobs-{uuid.uuid4().hex[:12]}"
        self.jobs = folder / "jobs"
        self.jobs.mkdir()
        (folder / "scripts").mkdir()
        self.images = Scripts(folder / "scripts")
        self.processes = Processes(isolation)
        self.runner = self.make_runner(grace_seconds=0.5)
        s3.create_bucket(Bucket=self.bucket)

    def make_runner(self, grace_seconds: float) -> Runner:
        return Runner(
            self.around.ports(),
            self.jobs,
            REGION,
            self.images,
            ProcessEngine(self.processes),
            grace_seconds=grace_seconds,
        )

    def put(self, key: str, content: str) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content.encode())
        return f"s3://{self.bucket}/{key}"

    def objects(self, prefix: str) -> dict[str, str]:
        """Return the text of every object under the prefix, by its key after the prefix."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {
            entry["Key"][len(prefix) :]: self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])[
                "Body"
            ]
            .read()
            .decode()
            for entry in listed
        }

    def job(self, program: str, **changes: Any) -> dict[str, Any]:
        """Build a request for a job that runs the program."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        return {
            "ProcessingJobName": name,
            "ProcessingResources": instances(1),
            "AppSpecification": {"ImageUri": self.images.write(name, program)},
            "RoleArn": ROLE,
            **changes,
        }

    def run(self, program: str, **changes: Any) -> Outcome:
        job = self.job(program, **changes)
        return self.runner.run(job, self.around.credentials, Control())

    def start(self, job: dict[str, Any]) -> Outcome:
        """Run a job of this request."""
        return self.runner.run(job, self.around.credentials, Control())

    def run_and_stop(self, program: str, when: Path, **changes: Any) -> Outcome:
        """Run the program and stop its job as soon as the file is there."""
        control = Control()

        def stop() -> None:
            appears(when)
            control.request_stop()

        threading.Thread(target=stop, daemon=True).start()
        return self.runner.run(self.job(program, **changes), self.around.credentials, control)

    def close(self) -> None:
        self.runner.close()
        self.processes.close()


def appears(file: Path) -> None:
    """Wait for a file."""
    eventually(file.exists, pause_seconds=0.01)


def ends(process: int) -> None:
    """Wait for the end of a process: a kill takes effect on its own time."""
    eventually(lambda: _is_over(process), pause_seconds=0.01)


def _is_over(process: int) -> bool:
    try:
        os.kill(process, 0)
        status = Path(f"/proc/{process}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return True
    return "\nState:\tZ" in status  # its new parent has not looked at it yet


def instances(count: int) -> dict[str, Any]:
    """Build a cluster of so many hosts."""
    return {
        "ClusterConfig": {
            "InstanceCount": count,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 30,
        }
    }


def s3_input(uri: str, name: str = "data", **changes: Any) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            **changes,
        },
    }


def s3_outputs(*uris: str, mode: str = "EndOfJob") -> dict[str, Any]:
    """Build an output configuration: output/0 goes to the first URI, output/1 to the second."""
    return {
        "Outputs": [
            {
                "OutputName": str(number),
                "S3Output": {
                    "S3Uri": uri,
                    "LocalPath": f"/opt/ml/processing/output/{number}",
                    "S3UploadMode": mode,
                },
            }
            for number, uri in enumerate(uris)
        ]
    }
