"""What a cold start of each function has to load, and what it must not."""

import json
import subprocess
import sys

import pytest

# Heavy, and each needed by one or two functions at most: pydantic for definitions, Jinja for
# the review page. The X-Ray SDK, which patches every client, by none: the platform traces calls.
WATCHED = {"aws_xray_sdk", "jinja2", "numpy", "pandas", "polars", "pydantic", "sagemaker", "yaml"}


@pytest.mark.parametrize(
    ("handler", "needed"),
    [
        ("open_run", {"pydantic", "yaml"}),
        ("judge_candidate", {"pydantic", "jinja2"}),
        ("close_run", set()),
        ("open_batch", {"pydantic", "yaml"}),
        ("close_batch", set()),
        ("report_failure", set()),
        ("plan", set()),
        ("open_release", {"jinja2"}),
        ("admit_release", set()),
        ("record_release", set()),
        ("close_release", set()),
        ("follow_review", set()),
        ("follow_registry", set()),
    ],
)
def test_a_function_loads_only_what_it_needs(handler: str, needed: set[str]) -> None:
    program = f"import json, sys, {handler}; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert WATCHED & set(json.loads(loaded.stdout)) == needed
