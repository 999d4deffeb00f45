"""A step that a notebook runs reads and writes what the state of the workflow does."""

import ast
import re
from typing import Any

import pytest

from tests.support.translation import ROOT
from tests.support.workflow_definition import states

# Inputs that only some runs have.
OPTIONAL = {
    "train": {"base"},
    "evaluate": {"champion", "champion-report", "reference", "reference-report"},
}


def constant(name: str) -> Any:
    """A constant of the notebook's module, which needs the SageMaker SDK to be imported."""
    module = ast.parse((ROOT / "notebooks/ad_hoc_jobs.py").read_text())
    [found] = [
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found)


def inputs_of(state: dict[str, Any]) -> dict[str, str]:
    """Where the state mounts its inputs, by name: those of a list, or of an expression."""
    found = state["Arguments"]["ProcessingInputs"]
    if isinstance(found, list):
        return {one["InputName"]: one["S3Input"]["LocalPath"] for one in found}
    pattern = r'"InputName": "([^"]+)", "S3Input": \{[^}]*"LocalPath": "([^"]+)"'
    return dict(re.findall(pattern, found))


@pytest.mark.parametrize("step", ["train", "evaluate"])
def test_it_has_the_inputs_and_the_output_of_the_state(step: str) -> None:
    state = states()[step.title()]
    reads, writes = constant("STEPS")[step]

    assert inputs_of(state) == {
        name: f"/opt/ml/processing/input/{name}" for name in {*reads, *OPTIONAL[step]}
    }
    [output] = state["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert output["OutputName"] == writes
    assert output["S3Output"]["LocalPath"] == f"/opt/ml/processing/output/{writes}"


def test_only_steps_that_need_no_network_can_be_run() -> None:
    isolated = {
        name.lower()
        for name, state in states().items()
        if state.get("Resource", "").endswith("createProcessingJob.sync")
        and state["Arguments"].get("NetworkConfig", {}).get("EnableNetworkIsolation")
    }

    assert set(constant("STEPS")) == isolated
