"""The scorer's package without a model: its code, its libraries and their bytecode.

It is built once for each combination of code, libraries, processor and Python, and stored in the
data bucket under a digest of these. A release only adds its model to it.
"""

import hashlib
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
LOCALLY = "on the local stage `kanmon deploy` publishes it"
PLATFORMS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
FORMAT = 1
# Parts of the libraries that scoring never uses: 60 MB of Lambda's 250 MB.
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
    """The key of this code's package in the data bucket."""
    facts = f"base {FORMAT} {architecture} python{PYTHON} {tree_digest(scoring)}"
    return f"packages/base/{hashlib.sha256(facts.encode()).hexdigest()[:32]}.zip"


def without_libraries(scoring: Path) -> bytes:
    """The package for a machine that has the libraries: the code, with bytecode for this Python."""
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
    """Build the package: the code, and its libraries by their hashes. Raises ReleaseError."""
    scoring, package = folder / "scoring", folder / WORK / "build"
    python = _target_python()
    shutil.rmtree(package, ignore_errors=True)
    _install(scoring / "requirements.txt", package, architecture)
    for name, path in files(scoring):
        place = package / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    _slim(package)
    _compile(package, python)
    contents = {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file()
    }
    return packed(contents)


def _install(lock: Path, package: Path, architecture: str) -> None:
    """The locked libraries for Lambda's Python and processor, whatever those of this machine are.

    By uv, which `make tools` installs by its hash: the build's image has no say in its version.
    """
    uv = shutil.which("uv", path=str(_folder_of_uv()))
    if uv is None:
        raise ReleaseError(
            "the scorer's package is not in the data bucket, and there is no uv to build it; "
            f"{LOCALLY}"
        )
    words = [uv, "pip", "install", "--quiet", "--require-hashes"]
    words += ["--only-binary", ":all:", "--python", sys.executable, "--python-version", PYTHON]
    words += ["--python-platform", PLATFORMS[architecture], "--target", str(package)]
    words += ["--requirement", str(lock)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stderr.split()[-60:])
        raise ReleaseError(f"the scorer's libraries were not installed: {said}")
    # uv's own, and commands of the libraries for this machine.
    (package / ".lock").unlink(missing_ok=True)
    shutil.rmtree(package / "bin", ignore_errors=True)


def _slim(package: Path) -> None:
    for name in UNUSED:
        shutil.rmtree(package / name, ignore_errors=True)
    for tests in [*package.rglob("tests")]:
        shutil.rmtree(tests, ignore_errors=True)
    for stub in [*package.rglob("*.pyi"), *package.rglob("*.pyc")]:
        stub.unlink()


def _compile(package: Path, python: str) -> None:
    """Compile to bytecode. Lambda cannot write it, so every cold start would compile everything."""
    words = [python, "-m", "compileall", "-qq", "-j", "0", "-s", str(package)]
    words += ["-p", "/var/task", "--invalidation-mode", "unchecked-hash", str(package)]
    # A file that does not compile belongs to a library. Its import would fail, not the build.
    subprocess.run(words, check=False)
    if not any(package.rglob("*.pyc")):
        raise ReleaseError("the package's bytecode was not written; see the build's log")


def _target_python() -> str:
    if sys.version_info[:2] == tuple(map(int, PYTHON.split("."))):
        return sys.executable
    # A name on PATH may belong to a version manager that does not have this Python.
    named = shutil.which(f"python{PYTHON}")
    if named and not subprocess.run([named, "-V"], capture_output=True, check=False).returncode:
        return named
    uv = shutil.which("uv", path=str(_folder_of_uv()))
    words = ["python", "find", "--no-project", PYTHON]
    found = uv and subprocess.run([uv, *words], capture_output=True, text=True, check=False)
    if not found or found.returncode:
        raise ReleaseError(
            "the scorer's package is not in the data bucket, and there is no Python "
            f"{PYTHON} to build it; {LOCALLY}"
        )
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
