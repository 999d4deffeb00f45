"""A step's process inside a function's limits. Each test runs a small step of its own."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from on_lambda import limits
from on_lambda.limits import Limits, StepOutgrewError, StepProcess, disk_mb, memory_mb

ROOM = 100_000.0


def step(tmp_path: Path, code: str) -> StepProcess:
    """A process that runs this code as the step `tiny`, with the function's own way to begin it."""
    (tmp_path / "tiny.py").write_text(code)
    folder = tmp_path / "on_lambda"
    folder.mkdir()
    real = Path(limits.__file__).parent
    for name in ("__init__.py", "waiting.py"):
        (folder / name).write_text((real / name).read_text())
    (folder / "preload.py").write_text("def preload(step: str) -> None: pass\n")
    return StepProcess("tiny", tmp_path, {"PATH": os.defpath, "HOME": "/", "EARLY": "1"})


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


def until(seconds: float) -> Limits:
    return Limits(ROOM, ROOM, time.monotonic() + seconds)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(limits, "LOOKS_OF_DISK", 2)
    yield


def test_a_step_works_with_the_environment_of_its_order_and_its_words_get_the_attempts_name(
    tmp_path: Path, disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = step(tmp_path, "import os, sys\nprint(sorted(os.environ), sys.argv)\n")

    ended = process.work({"GIVEN": "yes"}, until(30), disk, "run-tiny-0")

    assert ended.code == 0
    assert ended.peak_mb > 0
    # LC_CTYPE is Python's own doing.
    shown = capfd.readouterr().out.replace(", 'LC_CTYPE'", "")
    assert shown == f"run-tiny-0 ['GIVEN'] ['{tmp_path}/tiny.py']\n"


def test_a_step_that_takes_too_much_memory_is_ended_while_it_writes(
    tmp_path: Path, disk: Path
) -> None:
    code = (
        "import pathlib, time\n"
        f"file = pathlib.Path({str(disk / 'half')!r}).open('w')\n"
        "file.write('half of'); file.flush()\n"
        "held = bytearray(200 << 20)\n"
        "for i in range(0, len(held), 4096): held[i] = 1\n"
        "time.sleep(30)\n"
    )
    process = step(tmp_path, code)

    with pytest.raises(StepOutgrewError, match=r"tiny used \d\d\d MB of memory, and the function"):
        process.work({}, Limits(100, ROOM, time.monotonic() + 30), disk, "run")
    process.end()

    assert (disk / "half").read_text() == "half of"


def test_a_peak_that_was_too_short_to_see_still_counts(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "memory_mb", lambda pid: None)
    process = step(tmp_path, "held = bytearray(200 << 20)\nheld[::4096] = b'x' * (200 << 8)\n")

    with pytest.raises(StepOutgrewError, match="MB of memory"):
        process.work({}, Limits(100, ROOM, time.monotonic() + 30), disk, "run")


def test_a_step_that_takes_too_long_is_ended(tmp_path: Path, disk: Path) -> None:
    process = step(tmp_path, "import time\ntime.sleep(30)\n")

    began = time.monotonic()
    with pytest.raises(StepOutgrewError, match="tiny was not done within the function's time"):
        process.work({}, until(0.5), disk, "run")
    process.end()

    assert time.monotonic() - began < 20


@pytest.mark.usefixtures("soon")
def test_a_step_that_fills_the_disk_is_ended(tmp_path: Path, disk: Path) -> None:
    code = (
        "import pathlib, time\n"
        f"pathlib.Path({str(disk / 'large')!r}).write_bytes(bytes(3 << 20))\n"
        "time.sleep(30)\n"
    )
    process = step(tmp_path, code)

    with pytest.raises(StepOutgrewError, match="tiny used 3 MB of disk"):
        process.work({}, Limits(ROOM, 2, time.monotonic() + 30), disk, "run")
    process.end()


def test_a_step_that_the_system_killed_counts_as_one_that_had_too_little_memory(
    tmp_path: Path, disk: Path
) -> None:
    process = step(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")

    with pytest.raises(StepOutgrewError, match="of memory"):
        process.work({}, until(30), disk, "run")


def test_a_step_that_fails_keeps_its_exit_code(tmp_path: Path, disk: Path) -> None:
    process = step(tmp_path, "raise SystemExit(3)\n")

    assert process.work({}, until(30), disk, "run").code == 3


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 0), ("raise SystemExit", 0), ("raise SystemExit('why')", 1), ("1 / 0", 1)],
)
def test_a_step_ends_as_python_would_but_at_once(
    tmp_path: Path, disk: Path, code: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    process = step(tmp_path, f"import atexit, time\natexit.register(time.sleep, 30)\n{code}\n")

    began = time.monotonic()
    assert process.work({}, until(25), disk, "run").code == status
    assert time.monotonic() - began < 20
    printed = capfd.readouterr().out
    assert ("why" in printed) == ("why" in code)
    assert ("ZeroDivisionError" in printed) == ("/" in code)


def test_a_process_that_no_work_came_for_can_be_ended_twice(tmp_path: Path) -> None:
    process = step(tmp_path, "print('never')\n")

    process.end()
    process.end()


def test_memory_and_disk_are_measured_in_mebibytes(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/file").write_bytes(bytes(1 << 20))

    assert disk_mb(tmp_path) == 1
    assert 1 < (memory_mb(os.getpid()) or 0) < 10_000
