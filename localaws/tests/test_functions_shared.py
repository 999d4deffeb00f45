"""Modules that all instances of a package's functions import once, together."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.functions.service import Functions

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


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    shared = ("common", "broken", "missing", "common:prepare")
    made = Functions(tmp_path / "home", lambda *_: {}, shared=shared)
    made.start()
    yield made
    made.stop()


def package(notes: Path, name: str = "common", **files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        written = SHARED.format(notes=str(notes), name=name)
        for file, text in {"common": written, "handlers": HANDLER, **files}.items():
            archive.writestr(f"{file}.py", text)
    return packed.getvalue()


def called(functions: Functions, who: str, content: bytes) -> Any:
    config = {
        "FunctionName": who,
        "FunctionArn": f"arn:{who}",
        "Version": "$LATEST",
        "CodeSha256": hashlib.sha256(content).hexdigest(),
        "Runtime": "python3.13",
        "Handler": "handlers.handler",
        "Role": "arn:role",
        "MemorySize": 128,
        "Timeout": 30,
        "Environment": {"Variables": {"WHO": who}},
    }
    outcome = functions.invoke(config, content, {}, "r-1", None)
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

    assert called(functions, "f", content)[0] == "f"
