"""Functions that are images: code of the working tree, or a container called by the Runtime API."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localaws import steps
from localaws.functions import service
from localaws.functions.containers import ContainerInstance
from localaws.functions.pool import FunctionError
from localaws.functions.service import Functions
from localaws.jobs.images import Images, digest
from support.waiting import eventually

HANDLER = """
import os
def handle(event, context):
    if event == "fail":
        raise LookupError("not there")
    print("working on", event)
    return {"event": event, "step": os.environ["STEP"], "folder": os.getcwd(),
            "scratch": os.environ["TMPDIR"], "memory": context.memory_limit_in_mb,
            "process": os.getpid()}
if "BEGUN" in os.environ:
    with open(os.environ["BEGUN"], "w") as file:
        file.write(str(os.getpid()))
"""
# What a runtime client does, in the place of Docker's: it is started with `docker run`'s words.
CLIENT = """#!{python}
import json, os, sys, time, urllib.request
if sys.argv[1] == "rm":
    sys.exit(0)
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"
print("started with", os.environ["GIVEN"], "--env GIVEN" in " ".join(sys.argv), flush=True)
if os.environ["GIVEN"] == "broken":
    body = json.dumps({{"errorType": "Runtime.ImportModuleError"}}).encode()
    urllib.request.urlopen(urllib.request.Request(api + "/init/error", body, method="POST"))
    sys.exit(1)
