"""A job that goes on in a process begun before it is like one that was started for it."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localaws.jobs.engines import Launch, ProcessEngine
from localaws.jobs.images import Image, Images
from localaws.jobs.layout import Host
from localaws.jobs.processes import Ahead, Prepared, Processes
from localaws.steps import Steps

# Says all a step could see of how it was started.
FACTS = """
import json, os, sys
from pathlib import Path
opt = Path("/opt/ml")
facts = {
    "name": __name__, "file": __file__, "arguments": sys.argv[1:], "path": sys.path[0],
    "folder": os.getcwd(), "environment": dict(os.environ), "user": os.getuid(),
    "alone": os.getpgid(0) == os.getpid(), "open": len(os.listdir("/proc/self/fd")),
    "ml": sorted(os.listdir(opt)) if opt.is_dir() else [],
}
began = Path("/proc/self/cmdline").read_text().split("\\0")[:-1]
print(json.dumps({"facts": facts, "ahead": any("ahead.py" in word for word in began)}))
sys.exit(int(sys.argv[1]))
"""
ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(params=["mount", "user", "folder"])
def processes(request: pytest.FixtureRequest) -> Iterator[Processes]:
    """A launcher with each isolation this machine allows."""
    probe = Processes()
    strength = ["folder", "user", "mount"]
    best = probe.isolation
    probe.close()
    if strength.index(request.param) > strength.index(best):
        pytest.skip(f"this machine allows {best} isolation at most")
    made = Processes(request.param)
    yield made
    made.close()


def step_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "facts").mkdir(parents=True)
    (folder / "facts/__init__.py").touch()
    (folder / "facts/__main__.py").write_text(FACTS)
    return folder


def run(processes: Processes, tmp_path: Path, code: int, prepared: str) -> dict[str, Any]:
    """Run the step in what waits for the program `prepared`; what it said, and how it ended."""
    ml, log = tmp_path / "ml", tmp_path / f"log-{prepared}"
    (ml / "processing").mkdir(parents=True, exist_ok=True)
    process = processes.start(
        [sys.executable, "-m", "facts", str(code)],
        {**ENVIRONMENT, "SHOP_RUN": "r-1"},
        folder=tmp_path / "code",
        ml=ml,
        log=log,
        prepared=Prepared(prepared, (str(code),)),
    )
    assert process.ended.wait(20)
    return {"code": process.code, **json.loads(log.read_text())}


def test_a_job_cannot_tell_that_its_process_was_begun_before(processes: Processes, tmp_path: Path):
    folder = step_folder(tmp_path)
    processes.prepare("waits", Ahead("facts"), sys.executable, dict(ENVIRONMENT), folder)

    begun_ahead = run(processes, tmp_path, 3, "waits")
    started_now = run(processes, tmp_path, 3, "another")

    assert (begun_ahead.pop("ahead"), started_now.pop("ahead")) == (True, False)
    assert begun_ahead == started_now
    assert begun_ahead["code"] == 3
    assert (
        begun_ahead["facts"]["ml"] == ([] if processes.isolation == "folder" else ["processing"])
        or Path("/opt/ml").is_dir()
    )


def test_a_process_serves_one_job_and_one_that_ended_none(processes: Processes, tmp_path: Path):
    folder = step_folder(tmp_path)
    nowhere = {"PYTHONHOME": "/nowhere"}
    processes.prepare("broken", Ahead("facts"), sys.executable, nowhere, folder)
    processes.prepare("once", Ahead("facts"), sys.executable, dict(ENVIRONMENT), folder)
    time.sleep(0.5)  # the broken one ends at once, and only its launcher knows

    ways = [run(processes, tmp_path, 0, program)["ahead"] for program in ("once", "broken")]
    (tmp_path / "log-once").unlink()
    again = run(processes, tmp_path, 0, "once")["ahead"]

    assert (ways, again) == ([True, False], False)


class Recorder(Processes):
    """Takes requests down in place of starting anything."""

    isolation = "mount"

    def __init__(self) -> None:
        self.prepared: list[str] = []
        self.started: list[Prepared | None] = []

    def prepare(self, program: str, ahead: Ahead, *rest: Any) -> None:
        self.prepared.append(ahead.step)

    def start(self, *words: Any, prepared: Prepared | None = None, **named: Any) -> Any:
        self.started.append(prepared)


@pytest.mark.parametrize(
    ("environment", "entrypoint", "goes_on"),
    [
        ({"SHOP_RUN": "r-1", "AWS_REGION": "us-east-1"}, (), True),
        # What libraries read as they are imported would come too late.
        ({"POLARS_MAX_THREADS": "1"}, (), False),
        ({}, ("/bin/sh",), False),
    ],
)
def test_only_a_job_of_just_the_step_goes_on_in_a_waiting_process(
    tmp_path: Path,
    steps: Steps,
    environment: dict[str, str],
    entrypoint: tuple[str, ...],
    goes_on: bool,
):
    recorder = Recorder()
    engine = ProcessEngine(recorder, Images(steps))
    image = Images(steps).image("fit")

    engine.start(Launch("job", image, Host(tmp_path, 0, 1), environment, entrypoint), lambda: None)

    assert [bool(one) for one in recorder.started] == [goes_on]
    assert recorder.prepared == ["check"]


def test_what_is_preloaded_is_there_and_what_is_hidden_only_hidden_meanwhile(
    processes: Processes, tmp_path: Path
):
    folder = step_folder(tmp_path)
    (folder / "marks.py").write_text(
        "def leave():\n"
        "    try:\n"
        "        import wave\n"
        "    except ImportError:\n"
        "        import colorsys\n"
    )
    (folder / "facts/__main__.py").write_text(
        "import json, sys, wave\n"
        "found = ['marks' in sys.modules, 'colorsys' in sys.modules]\n"
        "print(json.dumps({'found': found}))"
    )
    ahead = Ahead("facts", ("marks:leave", "not.there"), ("wave",))
    processes.prepare("waits", ahead, sys.executable, dict(ENVIRONMENT), folder)

    assert run(processes, tmp_path, 0, "waits") == {"code": 0, "found": [True, True]}


def test_the_steps_follow_one_another_and_the_next_run_begins_with_the_first(steps: Steps):
    images = Images(steps)

    following: list[Image] = [images.after(step) for step in (None, *steps.steps)]

    assert [image.step for image in following] == ["prepare", "fit", "check", "prepare"]


def test_a_step_of_no_run_is_not_expected_and_a_run_follows_it(steps: Steps):
    images = Images(replace(steps, run=("prepare", "fit")))

    following: list[Image] = [images.after(step) for step in (None, *steps.steps)]

    assert [image.step for image in following] == ["prepare", "fit", "prepare", "prepare"]
