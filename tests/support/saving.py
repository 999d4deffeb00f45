"""How the tests wait until a stage has saved what it holds, as one that is killed must have."""

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually


def everything_is_saved(client: Callable[[str], Any], home: Path) -> None:
    """Wait until all that has changed by now is in the files of the stage.

    It saves in rounds. When a second mark is there, the round that met the first has ended.
    """
    for _ in range(2):
        mark = uuid.uuid4().hex
        client("ssm").put_parameter(Name="mark", Value=mark, Type="String", Overwrite=True)
        eventually(partial(_contains, home / "state/ssm.json", mark))


def _contains(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text()
