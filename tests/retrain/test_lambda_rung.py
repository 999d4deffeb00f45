"""The steps as functions of a stage: what they leave, and what happens where they do not fit."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sample_data import segments
from tests.support.laptop import ROOT, TINY, Laptop, rows

STEPS = ("preprocess", "train", "evaluate")


def start(laptop: Laptop, model: str, more: str = "") -> dict[str, Any]:
    """Run a model made for this test to its end."""
    laptop.add_model(model, TINY.format(name=model, floor=5.0) + more)
    laptop.put_object(model, rows(300))
    return laptop.must("run", model)


def ran(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = run["verdict"]["ran"]
    return found


def name_of(step: str) -> str:
    return f"kanmon-local-step-{step}"


@contextmanager
def changed(laptop: Laptop, step: str, **configuration: Any) -> Iterator[None]:
    """A step's function with another configuration, as it was afterwards."""
    client = laptop.client("lambda")
    before = client.get_function_configuration(FunctionName=name_of(step))
    client.update_function_configuration(FunctionName=name_of(step), **configuration)
    try:
        yield
    finally:
        kept = {name: before[name] for name in ("MemorySize", "Timeout", "Environment")}
        client.update_function_configuration(FunctionName=name_of(step), **kept)


def test_small_data_needs_no_machine(shared: Laptop) -> None:
    run = start(shared, "small")

    assert {step: ran(run)[step]["rung"] for step in STEPS} == dict.fromkeys(STEPS, "lambda")
    jobs = shared.client("sagemaker").list_processing_jobs(NameContains=run["run"])
    assert jobs["ProcessingJobSummaries"] == []
    logged = shared.must("logs", run["run"])
    assert {line["job"] for line in logged} == {f"{run['run']}-{step}-0" for step in STEPS}
    attempts = shared.objects(f"attempts/small/{run['run']}/")
    own = shared.objects(f"runs/small/{run['run']}/")
    assert {name.split("/", 1)[1] for name in attempts} <= set(own)


def test_a_definition_may_ask_for_jobs(shared: Laptop) -> None:
    run = start(shared, "machines", "compute: {preprocess: processing, evaluate: processing}\n")

    rungs = {step: ran(run)[step]["rung"] for step in STEPS}
    assert rungs == {"preprocess": "processing", "train": "lambda", "evaluate": "processing"}


@pytest.mark.parametrize(
    ("model", "configuration", "why"),
    [
        # The interpreter alone has more, so it is ended while it works.
        ("no-memory", {"MemorySize": 128}, "MB of memory, and the function leaves it"),
        ("no-time", {"Timeout": 10}, "train was not done within the function's time"),
    ],
)
def test_a_step_that_outgrows_its_function_goes_on_as_a_job_and_the_next_run_starts_there(
    shared: Laptop, model: str, configuration: dict[str, Any], why: str
) -> None:
    with changed(shared, "train", **configuration):
        run = start(shared, model)

    assert run["verdict"]["verdict"] == "promote"
    assert {step: ran(run)[step]["rung"] for step in STEPS} == {
        "preprocess": "lambda",
        "train": "processing",
        "evaluate": "lambda",
    }
    assert why in ran(run)["train"]["left_lambda"]
    assert why in shared.kanmon("show", run["run"]).out
    # Nothing of the attempt that was ended is a part of the run.
    own = shared.objects(f"attempts/{model}/{run['run']}/")
    assert not [name for name in own if name.startswith("train")]
    for _ in range(2):
        again = shared.must("run", model, "--force")
        assert ran(again)["train"]["rung"] == "processing"
        assert "left_lambda" not in ran(again)["train"]


def test_a_step_that_crashes_goes_on_as_a_job_and_the_next_run_is_a_function_again(
    shared: Laptop,
) -> None:
    client = shared.client("lambda")
    variables = client.get_function_configuration(FunctionName=name_of("train"))["Environment"]
    # With this, Python ends before it begins.
    broken = {"Variables": {**variables["Variables"], "PYTHONHASHSEED": "none"}}
    with changed(shared, "train", Environment=broken):
        run = start(shared, "crashed")

    assert ran(run)["train"]["rung"] == "processing"
    assert "StepCrashedError: train ended with 1" in ran(run)["train"]["left_lambda"]
    again = shared.must("run", "crashed", "--force")
    assert ran(again)["train"]["rung"] == "lambda"


