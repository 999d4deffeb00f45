"""Modules that are loaded at their first use."""

import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localaws import imports

SLOW = """
import sys
first = 1
sys.modules["gates"].begun.set()
sys.modules["gates"].go_on.wait(10)
last = 2
"""


def test_whoever_uses_a_module_while_it_loads_waits_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_library.py").write_text(SLOW)
    gates = SimpleNamespace(begun=threading.Event(), go_on=threading.Event())
    monkeypatch.setitem(sys.modules, "gates", gates)  # type: ignore[arg-type]
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(imports, "_LIBRARIES", frozenset({"slow_library"}))
    imports.delay_unused(frozenset())

    module = importlib.import_module("slow_library")
    loaded_at_import = gates.begun.is_set()
    seen: list[int] = []
    users = [threading.Thread(target=lambda: seen.append(module.last)) for _ in range(3)]
    for user in users:
        user.start()
    gates.begun.wait(10)
    gates.go_on.set()
    for user in users:
        user.join()

    assert not loaded_at_import
    assert seen == [2, 2, 2]


TRANSLATED = """
import json, sys
from types import SimpleNamespace
from localaws import imports
if sys.argv[1] == "delayed":
    imports.delay_unused(frozenset())
from samtranslator.translator.transform import transform
made = transform(json.loads(sys.argv[2]), {}, SimpleNamespace(load=dict))
whole = [name for name in imports._SCHEMAS if type(sys.modules[name]) is not imports._Unloaded]
print(json.dumps([made, sorted(name.rpartition("aws_serverless_")[2] for name in whole)]))
"""


@pytest.mark.parametrize(
    ("properties", "loaded"),
    [({}, []), ({"CapacityProviderConfig": {"Arn": "arn:provider"}}, ["function"])],
)
def test_sam_translates_alike_with_the_schemas_that_it_needs(
    properties: dict[str, Any], loaded: list[str]
) -> None:
    function = {"Runtime": "python3.13", "Handler": "a.b", "CodeUri": "s3://code/a.zip"}
    resource = {"Type": "AWS::Serverless::Function", "Properties": {**function, **properties}}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Score": resource}}

    made = {}
    for how in ("delayed", "at once"):
        words = [sys.executable, "-c", TRANSLATED, how, json.dumps(template)]
        environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        made[how] = json.loads(done.stdout)

    assert made["delayed"][0] == made["at once"][0]
    assert made["delayed"][1] == loaded


ANSWERING = """
import asyncio, sys
from pathlib import Path
from localaws import server
from localaws.home import Home
home = Home(Path(sys.argv[1]))
home.make()
server.configure(home, 1)
from localaws.assembly import Assembly
async def answer():
    Assembly(home, "http://127.0.0.1:1").application(asyncio.get_running_loop())
asyncio.run(answer())
print(*[name for name in ("boto3", "botocore", "moto", "samtranslator") if name in sys.modules])
"""


def test_a_stage_answers_before_the_large_libraries_are_imported(tmp_path: Path) -> None:
    words = [sys.executable, "-c", ANSWERING, str(tmp_path)]

    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
