"""The modules that the local stage imports once for all functions of a package."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READS = """
import os, sys
import boto3, jinja2, pydantic, yaml, aws_lambda_powertools  # as the local stage has by then
names, found = sys.argv[1:], []
kind = type(os.environ)
given = kind.__getitem__

def look(self, name):
    # The nearest module of ours that calls this, through whatever library; not one that imports it.
    caller = sys._getframe(1)
    while caller and not caller.f_globals["__name__"].startswith(("core.", "importlib._boot")):
        caller = caller.f_back
    # pydantic's own switch, which it reads for every model and no function sets.
    ours = caller and caller.f_globals["__name__"].startswith("core.")
    if ours and name != "PYDANTIC_DISABLE_PLUGINS":
        found.append(f"{caller.f_globals['__name__']} reads {name}")
    return given(self, name)

kind.__getitem__ = look
for name in names:
    module, _, function = name.partition(":")
    __import__(module)
    if function:
        getattr(sys.modules[module], function)()
print("\\n".join(found))
"""


def test_they_exist_and_read_nothing_of_the_environment() -> None:
    settings = tomllib.loads((ROOT / "containers/localaws.toml").read_text())
    words = [sys.executable, "-c", READS, *settings["functions"]]

    done = subprocess.run(
        words, cwd=ROOT / "functions/control", capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("", "")
