"""A run whose steps name several machines says which one each job had."""

from typing import Any

import pytest

from tests.support.playing import play
from tests.support.workflow_definition import ON_HOSTS, PREFERRING, SEVERAL_HOSTS

CHOSEN = {"SelectedInstanceType": "ml.m6i.large", "SelectedInstanceCount": 1}
JOB: dict[str, Any] = {
    "ProcessingJobStatus": "Completed",
    "ProcessingResources": {"ClusterConfig": CHOSEN},
}


def test_the_machine_that_had_capacity_is_the_one_that_the_step_ran_on() -> None:
    played = play({"Open Run": [PREFERRING], "Preprocess": [JOB], "Evaluate": [JOB]})

    [judge] = played.services.asked("Judge Candidate")
    ran = {step: place["instance_type"] for step, place in judge["ran"].items()}
    # Train's job does not say, so it is the first.
    assert ran == {
        "preprocess": "ml.m6i.large",
        "train": "ml.m5.xlarge",
        "evaluate": "ml.m6i.large",
    }


@pytest.mark.parametrize(("config", "machine"), [(CHOSEN, "ml.m6i.large"), ({}, "ml.m5.xlarge")])
def test_so_it_is_with_several_hosts(config: dict[str, Any], machine: str) -> None:
    job = {"TrainingJobStatus": "Completed", "ResourceConfig": config}

    played = play({"Open Run": [ON_HOSTS], SEVERAL_HOSTS: [job]})

    [judge] = played.services.asked("Judge Candidate")
    assert judge["ran"]["train"]["instance_type"] == machine
