"""The scorer's package without a model: its code, its libraries and their bytecode.

It is built once for the same code, libraries, processor and Python, and kept in the data bucket by
a digest of these, so a release adds its model to a package that is there.
"""

import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

from shipping.archive import packed
from shipping.record import WORK, ReleaseError
from shipping.source import files, tree_digest

PYTHON = "3.13"
FORMAT = 1
# Parts of the libraries that no scoring function calls: 60 MB of Lambda's 250.
UNUSED = (
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "numpy/f2py",
    "numpy/testing",
)


def key(scoring: Path, architecture: str) -> str:
    """Where the package for this code is kept in the data bucket."""
    facts = f"base {FORMAT} {architecture} python{PYTHON} {tree_digest(scoring)}"
    return f"packages/base/{hashlib.sha256(facts.encode()).hexdigest()[:32]}.zip"


def without_libraries(scoring: Path) -> bytes:
    """The package for a machine that has the libraries: this code, and its bytecode for here."""
    contents = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in files(scoring):
            contents[name] = path.read_bytes()
            if path.suffix == ".py":
                compiled = py_compile.compile(
                    str(path),
                    cfile=f"{scratch}/compiled",
                    dfile=f"/var/task/{name}",
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
                contents[cache_from_source(name)] = Path(str(compiled)).read_bytes()
    return packed(contents)


def built(folder: Path, architecture: str) -> bytes:
    """Build the package with the SAM CLI, which needs uv; raises ReleaseError."""
    out = folder / WORK / "build"
    environment = os.environ | {
        "SAM_CLI_TELEMETRY": "0",
        "PATH": f"{_folder_of_uv()}{os.pathsep}{os.environ['PATH']}",
    }
    words = ["sam", "build", "ScoringFunction", "--template", "serving.yaml", "--beta-features"]
    words += ["--build-dir", str(out), "--parameter-overrides"]
    words += [f"FunctionArchitecture={architecture}"]
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ReleaseError(
            "the scorer's package is not in the data bucket and the SAM CLI is not here to build "
            "it; on the local stage `kanmon deploy` publishes it"
        ) from None
    if done.returncode:
        raise ReleaseError(f"sam build failed: {' '.join(done.stderr.split()[-60:])}")
    package = out / "ScoringFunction"
    _slim(package)
    _compile(package)
    contents = {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file()
    }
    return packed(contents)


def _slim(package: Path) -> None:
    for name in UNUSED:
        shutil.rmtree(package / name, ignore_errors=True)
    for tests in [*package.rglob("tests")]:
        shutil.rmtree(tests, ignore_errors=True)
    for stub in [*package.rglob("*.pyi"), *package.rglob("*.pyc")]:
        stub.unlink()


def _compile(package: Path) -> None:
    """Lambda cannot write bytecode, so without it every cold start would compile all of this."""
    words = [_target_python(), "-m", "compileall", "-qq", "-j", "0", "-s", str(package)]
    words += ["-p", "/var/task", "--invalidation-mode", "unchecked-hash", str(package)]
    # A file that does not compile is some library's; it will be compiled when it is imported.
    subprocess.run(words, check=False)
    if not any(package.rglob("*.pyc")):
        raise ReleaseError("the package's bytecode was not written")


def _target_python() -> str:
    if sys.version_info[:2] == tuple(map(int, PYTHON.split("."))):
        return sys.executable
    # A name on PATH may belong to a version manager that has no such Python after all.
    named = shutil.which(f"python{PYTHON}")
    if named and not subprocess.run([named, "-V"], capture_output=True, check=False).returncode:
        return named
    uv = shutil.which("uv", path=str(_folder_of_uv()))
    words = ["python", "find", "--no-project", PYTHON]
    found = uv and subprocess.run([uv, *words], capture_output=True, text=True, check=False)
    if not found or found.returncode:
        raise ReleaseError(f"packaging compiles for Python {PYTHON}, and there is none here")
    return found.stdout.strip()


def _folder_of_uv() -> Path:
    return next(_places_of_uv(), Path())


def _places_of_uv() -> Iterator[Path]:
    beside = Path(sys.executable).parent
    for found in (shutil.which("uv", path=str(beside)), shutil.which("uv")):
        if found:
            yield Path(found).parent
    try:
        import uv

        yield Path(uv.find_uv_bin()).parent
    except (ImportError, FileNotFoundError):
        return
