"""Is this machine fit for the local stage? Each check takes the project and answers in lines."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from kanmon.project import Project

GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Check:
    """One line: ok, warn or fail; what was looked at, what was found, how to fix it."""

    outcome: str
    what: str
    found: str
    fix: str = ""


def python(project: Project, stage: str) -> list[Check]:
    """Python itself and the packages of .venv."""
    version = ".".join(map(str, sys.version_info[:3]))
    fit = sys.version_info >= (3, 11)
    missing = [
        name
        for name in ("boto3", "ministack", "moto", "polars", "lightgbm", "xgboost", "onnxruntime")
        if importlib.util.find_spec(name) is None
    ]
    return [
        Check("ok" if fit else "fail", "python", version, "Install Python 3.11 or newer."),
        Check(
            "fail" if missing else "ok",
            "packages",
            f"missing: {', '.join(missing)}" if missing else "all there",
            "`make setup` installs them into .venv.",
        ),
    ]


def make(project: Project, stage: str) -> list[Check]:
    """Verify runs make targets, here as in CodeBuild."""
    found = shutil.which("make")
    fix = "Install make: releases are verified by its targets."
    return [Check("ok" if found else "fail", "make", found or "not found", fix)]


def disk(project: Project, stage: str) -> list[Check]:
    """Room for data, models and logs."""
    free = shutil.disk_usage(project.root).free
    outcome = "ok" if free > 5 * GIGABYTE else "warn" if free > GIGABYTE else "fail"
    return [
        Check(
            outcome, "disk", f"{free / GIGABYTE:.0f} GB free", "`kanmon down --erase` frees some."
        )
    ]


def namespaces(project: Project, stage: str) -> list[Check]:
    """Can a job get its own /opt/ml, as it has on SageMaker?"""
    for words in (["unshare", "-m", "true"], ["unshare", "-Urm", "true"]):
        if shutil.which("unshare") and _works(words):
            return [Check("ok", "namespaces", "jobs get their own /opt/ml")]
    return [
        Check(
            "warn",
            "namespaces",
            "not allowed here: jobs find their files through PROCESSING_ROOT instead",
            "Nothing to do; a step must not write /opt/ml into its code.",
        )
    ]


def docker(project: Project, stage: str) -> list[Check]:
    """Docker is optional: `kanmon up --docker`, and building the step images."""
    if not shutil.which("docker"):
        return [Check("warn", "docker", "not found; optional", "It runs steps in their images.")]
    if not _works(["docker", "info"]):
        return [Check("warn", "docker", "does not answer; optional", "Start its engine.")]
    return [Check("ok", "docker", "answers")]


def local_stage(project: Project, stage: str) -> list[Check]:
    """Is it up?"""
    from kanmon.stage import local

    running = local.status(project.home)
    if running is None:
        reason = local.ended_unexpectedly(project.home)
        if reason is not None:
            fix = "`kanmon up` starts it again."
            return [Check("warn", "local stage", f"has ended unexpectedly: {reason}", fix)]
        return [Check("ok", "local stage", "not running; `kanmon up` starts it")]
    return [Check("ok", "local stage", f"up at {running.endpoint}")]


def models(project: Project, stage: str) -> list[Check]:
    """Do the models' folders hold together?"""
    from kanmon.errors import BadInputError
    from kanmon.models.definitions import read_folder

    checks = []
    for name in project.models():
        try:
            read_folder(project.model_folder(name))
        except BadInputError as error:
            checks.append(Check("fail", f"model {name}", error.what.splitlines()[0], error.fix))
    return checks or [Check("ok", "models", ", ".join(project.models()) or "none yet")]


def _works(words: list[str]) -> bool:
    try:
        return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


CHECKS: tuple[Callable[[Project, str], list[Check]], ...] = (
    python,
    make,
    disk,
    namespaces,
    docker,
    local_stage,
    models,
)
