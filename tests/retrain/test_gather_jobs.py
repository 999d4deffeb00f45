"""A model whose data a job with a network makes, on a stage: what it may do, and its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.laptop import TINY, Laptop, deployed, rows

pytestmark = pytest.mark.faults

# One model more than has a folder: a role is there before its model.
MODELS = "crm,sea-shells,broken,empty,refused,killed,again,foreign,lost"
GATHERS = TINY + "gather: {{secret: '{secret}'}}\n"
WITHOUT_SECRET = TINY + "gather: {{}}\n"
PASSWORD = "hunter22-of-the-crm"
WRITES = """
import csv, json

def gather(folder, secret):
    print("signing in with", secret)
    (folder / "orders.csv").write_text({content!r})
"""


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    parameters = f"Stage=local LogRetentionDays=1 GatherModels={MODELS}"
    with deployed(tmp_path_factory.mktemp("gathering"), parameters=parameters) as laptop:
        yield laptop


def secret_of(laptop: Laptop, model: str, name: str = "") -> str:
    """The ARN of a secret with the model's tag."""
    made = laptop.client("secretsmanager").create_secret(
        Name=name or f"{model}-login",
        SecretString=json.dumps({"user": "reader", "password": PASSWORD}),
        Tags=[{"Key": "kanmon:model", "Value": model}],
    )
    return str(made["ARN"])


def add(laptop: Laptop, name: str, program: str, secret: str = "") -> None:
    text = GATHERS if secret else WITHOUT_SECRET
    laptop.add_model(name, text.format(name=name, floor=5.0, secret=secret))
    (laptop.root / "models" / name / "gather.py").write_text(program)


def failure(laptop: Laptop, model: str) -> str:
    """The line with which a run of the model fails."""
    assert laptop.kanmon("run", model).code == 1
    return str(laptop.must("show", model)["message"])


def test_a_program_makes_the_data_and_an_unchanged_result_trains_nothing(laptop: Laptop) -> None:
    add(laptop, "crm", WRITES.format(content=rows(300)), secret_of(laptop, "crm"))

    first = laptop.must("run", "crm")
    assert first["outcome"] == "new"
    machine = laptop.outputs["RetrainStateMachineArn"].replace(":stateMachine:", ":execution:")
    path = laptop.states_of(f"{machine}:{first['run']}")
    assert path[:4] == ["Open Run", "Anything New?", "Gather In A Job", "Take Snapshot"]
    assert len(path) + 1 <= 18
    assert list(laptop.objects("datasets/crm/")) == ["orders.csv"]

    again = laptop.must("run", "crm")
    assert (again["outcome"], again["equals"]) == ("nothing new", first["run"])
    versions = laptop.client("s3").list_object_versions(
        Bucket=laptop.outputs["DataBucketName"], Prefix="datasets/crm/"
    )
    assert len(versions["Versions"]) == 1
