"""Libraries in a package that are compiled for another Python or processor than this machine's."""

import platform
import re
import shutil
import sys
from pathlib import Path

# CPython's tag in an extension module's name; abi3 modules fit every version.
TAG = re.compile(r"\.cpython-(?P<version>\d+)(?:-(?P<processor>[a-z0-9_]+)-linux-gnu)?\.so$")


def fits(name: str) -> bool:
    """Whether an extension module of this name can be loaded here; names without a tag may.

    >>> fits("libgomp.so"), fits("core.cpython-27-x86_64-linux-gnu.so")
    (True, False)
    """
    tag = TAG.search(name)
    if tag is None:
        return True
    here = f"{sys.version_info.major}{sys.version_info.minor}"
    return tag["version"] == here and tag["processor"] in (None, platform.machine())


def leave_to_the_environment(folder: Path) -> None:
    """Remove the libraries that cannot be loaded here: the environment has them, in this build.

    A package built for AWS then runs here, with its own code and pure libraries.
    """
    layers = folder / "python"  # where a layer has its libraries
    places = [*folder.iterdir(), *(layers.iterdir() if layers.is_dir() else ())]
    for library in places:
        if library == layers or not library.is_dir():
            continue
        if not all(fits(found.name) for found in library.rglob("*.so")):
            shutil.rmtree(library)
