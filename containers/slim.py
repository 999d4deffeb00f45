"""Remove from an image's libraries what its step never loads, then compile the rest.

Runs while the image is built, `python slim.py KIND` with a kind of WANTED. The lock file
names the libraries of all steps; one step needs about half of their size.
"""

import compileall
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import distribution, distributions
from pathlib import Path
from py_compile import PycInvalidationMode

# What a step that is a function of Lambda needs besides: on_lambda opens S3.
ON_LAMBDA = ["awslambdaric", "botocore"]
LEARNING = ["lightgbm", "numpy", "onnx", "onnxruntime", "polars", "scipy", "xgboost-cpu"]
# What each kind of image imports. The dependencies of these stay too.
WANTED = {
    "preprocess": ["pandera", "polars", "polars-hash"],
    "monitor": ["numpy", "onnxruntime", "pandera", "polars"],
    "learning": LEARNING,
    "train": [*LEARNING, "optuna"],
    "score": [
        "lightgbm",
        "numpy",
        "onnx",
        "onnxruntime",
        "pandera",
        "polars",
        "xgboost-cpu",
    ],
    "gather": ["boto3", "polars"],
}
# Optuna needs these for trials in a database and for its command line. A search keeps its trials in
# memory (contract/libraries.py); with them Train's image would be 36 MB larger.
NEVER_LOADED = {"alembic", "sqlalchemy", "pyyaml"}
# It is never a function; and what its programs ask of AWS is their own matter.
GATHER = "gather"
# botocore describes all of AWS, but the steps only use S3.
SERVICES = {"s3"}
UNUSED_FOLDERS = {"tests", "test", "include"}


def closure(names: Iterable[str]) -> set[str]:
    """These libraries and all their dependencies, by normalised name."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = normal(waiting.pop())
        if name in found or name in NEVER_LOADED:
            continue
        found.add(name)
        for requirement in distribution(name).requires or []:
            # A requirement with another marker counts if it is installed. Keeping one too many
            # costs little.
            if "extra ==" not in requirement:
                needed = normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
                if any(normal(known.name) == needed for known in distributions()):
                    waiting.append(needed)
    return found


def normal(name: str) -> str:
    """A library's name in the form that package indexes compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(kind: str) -> None:
    """Reduce this interpreter's libraries to those of one kind of image."""
    wanted = closure([*WANTED[kind], *(() if kind == GATHER else ON_LAMBDA)])
    gone = sorted({normal(known.name) for known in distributions()} - wanted - {"pip"})
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", *gone, "pip"], check=True)
    site = Path(sysconfig.get_paths()["purelib"])
    for folder in sorted(site.rglob("*"), reverse=True):
        if folder.is_dir() and folder.name in UNUSED_FOLDERS:
            shutil.rmtree(folder)
    for folder in (site / "botocore" / "data").glob("*/"):
        if folder.name not in SERVICES and kind != GATHER:
            shutil.rmtree(folder)
    # The image's files never change, so Python need not check whether they have.
    compileall.compile_dir(
        site, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, workers=0
    )


if __name__ == "__main__":
    main(sys.argv[1])
