"""A local stage whose state is damaged says which file, and what to do."""

import json
import os
from pathlib import Path

import pytest

from kanmon.project import Project
from kanmon.stage import local
from localaws import state_files


def test_up_names_the_damaged_file_and_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KANMON_HOME", str(tmp_path))
    file = tmp_path / "state" / "dynamodb.json"
    file.parent.mkdir()
    for number in (1, 2):
        state_files.write(file, json.dumps({"payload": number}))
    os.truncate(file, 40)

    with pytest.raises(local.StageError) as raised:
        local.up(Project(tmp_path))

    line = str(raised.value)
    assert line.splitlines() == [line]
    assert f"{file} is damaged" in line
    assert f"`mv {file}.previous {file}` brings back what was before it" in line
    assert "`kanmon down --erase`" in line
