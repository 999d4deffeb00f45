"""The files of a stage's state: one that is damaged is refused, and the one before it is kept."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws import stage as local_stage
from localaws import state_files
from localaws.persistence import Saver
from localaws.state_files import DamagedStateError


@settings(deadline=None)  # a disk takes its time
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers()))
def test_what_is_written_is_read_by_any_reader_of_json(
    tmp_path_factory: pytest.TempPathFactory, held: dict[str, int]
) -> None:
    folder = tmp_path_factory.mktemp("state")

    state_files.write(folder / "tables.json", json.dumps({"payload": held}))

    state_files.check(folder)
    assert json.loads((folder / "tables.json").read_text())["payload"] == held


def damaged(folder: Path) -> DamagedStateError:
    with pytest.raises(DamagedStateError) as raised:
        state_files.check(folder)
    return raised.value


@pytest.mark.parametrize("left", [0, 1, 50, 100])
def test_a_truncated_file_is_refused_and_the_one_before_it_is_there(
    tmp_path: Path, left: int
) -> None:
    file = tmp_path / "tables.json"
    for number in (1, 2):
        state_files.write(file, json.dumps({"payload": {"runs": "r" * 50, "number": number}}))
    os.truncate(file, left)

    error = damaged(tmp_path)

    assert str(error) == f"{file} is damaged: it is not what the stage wrote"
    assert error.before == tmp_path / "tables.json.previous"
    error.before.rename(file)
    state_files.check(tmp_path)
    assert json.loads(file.read_text())["payload"]["number"] == 1


def test_a_changed_letter_is_found(tmp_path: Path) -> None:
    file = tmp_path / "tables.json"
    state_files.write(file, json.dumps({"payload": {"status": "WAITING"}}))
    file.write_text(file.read_text().replace("WAITING", "WAKTING"))

    assert damaged(tmp_path).before is None


def test_a_file_of_an_earlier_version_is_whole_where_it_is_json(tmp_path: Path) -> None:
    file = tmp_path / "tables.json"
    file.write_text(json.dumps({"payload": {}}))
    state_files.check(tmp_path)

    file.write_text(file.read_text()[:-1])

    assert damaged(tmp_path).file == file


def test_a_stage_does_not_start_on_a_damaged_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state_files.write(state / "dynamodb.json", json.dumps({"payload": {"items": "many"}}))
    os.truncate(state / "dynamodb.json", 100)

    with pytest.raises(DamagedStateError, match=r"dynamodb\.json is damaged"):
        local_stage.up(tmp_path)

    assert local_stage.status(tmp_path) is None


def test_what_was_recorded_before_a_durable_answer_is_as_durable(tmp_path: Path) -> None:
    saver = Saver(tmp_path, lambda service, state: json.dumps(state))
    for name in ("records", "executions", "others"):
        saver.keep(name, name, lambda name=name: {"of": name})  # type: ignore[misc]
        saver.changed(name)

    saver.save_now("executions", "records")

    assert sorted(file.stem for file in tmp_path.glob("*.json")) == ["executions", "records"]