while True:
    with urllib.request.urlopen(api + "/invocation/next") as answer:
        event, head = json.load(answer), answer.headers
    print("called for", event, flush=True)
    if event == "die":
        os._exit(9)
    if event == "sleep":
        time.sleep(60)
    kind, body = "response", {{"event": event, "arn": head["Lambda-Runtime-Invoked-Function-Arn"],
        "left": int(head["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()}}
    if event == "fail":
        kind, body = "error", {{"errorType": "LookupError", "errorMessage": "not there"}}
    url = f"{{api}}/invocation/{{head['Lambda-Runtime-Aws-Request-Id']}}/{{kind}}"
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), method="POST"))
"""
CALL: dict[str, Any] = {"request": "r-1", "arn": "arn:f", "timeout": 30, "trace": None}


@pytest.fixture
def code(tmp_path: Path) -> steps.Steps:
    folder = tmp_path / "code"
    (folder / "fit").mkdir(parents=True)
    (folder / "fit/__main__.py").write_text("")
    (folder / "tiny_handler.py").write_text(HANDLER)
    (folder / "localaws.toml").write_text('steps = ["fit"]\nbuilt_with = ["tiny_handler.py"]\n')
    return steps.read(folder)


@pytest.fixture
def functions(
    tmp_path: Path, code: steps.Steps, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Functions]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    made = Functions(tmp_path / "home", lambda *_: {}, images=Images(code))
    made.start()
    yield made
    made.stop()


def configuration(code: steps.Steps, **changes: Any) -> dict[str, Any]:
    image = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-steps@sha256:{digest('fit', code)}"
    return {
        "FunctionName": "shop-step-fit",
        "FunctionArn": "arn:f",
        "Version": "$LATEST",
        "Runtime": "",
        "Handler": "",
        "Role": "arn:role",
        "MemorySize": 3008,
        "Timeout": 30,
        "PackageType": "Image",
        "ImageUri": image,
        "ImageConfigResponse": {"ImageConfig": {"Command": ["tiny_handler.handle"]}},
        "Environment": {"Variables": {"STEP": "fit"}},
        **changes,
    }


def test_its_code_is_that_of_the_working_tree(functions: Functions, code: steps.Steps) -> None:
    config = configuration(code)

    outcome = functions.invoke(config, None, {"a": 1}, "r-1", None)

    assert outcome.error is None
    scratch, _ = outcome.result.pop("scratch"), outcome.result.pop("process")
    assert Path(scratch).is_dir()
    assert outcome.result == {
        "event": {"a": 1},
        "step": "fit",
        "folder": str(code.folder),
        "memory": "3008",
    }
    assert "working on {'a': 1}" in outcome.output
    assert functions.step_of(config) == "fit"


def test_its_errors_are_known_by_their_names(functions: Functions, code: steps.Steps) -> None:
    outcome = functions.invoke(configuration(code), None, "fail", "r-1", None)

    assert outcome.error is not None
    assert (outcome.error["errorType"], outcome.error["errorMessage"]) == (
        "LookupError",
        "not there",
    )


def test_an_image_of_other_code_cannot_be_called(functions: Functions, code: steps.Steps) -> None:
    config = configuration(code)
    (code.folder / "fit/__main__.py").write_text("# newer\n")

    outcome = functions.invoke(config, None, {}, "r-1", None)

    assert outcome.error is not None
    assert outcome.error["errorType"] == "CodeArtifactUserFailedException"
    assert "has changed since" in outcome.error["errorMessage"]
    assert functions.step_of(config) is None


def processes(functions: Functions, config: dict[str, Any], *, once: bool) -> set[int]:
    """The processes that answer two calls."""
    calls = [functions.invoke(config, None, {}, f"r-{n}", None, once=once) for n in range(2)]
    return {call.result["process"] for call in calls}


def test_an_instance_serves_call_after_call_unless_it_is_for_one(
    functions: Functions, code: steps.Steps
) -> None:
    config = configuration(code)

    assert len(processes(functions, config, once=False)) == 1
    assert len(processes(functions, config, once=True)) == 2


def test_a_prepared_instance_serves_the_call_that_comes(
    functions: Functions, code: steps.Steps, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    config = configuration(code, Environment={"Variables": {"STEP": "fit", "BEGUN": str(begun)}})
    functions.prepare(config, None)
    process = int(eventually(lambda: begun.exists() and begun.read_text()))

    outcome = functions.invoke(config, None, {}, "r-1", None, once=True)

    assert outcome.result["process"] == process


def test_a_prepared_instance_that_gets_no_call_ends(
    functions: Functions, code: steps.Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers: list[tuple[float, Callable[[], None]]] = []

    def timer(seconds: float, go_off: Callable[..., None], words: list[Any]) -> Any:
        timers.append((seconds, partial(go_off, *words)))
        return SimpleNamespace(start=lambda: None)

    monkeypatch.setattr(threading, "Timer", timer)
    begun = tmp_path / "begun"
    config = configuration(code, Environment={"Variables": {"STEP": "fit", "BEGUN": str(begun)}})
    functions.prepare(config, None)
    process = int(eventually(lambda: begun.exists() and begun.read_text()))

    [(seconds, go_off)] = timers
    go_off()
    eventually(lambda: not Path(f"/proc/{process}").exists())

    assert seconds == service.WAITING_SECONDS
    assert functions.invoke(config, None, {}, "r-1", None).error is None
    go_off()  # of one that has had its call, nothing is left to end


# ---- In a container


def container(tmp_path: Path, given: str = "value") -> ContainerInstance:
    client = tmp_path / "docker"
    client.write_text(CLIENT.format(python=sys.executable))
    client.chmod(0o755)
    return ContainerInstance(str(client), ["--read-only"], {"GIVEN": given}, ["image", "command"])


def test_a_container_is_called_as_lambdas_runtime_api_calls_it(tmp_path: Path) -> None:
    instance = container(tmp_path)

    assert instance.wait_ready() is None
    outcome = instance.invoke({**CALL, "event": {"a": 1}})
    again = instance.invoke({**CALL, "event": "fail"})
    left = instance.end()

    assert outcome.error is None
    assert (outcome.result["event"], outcome.result["arn"]) == ({"a": 1}, "arn:f")
    assert 20 < outcome.result["left"] <= 30
    assert again.error == {"errorType": "LookupError", "errorMessage": "not there"}
    # What it printed; its variables are named to Docker, their values are not.
    assert "started with value True" in outcome.output + again.output + left


def test_a_container_that_dies_is_told_from_one_that_fails(tmp_path: Path) -> None:
    instance = container(tmp_path)
    instance.wait_ready()

    with pytest.raises(FunctionError) as died:
        instance.invoke({**CALL, "event": "die"})
    instance.end()

    assert died.value.kind == "Runtime.ExitError"


def test_a_container_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    instance = container(tmp_path)
    instance.wait_ready()

    began = time.monotonic()
    with pytest.raises(FunctionError) as late:
        instance.invoke({**CALL, "event": "sleep", "timeout": 0.5})

    assert late.value.kind == "Sandbox.Timedout"
    assert time.monotonic() - began < 20


def test_a_container_whose_handler_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    instance = container(tmp_path, "broken")

    outcome = instance.wait_ready()
    instance.end()

    assert outcome is not None
    assert outcome.error == {"errorType": "Runtime.ImportModuleError"}


def test_the_call_is_json(tmp_path: Path) -> None:
    event = {"text": "é\n", "numbers": [1, 2.5, None]}
    instance = container(tmp_path)
    instance.wait_ready()

    outcome = instance.invoke({**CALL, "event": event})
    instance.end()

    assert outcome.result["event"] == json.loads(json.dumps(event))
    assert os.environ.get("AWS_LAMBDA_RUNTIME_API") is None
