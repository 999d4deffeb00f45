"""usage.json: what a step used of its machine."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from contract.paths import Paths
from contract.usage import Meter, cpu_seconds, measured, peak_memory_bytes, processors, size_of
from tests.support.waiting import eventually

MEGABYTE = b"x" * (1 << 20)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "processing")


def used(paths: Paths, name: str = "usage.json") -> Any:
    return json.loads((paths.output("report") / name).read_text())


def test_a_step_leaves_what_it_used_beside_its_report(paths: Paths) -> None:
    def work(paths: Paths) -> None:
        until = cpu_seconds() + 0.2
        while cpu_seconds() < until:
            pass

    measured(work, "report")(paths)

    found = used(paths)
    assert set(found) == {
        "format",
        "seconds",
        "cpu_seconds",
        "peak_memory_mb",
        "disk_mb",
        "processors",
    }
    assert found["format"] == 1
    assert 0.2 <= found["cpu_seconds"] <= found["seconds"] * found["processors"] + 0.1
    assert found["processors"] == processors() >= 1


def test_each_host_leaves_a_file_of_its_own(paths: Paths) -> None:
    paths.resources.parent.mkdir(parents=True)
    paths.resources.write_text(json.dumps({"current_host": "b", "hosts": ["a", "b"]}))

    measured(lambda paths: None, "report")(paths)

    assert used(paths, "usage-001.json")["format"] == 1


def test_a_step_that_fails_leaves_none(paths: Paths) -> None:
    def fail(paths: Paths) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        measured(fail, "report")(paths)

    assert list(paths.root.rglob("usage*.json")) == []


@pytest.mark.parametrize("at", ["processing", "elsewhere"])
def test_the_disk_is_what_inputs_scratch_and_outputs_took_at_most_together(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    roomy = tmp_path / at
    roomy.mkdir(exist_ok=True)
    monkeypatch.setattr(Paths, "roomy_folder", lambda self: roomy)
    (paths.input("data") / "deep").mkdir(parents=True)
    (paths.input("data") / "deep/rows").write_bytes(3 * MEGABYTE)

    with Meter(paths) as meter:
        scratch = paths.scratch_folder("work")
        (scratch / "rows").write_bytes(5 * MEGABYTE)
        eventually(lambda: meter.disk >= 8 << 20)
        (scratch / "rows").unlink()
        (paths.output("report") / "small").write_bytes(MEGABYTE)

        assert meter.document()["disk_mb"] == 8


def test_scratch_inside_the_outputs_counts_once(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Paths, "roomy_folder", lambda self: self.output("report"))
    paths.root.mkdir(parents=True)

    with Meter(paths) as meter:
        (paths.scratch_folder("work") / "rows").write_bytes(2 * MEGABYTE)

        assert meter.document()["disk_mb"] == 2


def test_the_processor_time_of_a_child_that_ended_counts() -> None:
    before = cpu_seconds()

    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)

    assert cpu_seconds() - before > 0.05


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_memory_is_that_of_the_program_and_not_of_what_started_it() -> None:
    """Linux hands the parent's peak on to a child's own count; the step's parent may be large."""
    ballast = bytearray(300 << 20)
    ballast[:: 1 << 12] = b"x" * len(ballast[:: 1 << 12])
    asked = "from contract.usage import peak_memory_bytes; print(peak_memory_bytes())"

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert 1 << 20 < int(done.stdout) < 100 << 20
    assert peak_memory_bytes() > 300 << 20
    del ballast


def test_a_folder_that_is_not_there_or_vanishes_takes_no_room() -> None:
    assert size_of(Path(tempfile.gettempdir()) / "never-made") == 0
