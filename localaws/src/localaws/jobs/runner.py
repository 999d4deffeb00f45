"""Runs one job from beginning to end, the way SageMaker does, as the job's role."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from botocore.credentials import Credentials

from localaws import pace
from localaws.credentials import Credentials as RoleCredentials
from localaws.jobs.engines import Engine, Launch
from localaws.jobs.images import Image, PullError
from localaws.jobs.layout import Host
from localaws.jobs.logs import LogStreams
from localaws.jobs.metrics import measure
from localaws.jobs.processes import LauncherGoneError, Process
from localaws.jobs.s3 import S3, Connections
from localaws.jobs.spot import Machine, Market
from localaws.jobs.transfer import Outputs, TransferError, bring
from localaws.jobs.work import Form, Work
from localaws.sagemaker.account import Ports

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
# So long other hosts may take to say why a host is gone that left no word.
NOTICE_SECONDS = 2.0
KEPT_FAILURES = 5
REASON_CHARACTERS = 1024
# How a machine's work ends where AWS takes the spot machine away; no status of a job.
INTERRUPTED = "Interrupted"
PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


@dataclass(frozen=True)
class Outcome:
    """How a job ended, in SageMaker's words."""

    status: str
    failure_reason: str | None = None
    exit_message: str | None = None
    secondary: str | None = None
    """The SecondaryStatus of a Training job, where that says more than the status."""


class JobFailedError(Exception):
    """The job cannot go on; the text is its FailureReason."""


class ImageSource(Protocol):
    """Finds the image behind a URI; raises PullError."""

    def resolve(self, uri: str) -> Image: ...


@dataclass
class Control:
    """How the service and the job's processes reach the thread that runs the job."""

    stop: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    market: Market = field(default_factory=Market)
    """What happens to a job on spot machines."""
    tell: Callable[[str], None] = lambda status: None
    """Takes each SecondaryStatus that such a job comes to."""
    worked: float = 0.0
    """The seconds that the job's programs have worked."""

    def request_stop(self) -> None:
        self.stop.set()
        self.wake.set()


@dataclass
class Running:
    """One host's program while it runs."""

    launch: Launch
    process: Process


