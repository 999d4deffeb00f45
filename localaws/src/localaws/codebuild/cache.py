"""The cache of a project: files that a build leaves for the next one, in a folder that is kept.

On AWS it lies in S3 or on a build host; here, in either case, in the stage's home. It is filled
after a build that succeeded, and brought back before the first command of the next.
"""

import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localaws.codebuild.artifacts import files_below
from localaws.codebuild.patterns import selected

ROOTS_HOME = "/root/"
# Builds of one project may end and begin at the same time.
_one_at_a_time = threading.Lock()
CUSTOM = "LOCAL_CUSTOM_CACHE"


def is_kept(cache: Mapping[str, Any]) -> bool:
    """Whether a project's settings ask for the buildspec's paths to be kept."""
    kind = cache.get("type", "NO_CACHE")
    return kind == "S3" or (kind == "LOCAL" and CUSTOM in cache.get("modes", ()))


def sorted_out(
    paths: Sequence[str], source: Path, home: Path
) -> tuple[dict[Path, list[str]], list[str]]:
    """The patterns for each of the two folders, and the paths that lie in neither.

    A path is relative to the source, or within the home folder, which on AWS is /root. Others
    would be places of this machine, which a build must not fill.
    """
    wanted: dict[Path, list[str]] = {source: [], home: []}
    outside = []
    for path in paths:
        inside_home = path.removeprefix("~/").removeprefix(ROOTS_HOME)
        if inside_home != path:
            wanted[home] += patterns(inside_home)
        elif path.startswith("/") or ".." in path.split("/"):
            outside.append(path)
        else:
            wanted[source] += patterns(path)
    return wanted, outside


def patterns(path: str) -> list[str]:
    """A path may name a folder: then all of it is meant."""
    return [path] if path.endswith("*") else [path, f"{path.rstrip('/')}/**/*"]


def restore(kept: Path, wanted: Mapping[Path, Sequence[str]]) -> int:
    """Bring the kept files back to their places, where nothing is yet; return how many."""
    count = 0
    with _one_at_a_time:
        for number, folder in enumerate(wanted):
            here = kept / str(number)
            for path in files_below(here) if here.is_dir() else ():
                if not (folder / path).exists():
                    copy(here / path, folder / path)
                    count += 1
    return count


def keep(kept: Path, wanted: Mapping[Path, Sequence[str]]) -> int:
    """Replace what is kept by the files there are now; return how many."""
    draft = kept.with_suffix(".new")
    count = 0
    with _one_at_a_time:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for number, (folder, names) in enumerate(wanted.items()):
            for path in selected(files_below(folder), names, ()) if names else ():
                copy(folder / path, draft / str(number) / path)
                count += 1
        shutil.rmtree(kept, ignore_errors=True)
        draft.rename(kept)
    return count


def copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)