def test_a_function_whose_image_was_replaced_leaves_the_run_to_the_image_it_keeps_to(
    shared: Laptop,
) -> None:
    client = shared.client("lambda")
    variables = client.get_function_configuration(FunctionName=name_of("evaluate"))["Environment"][
        "Variables"
    ]
    newer = variables["KANMON_IMAGE"].partition("@")[0] + "@sha256:" + "0" * 64
    with changed(
        shared, "evaluate", Environment={"Variables": {**variables, "KANMON_IMAGE": newer}}
    ):
        run = start(shared, "replaced")

    assert ran(run)["evaluate"]["rung"] == "processing"
    assert "ImageReplacedError" in ran(run)["evaluate"]["left_lambda"]
    plan = json.loads(shared.objects(f"runs/replaced/{run['run']}/")["run.json"])
    job = shared.client("sagemaker").list_processing_jobs(NameContains=run["run"])
    [name] = [each["ProcessingJobName"] for each in job["ProcessingJobSummaries"]]
    described = shared.client("sagemaker").describe_processing_job(ProcessingJobName=name)
    assert described["AppSpecification"]["ImageUri"] == plan["images"]["evaluate"]


def test_a_step_whose_data_is_wrong_fails_the_run_at_once_and_starts_no_job(
    shared: Laptop,
) -> None:
    shared.add_model("wrong", TINY.format(name="wrong", floor=5.0))
    shared.put_object("wrong", "a,b,y\n1,u,1\nx,v,2\n")

    said = shared.kanmon("run", "wrong")

    assert said.code == 1
    assert "preprocess: data.csv row 2 (line 3), column a: 'x' is not a number" in said.err
    jobs = shared.client("sagemaker").list_processing_jobs(NameContains="wrong-")
    assert jobs["ProcessingJobSummaries"] == []


def test_a_call_that_nobody_waits_for_any_more_changes_nothing_of_its_run(shared: Laptop) -> None:
    run = start(shared, "orphan")
    prefix = f"runs/orphan/{run['run']}/"
    before = versions(shared, prefix)
    bucket = shared.outputs["DataBucketName"]
    plan = json.loads(shared.objects(prefix)["run.json"])
    late = {
        "image": plan["images"]["preprocess"],
        "environment": {"KANMON_RUN": run["run"], "KANMON_MODEL": "orphan"},
        "inputs": {
            "run": f"s3://{bucket}/{prefix}run.json",
            "snapshot": plan["snapshot"]["uri"],
            "definition": plan["definition"]["uri"],
        },
        "attempts": f"s3://{bucket}/attempts/orphan/{run['run']}",
        "attempt": "preprocess-0",
        "outputs": {"train": "train", "report": "report"},
    }

    ended = invoke(shared, "preprocess", late)
    astray = invoke(shared, "preprocess", late | {"attempts": f"s3://{bucket}/{prefix}"[:-1]})

    assert ended["files"] > 0
    assert versions(shared, prefix) == before
    # Its role could not even write there.
    assert "AccessDenied" in astray["errorMessage"]


def invoke(laptop: Laptop, step: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = laptop.client("lambda").invoke(
        FunctionName=name_of(step), Payload=json.dumps(event).encode()
    )
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def versions(laptop: Laptop, prefix: str) -> set[tuple[str, str]]:
    found = laptop.client("s3").list_object_versions(
        Bucket=laptop.outputs["DataBucketName"], Prefix=prefix
    )
    return {(each["Key"], each["VersionId"]) for each in found["Versions"]}


def test_the_shipped_model_that_asks_for_jobs_runs_on_them(shared: Laptop, tmp_path: Path) -> None:
    shared.add_model("segments", (ROOT / "models/segments/model.yaml").read_text())
    shared.must("put-data", "segments", str(segments.write(tmp_path)))

    run = shared.must("run", "segments")

    assert {ran(run)[step]["rung"] for step in STEPS} == {"processing"}
    assert run["verdict"]["verdict"] == "promote"
