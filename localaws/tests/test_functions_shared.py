"""Modules that all instances of a package's functions import once, together."""

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.functions.service import Functions
from support.waiting import eventually

SHARED = """
import os
from pathlib import Path

with Path({notes!r}).open("a") as notes:
    notes.write({name!r} + " " + repr(dict(os.environ)) + "\\n")
"""
HANDLER = """
import os

import common

def handler(event, context):
    return [os.environ["WHO"], os.getppid(), common.__file__]
"""
# Looks into the memory of the process that it was forked from, as far as its frames reach.
CURIOUS = """
import sys

def handler(event, context):
    frame, found = sys._getframe(), []
    while frame:
        found += [repr(value) for value in frame.f_locals.values()]
        frame = frame.f_back
    return [number for number in range(3) if any(f"secret-of-{number}" in one for one in found)]
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    shared = ("common", "broken", "missing", "common:prepare")
    made = Functions(tmp_path / "home", secret_of, shared=shared)
    made.start()
    yield made
    made.stop()


def secret_of(role: str, *_: str) -> dict[str, str]:
    return {"AWS_SECRET_ACCESS_KEY": f"secret-of-{role}"}


def package(notes: Path, name: str = "common", **files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        written = SHARED.format(notes=str(notes), name=name)
        for file, text in {"common": written, "handlers": HANDLER, **files}.items():
            archive.writestr(f"{file}.py", text)
    return packed.getvalue()


def configuration(who: str, content: bytes) -> dict[str, Any]:
    return {
        "FunctionName": who,
        "FunctionArn": f"arn:{who}",
        "Version": "$LATEST",
        "CodeSha256": hashlib.sha256(content).hexdigest(),
        "Runtime": "python3.13",
        "Handler": "handlers.handler",
        "Role": who,
        "MemorySize": 128,
        "Timeout": 30,
        "Environment": {"Variables": {"WHO": who}},
    }


def called(functions: Functions, who: str, content: bytes) -> Any:
    outcome = functions.invoke(configuration(who, content), content, {}, "r-1", None)
    assert outcome.error is None, outcome.error
    return outcome.result


def test_functions_of_one_package_import_them_once_without_any_environment(
    functions: Functions, notes: Path
) -> None:
    content = package(notes, broken="raise LookupError('no')")

    (one, parent, _), (other, other_parent, _) = (
        called(functions, who, content) for who in ("one", "two")
    )

    assert (one, other) == ("one", "two")
    assert parent == other_parent
    assert notes.read_text() == "common {}\n"


def test_each_package_has_its_own(functions: Functions, notes: Path) -> None:
    first, second = package(notes, "first"), package(notes, "second")

    found = [called(functions, "f", content)[2] for content in (first, second, first)]

    assert notes.read_text() == "first {}\nsecond {}\n"
    assert found[0] == found[2] != found[1]


def test_packages_of_long_ago_are_forgotten_and_come_back(
    functions: Functions, notes: Path
) -> None:
    contents = [package(notes, f"p{number}") for number in range(6)]
    for number, content in enumerate([*contents, contents[0]]):
        called(functions, f"f{number}", content)

    names = [line.split()[0] for line in notes.read_text().splitlines()]
    assert names == ["p0", "p1", "p2", "p3", "p4", "p5", "p0"]


def test_a_module_that_ends_the_process_costs_one_call(functions: Functions, notes: Path) -> None:
    content = package(notes, broken="import os; os._exit(3)")

    with pytest.raises(AssertionError, match=r"Runtime\.ExitError"):
        called(functions, "f", content)

    assert [called(functions, who, content)[0] for who in ("f", "g", "h")] == ["f", "g", "h"]


def test_a_module_that_leaves_costs_nothing(functions: Functions, notes: Path) -> None:
    assert called(functions, "f", package(notes, broken="raise SystemExit(3)"))[0] == "f"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the limit through Linux' timer")
def test_a_module_that_hangs_is_ended_and_its_functions_work_without_it(
    functions: Functions, notes: Path
) -> None:
    hanging = """
import signal, time
assert signal.getitimer(signal.ITIMER_REAL)[0] > 10
signal.setitimer(signal.ITIMER_REAL, 0.2)  # not to wait for it here
time.sleep(100)
"""
    content = package(notes, broken=hanging)

    with pytest.raises(AssertionError, match=r"Runtime\.ExitError"):
        called(functions, "f", content)

    assert called(functions, "f", content)[0] == "f"


def test_an_instance_has_the_credentials_of_its_own_role_alone(
    functions: Functions, notes: Path
) -> None:
    content = package(notes, handlers=CURIOUS)

    found = [called(functions, str(number), content) for number in range(3)]

    assert found == [[0], [1], [2]]


def test_what_was_begun_of_outdated_code_makes_room(functions: Functions, notes: Path) -> None:
    for number in range(4):
        content = package(notes, f"p{number}")
        config = configuration("f", content)
        assert functions.prepare(config, content)
        assert not functions.prepare(config, content)

    waiting = [one for _, one in functions._idle["f:$LATEST"]]
    assert len(waiting) == 1
    called(functions, "f", content)
    assert [one for _, one in functions._idle["f:$LATEST"]] == waiting


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_forgotten_package_ends_although_an_instance_of_another_kind_waits(
    functions: Functions, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = package(notes, "p0")
    template = called(functions, "f0", first)[1]
    monkeypatch.setattr(functions, "_shared", [])
    alone = package(notes, "alone")
    called(functions, "alone", alone)  # it stays, and is forked beside the packages
    monkeypatch.setattr(functions, "_shared", ["common"])
    for number in range(1, 5):
        called(functions, f"f{number}", package(notes, f"p{number}"))

    eventually(lambda: not Path(f"/proc/{template}").exists())
