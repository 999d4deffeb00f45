"""Runs Lambda functions: which instance serves an invocation, and as whom it acts."""

import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localaws.functions.containers import ContainerInstance
from localaws.functions.foreign import leave_to_the_environment
from localaws.functions.pool import Forker, FunctionError, Instance, Outcome
from localaws.jobs.docker import DockerImages, function_options
from localaws.jobs.images import Images, PullError

AnyInstance = Instance | ContainerInstance
Config = dict[str, Any]
Assume = Callable[[str, str, str], dict[str, str]]
Layers = Callable[[Config], list[bytes]]

# Credentials of a role are valid for twelve hours; an instance is replaced well before.
INSTANCE_SECONDS = 6 * 3600
# How many idle instances of one function stay, so that a burst does not leave a crowd.
KEEP_IDLE = 2
# How long an image's instance waits for its first call.
WAITING_SECONDS = 600.0
# What of a function's configuration an instance is made from.
_MADE_FROM = (
    *("Version", "CodeSha256", "Layers", "Handler", "Environment", "Role", "MemorySize"),
    *("LoggingConfig", "ImageUri", "ImageConfigResponse"),
)


class Functions:
    """The instances of all functions, kept warm between invocations."""

    def __init__(
        self,
        folder: Path,
        assume: Assume,
        layers: Layers = lambda _: [],
        images: Images | None = None,
        docker: DockerImages | None = None,
        shared: tuple[str, ...] = (),
    ) -> None:
        """`assume(role ARN, service, session name)` returns credentials as environment.

        `layers(configuration)` returns the content of a function's layers, in their order. `images`
        finds the step behind the image of a function that is one; with `docker`, that is run in its
        built image. `shared`: modules of a package that all its instances import once, together.
        """
        self._shared = list(shared)
        self._images = images
        self._docker = docker
        self._folder = folder
        self._assume = assume
        self._layers = layers
        self._forker = Forker()
        self._idle: dict[str, list[tuple[str, AnyInstance]]] = {}
        # What an instance is just being started of, by another thread.
        self._preparing: set[str] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Get ready to fork."""
        shutil.rmtree(self._folder / "tmp", ignore_errors=True)  # of instances of an earlier start
        self._forker.start()

    def stop(self) -> None:
        """End every process."""
        with self._lock:
            for idle in self._idle.values():
                for _, instance in idle:
                    instance.end()
            self._idle.clear()
        self._forker.stop()

    def prepare(self, config: Config, package: bytes | None) -> bool:
        """Start an instance unless one is waiting; it loads its handler by itself.

        That of an image ends after a while, where it gets no call: it may hold large libraries.
        Those that were made of what the function no longer is are ended. Returns whether one was
        started.
        """
        if package is None and self._docker:
            return False  # an image may have to be built first
        made_from = _made_from(config)
        with self._lock:
            idle = self._idle.get(_version(config), [])
            outdated = [one for one in idle if one[0] != made_from]
            for one in outdated:
                idle.remove(one)
            begun = bool(idle) or made_from in self._preparing
            if not begun:
                self._preparing.add(made_from)
        for _, instance in outdated:
            instance.end()
        if begun:
            return False
        try:
            instance = self._fork(config, package)
            self._give_back(config, made_from, instance)
        finally:
            with self._lock:
                self._preparing.discard(made_from)
        if package is None:
            watch = threading.Timer(WAITING_SECONDS, self._dismiss, [config, made_from, instance])
            watch.daemon = True
            watch.start()
        return True

    def step_of(self, config: Config) -> str | None:
        """The step whose image a function is; None for other functions, or where it is not here."""
        if self._images is None or config.get("PackageType") != "Image":
            return None
        try:
            return self._images.resolve(config["ImageUri"]).step
        except PullError:
            return None

    def invoke(
        self,
        config: Config,
        package: bytes | None,
        event: object,
        request: str,
        trace: str | None,
        *,
        once: bool = False,
    ) -> Outcome:
        """Run the function once. Failures of every kind come back as an error document.

        `once`: the instance gets no other call; a new one that was prepared in time has loaded
        what this one would have to load again. A container, which takes its time, is kept.
        """
        made_from = _made_from(config)
        try:
            instance = self._take(config, made_from) or self._fork(config, package)
        except PullError as error:
            document = {"errorType": "CodeArtifactUserFailedException", "errorMessage": str(error)}
            return Outcome(None, document, "")
        call = {
            "event": event,
            "request": request,
            "arn": config["FunctionArn"],
            "timeout": config["Timeout"],
            "trace": trace,
        }
        try:
            outcome = instance.wait_ready()
            if outcome:  # its handler could not be loaded; the next call tries afresh
                instance.end()
                return outcome
            outcome = instance.invoke(call)
        except (FunctionError, OSError) as error:
            return _ended(error, instance, config, request)
        if once and self._docker is None:
            instance.end()
        else:
            self._give_back(config, made_from, instance)
        return outcome

    def _dismiss(self, config: Config, made_from: str, instance: AnyInstance) -> None:
        """End an instance that still waits for its first call."""
        with self._lock:
            idle = self._idle.get(_version(config), [])
            if (made_from, instance) not in idle:
                return
            idle.remove((made_from, instance))
        instance.end()

    def _take(self, config: Config, made_from: str) -> AnyInstance | None:
        with self._lock:
            idle = self._idle.get(_version(config), [])
            while idle:
                made, instance = idle.pop()
                age = time.monotonic() - instance.started
                if made == made_from and age < INSTANCE_SECONDS:
                    return instance
                instance.end()  # the function changed since
        return None

    def _give_back(self, config: Config, made_from: str, instance: AnyInstance) -> None:
        with self._lock:
            idle = self._idle.setdefault(_version(config), [])
            if len(idle) < KEEP_IDLE:
                idle.append((made_from, instance))
                return
        instance.end()

    def _fork(self, config: Config, package: bytes | None) -> AnyInstance:
        role = config["Role"]
        credentials = self._assume(role, "lambda.amazonaws.com", config["FunctionName"])
        if package is None:
            return self._fork_image(config, credentials)
        folder = self._unpack(package)
        layers = self._layers(config) if config.get("Layers") else []
        opt = self._unpack(*layers) if layers else None
        libraries = [str(opt / "python")] if opt and (opt / "python").is_dir() else []
        return self._forker.fork(
            {
                "folder": str(folder),
                "shared": self._shared,
                "libraries": libraries,
                "handler": config["Handler"],
                "environment": {**_environment(config, folder, opt), **credentials},
            }
        )

    def _fork_image(self, config: Config, credentials: dict[str, str]) -> AnyInstance:
        """The function's image is code of the working tree, run by this interpreter."""
        if self._images is None:
            raise PullError("this stage has no images")
        image = self._images.resolve(config["ImageUri"])
        named = (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
        if self._docker:
            environment = {**_environment(config, Path(named["WorkingDirectory"]), None)}
            del environment["PATH"]  # the image has its own
            self._docker.pull(image)
            return ContainerInstance(
                self._docker.client,
                function_options(config["MemorySize"], named),
                {**environment, **credentials},
                [self._docker.tag(image.step), *named["EntryPoint"][1:], *named["Command"]],
            )
        (self._folder / "tmp").mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=self._folder / "tmp")  # as each environment has its own /tmp
        return self._forker.fork(
            {
                "folder": str(image.folder),
                "shared": [],
                "libraries": [],
                "handler": named["Command"][0],
                "environment": {
                    **_environment(config, image.folder, None),
                    **credentials,
                    "TMPDIR": scratch,
                },
            }
        )

    def _unpack(self, *packages: bytes) -> Path:
        """Unpack once per content; the folder also keeps the compiled bytecode.

        Of several packages, as layers are, a later one's files replace those of the same name.
        """
        names = "".join(hashlib.sha256(package).hexdigest() for package in packages)
        name = names if len(packages) == 1 else hashlib.sha256(names.encode()).hexdigest()
        folder = self._folder / name[:32]
        if not folder.exists():
            draft = folder.with_name(f".{folder.name}.{threading.get_ident()}")
            for package in packages:
                with zipfile.ZipFile(io.BytesIO(package)) as archive:
                    archive.extractall(draft)  # zipfile itself keeps names inside the folder
            leave_to_the_environment(draft)
            try:
                draft.rename(folder)
            except OSError:  # another thread was first
                return folder
        return folder