class Runner:
    """Runs jobs; each call of `run` takes one thread for the whole life of the job."""

    def __init__(
        self,
        ports: Ports,
        folder: Path,
        region: str,
        images: ImageSource,
        engine: Engine,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._ports = ports
        self._folder = folder
        self._region = region
        self._images = images
        self._engine = engine
        self._grace_seconds = grace_seconds
        self._active: set[Path] = set()
        self._connections = Connections()
        # Old folders go in the background: nobody waits for them.
        self._cleaner = ThreadPoolExecutor(1, "job-folders")
        self._lock = threading.Lock()

    def run(
        self, job: Mapping[str, Any], credentials: RoleCredentials, control: Control
    ) -> Outcome:
        """Run the job of a checked request to create it; every ending is an Outcome."""
        work = Work.of(job)
        folder = self._folder / work.name
        with self._lock:
            self._active.add(folder)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            attempt = self._run if work.waits is None else self._on_spot
            outcome = attempt(work, credentials, control, folder)
        except (JobFailedError, PullError, TransferError) as error:
            status = "Stopped" if control.stop.is_set() else "Failed"
            outcome = Outcome(status, str(error)[:REASON_CHARACTERS])
        except LauncherGoneError as error:
            outcome = Outcome("Failed", f"InternalServerError: {error}; start the stage again")
        except Exception as error:
            log.exception("job %s", work.name)
            outcome = Outcome("Failed", f"InternalServerError: {error}"[:REASON_CHARACTERS])
        self._cleaner.submit(self._clear, folder, keep=outcome.status != "Completed")
        return outcome

    def close(self) -> None:
        """Wait until the folders of ended jobs are removed."""
        self._cleaner.shutdown()

    def _on_spot(
        self, work: Work, credentials: RoleCredentials, control: Control, folder: Path
    ) -> Outcome:
        """Run the job on one machine after another; each begins with nothing of the last."""
        control.tell("Starting")
        machine = control.market.machine(0)
        while machine is not None:
            outcome = self._run(work, credentials, control, folder, machine)
            if outcome.status != INTERRUPTED:
                return outcome
            control.tell(INTERRUPTED)
            shutil.rmtree(folder, ignore_errors=True)
            control.tell("Starting")
            machine = control.market.machine(machine.number + 1)
        stopped = control.stop.wait(pace.here(work.waits or 0))
        return Outcome("Stopped", secondary=None if stopped else "MaxWaitTimeExceeded")

    def _run(
        self,
        work: Work,
        credentials: RoleCredentials,
        control: Control,
        folder: Path,
        machine: Machine = Machine(),  # noqa: B008 - it never changes
    ) -> Outcome:
        """One machine's work, or that of a cluster."""
        image = self._pull(work)
        s3 = S3(
            self._ports.endpoint(),
            self._region,
            Credentials(credentials.access_key, credentials.secret_key, credentials.session_token),
            self._connections,
        )
        hosts = [Host(folder, number, work.hosts) for number in range(work.hosts)]
        for host in hosts:
            host.prepare(work)
        control.tell("Downloading")
        bring(s3, work.inputs, hosts, work.role, self._region)
        if control.stop.is_set():
            return Outcome("Stopped")
        outputs = Outputs(
            s3,
            [(output, host.here(output["LocalPath"])) for output in work.outputs for host in hosts],
            work.key,
        )
        outputs.watch()
        streams = LogStreams(self._ports, self._region, work, hosts)
        streams.follow()
        try:
            launches = [
                self._launch(work, image, host, credentials, machine.number) for host in hosts
            ]
            control.tell("Training")
            outcome = self._attend(work, launches, control, machine.stays)
        finally:
            streams.finish()
            outputs.stop_watching()
        outputs.finish(outcome.status == "Completed")
        return outcome

    def _pull(self, work: Work) -> Image:
        """Find the image, if the job's role may pull it."""
        account = work.role.split(":")[4]
        repository = work.image.partition("/")[2].partition("@")[0].partition(":")[0]
        resource = f"arn:aws:ecr:{self._region}:{account}:repository/{repository}"
        needed = [
            ("ecr:GetAuthorizationToken", "*"),
            *((action, resource) for action in PULL_ACTIONS),
        ]
        for action, target in needed:
            if not self._ports.allowed(work.role, action, target):
                raise JobFailedError(
                    f"ClientError: CannotPullContainerError: {work.role} is not authorized to"
                    f" perform: {action} on resource: {target}"
                )
        image = self._images.resolve(work.image)
        self._engine.pull(image)
        return image

    def _launch(
        self, work: Work, image: Image, host: Host, credentials: RoleCredentials, machine: int
    ) -> Launch:
        environment = {
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            **work.environment,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            "AWS_ENDPOINT_URL": self._ports.endpoint(),
            # Without these an SDK would look for the developer's own files and for EC2's service.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return Launch(
            # A container that was just ended may still have the name of the machine before.
            name=f"{work.name}-{host.name}" + (f"-{machine}" if machine else ""),
            image=image,
            host=host,
            environment=environment,
            entrypoint=work.entrypoint,
            arguments=work.arguments,
        )

    def _attend(
        self, work: Work, launches: Iterable[Launch], control: Control, stays: float | None
    ) -> Outcome:
        """Start the programs and wait for the end: their own, a stop, the time limit's or that of
        a spot machine."""
        began = time.monotonic()
        deadline = began + (work.limit if stays is None else min(stays, work.limit))
        running = [
            Running(launch, self._engine.start(launch, control.wake.set)) for launch in launches
        ]
        while not control.stop.is_set() and time.monotonic() < deadline:
            codes = [one.process.code for one in running]
            if all(code == 0 for code in codes) or any(codes):
                break
            control.wake.wait(deadline - time.monotonic())
            control.wake.clear()
        failed = next((one for one in running if one.process.code), None)
        if failed and not failed.launch.host.message(work.form):
            failed = _that_says_why(running, work.form, control.stop) or failed
        finished = all(one.process.code == 0 for one in running)
        self._end(running)
        control.worked += time.monotonic() - began
        measure(self._ports, work, [(one.launch.host, one.process) for one in running], began)
        message = (failed or running[0]).launch.host.message(work.form)
        if failed:
            return failure(failed.process.code or 0, message)
        if finished:
            return Outcome("Completed", exit_message=message)
        if control.stop.is_set():
            return Outcome("Stopped", exit_message=message)
        if stays is not None and stays < work.limit:
            return Outcome(INTERRUPTED)
        return Outcome(
            "Stopped",
            "ClientError: MaxRuntimeExceeded: the job ran longer than the"
            f" {work.limit} seconds of StoppingCondition.MaxRuntimeInSeconds",
            message,
        )

    def _end(self, running: Iterable[Running]) -> None:
        with ThreadPoolExecutor(8, "job-end") as pool:
            for one in running:
                if not one.process.ended.is_set():
                    pool.submit(self._engine.end, one.launch, one.process, self._grace_seconds)

    def _clear(self, folder: Path, *, keep: bool) -> None:
        """Remove the job's folder; the last few of those that failed stay to be looked at."""
        with self._lock:
            self._active.discard(folder)
            active = set(self._active)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
            return
        ended = [entry for entry in self._folder.glob("*") if entry not in active]
        kept = sorted(ended, key=lambda entry: entry.stat().st_mtime)
        for old in kept[:-KEPT_FAILURES]:
            shutil.rmtree(old, ignore_errors=True)


def _that_says_why(running: Sequence[Running], form: Form, stop: threading.Event) -> Running | None:
    """Where a host died without a word: another one that failed because of it, and says so.

    The others get a moment to notice. A job of one host has no others.
    """
    until = time.monotonic() + (NOTICE_SECONDS if len(running) > 1 else 0)
    while True:
        waiting = [one for one in running if one.process.code is None]
        for one in running:
            if one.process.code and one.launch.host.message(form):
                return one
        if not waiting or time.monotonic() >= until or stop.wait(0.02):
            return None


def failure(code: int, message: str | None) -> Outcome:
    """Word a program's failure as SageMaker does. A signal's number counts from 128."""
    number = code if code > 0 else 128 - code
    ending = f", exit code: {number}"
    told = " ".join((message or "See job logs for more information").split())
    told = told[: REASON_CHARACTERS - len("AlgorithmError: ") - len(ending)]
    return Outcome("Failed", f"AlgorithmError: {told}{ending}", message)
