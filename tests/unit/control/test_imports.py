"""What a cold start of each function has to load, and what it must not."""

import json
import subprocess
import sys

import pytest

# Heavy, and each needed by one or two functions at most: pydantic for definitions, Jinja for
# the review page. The X-Ray SDK, which patches every client, by none: the platform traces calls.
WATCHED = {"aws_xray_sdk", "jinja2", "numpy", "pandas", "polars", "pydantic", "sagemaker", "yaml"}


NEEDED: dict[str, set[str]] = {
    "open_run": {"pydantic", "yaml"},
    "judge_candidate": {"pydantic", "jinja2"},
    "close_run": set(),
    "open_batch": {"pydantic", "yaml"},
    "close_batch": set(),
    "open_monitoring": {"pydantic", "yaml"},
    "close_monitoring": {"jinja2"},
    "report_failure": set(),
    "plan": set(),
    "open_release": {"jinja2"},
    "admit_release": set(),
    "record_release": set(),
    "close_release": set(),
    "follow_review": set(),
    "follow_registry": set(),
}
# Each handler is imported in a fork of one process, which has only what all of them need.
PROGRAM = """
import importlib, json, os, sys
import aws_lambda_powertools, boto3
for name in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(name)
        print(json.dumps([name, sorted(sys.modules)]), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(name)
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules that are loaded after the cold start of each function."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *NEEDED], check=True, stdout=subprocess.PIPE, text=True
    )
    return {name: set(modules) for name, modules in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize(("handler", "needed"), NEEDED.items())
def test_a_function_loads_only_what_it_needs(
    loaded: dict[str, set[str]], handler: str, needed: set[str]
) -> None:
    assert handler in loaded[handler]
    assert WATCHED & loaded[handler] == needed