def _version(config: Config) -> str:
    """Which code it is. Its ARN shows how it was called: an alias has instances of two versions."""
    return f"{config['FunctionName']}:{config['Version']}"


def _made_from(config: Config) -> str:
    return json.dumps([config.get(name) for name in _MADE_FROM], sort_keys=True)


def _environment(config: Config, folder: Path, opt: Path | None) -> dict[str, str]:
    """What AWS puts into a function's environment; its own variables do not override it.

    The one of ours is LAYERS_ROOT: where the content of the function's layers is, which on AWS is
    /opt. Nothing can be put there on the developer's machine.
    """
    name = config["FunctionName"]
    logging = config.get("LoggingConfig") or {}
    return {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_CONFIG_FILE": os.devnull,  # the developer's own profile is not the function's
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "POWERTOOLS_TRACE_DISABLED": "true",
        # CloudFormation makes text of what a template's Mappings have as numbers.
        **{
            variable: str(value)
            for variable, value in (config.get("Environment") or {}).get("Variables", {}).items()
        },
        "TZ": ":UTC",
        "_HANDLER": config["Handler"],
        "LAMBDA_TASK_ROOT": str(folder),
        **({"LAYERS_ROOT": str(opt)} if opt else {}),
        "LAMBDA_RUNTIME_DIR": sys.prefix,
        "AWS_REGION": os.environ["AWS_REGION"],
        "AWS_DEFAULT_REGION": os.environ["AWS_REGION"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime'] or 'Image'}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config["Version"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config["MemorySize"]),
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[{config['Version']}]",
        "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
    }


def _ended(
    error: FunctionError | OSError, instance: AnyInstance, config: Config, request: str
) -> Outcome:
    """Describe an instance that ran out of time or died, and clear it away."""
    left = instance.end()
    kind = error.kind if isinstance(error, FunctionError) else "Runtime.ExitError"
    said = f"{config['Timeout']:.2f} seconds"
    words = {
        "Sandbox.Timedout": f"RequestId: {request} Error: Task timed out after {said}",
        "Runtime.ExitError": f"RequestId: {request} Error: Runtime exited without a reason",
    }
    document = {"errorType": kind, "errorMessage": words[kind]}
    printed = str(error) if isinstance(error, FunctionError) else ""
    return Outcome(None, document, f"{printed}{left}{words[kind]}\n")
