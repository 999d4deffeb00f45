"""What the workflow asks of other services, checked against the services' own API models."""

from typing import Any

import pytest
from botocore import xform_name

from tests.support.aws_requests import operation, problems
from tests.support.workflow_definition import (
    CHAMPION,
    PREFERRING,
    SERVICE,
    evaluate,
    sample_variables,
    states,
)

# What Step Functions passes on for its optimized SageMaker integration; anything else is refused
# when the machine is created ("The field ... is not supported by Step Functions").
OPTIMIZED_FIELDS = {
    ("sagemaker", "createProcessingJob"): {
        "AppSpecification",
        "Environment",
        "ExperimentConfig",
        "NetworkConfig",
        "ProcessingInputs",
        "ProcessingJobName",
        "ProcessingOutputConfig",
        "ProcessingResources",
        "RoleArn",
        "StoppingCondition",
        "Tags",
    },
    ("sagemaker", "createTrainingJob"): {
        "AlgorithmSpecification",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
        "EnableNetworkIsolation",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
        "OutputDataConfig",
        "ResourceConfig",
        "RoleArn",
        "StoppingCondition",
        "Tags",
        "TrainingJobName",
        "VpcConfig",
    },
    ("athena", "startQueryExecution"): {
        "ClientRequestToken",
        "ExecutionParameters",
        "QueryExecutionContext",
        "QueryString",
        "ResultConfiguration",
        "WorkGroup",
    },
}
INTEGRATIONS = {
    name: (match, state)
    for name, state in states("Task").items()
    if (match := SERVICE.match(state["Resource"]))
}
REFERENCE = {
    **CHAMPION,
    "release": 1,
    "model_uri": "s3://kanmon-test-data/runs/abalone/r-1/train/m",
    "report_uri": "s3://kanmon-test-data/runs/abalone/r-1/preprocess/report/",
}
GONE = {"release": 1, "why": "approved", "obstacle": "its package is gone"}
VARIANTS = {
    "first run": {},
    "with machines in an order of preference": {"run": {"resources": PREFERRING["resources"]}},
    "with a champion": {"run": {"champion": CHAMPION, "reference": None}},
    "with a reference": {"run": {"champion": CHAMPION, "reference": REFERENCE}},
    "with a reference that is gone": {"run": {"champion": CHAMPION, "reference": GONE}},
    "with a base": {"run": {"base_uri": "s3://kanmon-test-data/bases/abalone/encoder.onnx"}},
}


def request_of(name: str, variant: str = "first run") -> dict[str, Any]:
    arguments = states()[name]["Arguments"]
    request: dict[str, Any] = evaluate(arguments, sample_variables(**VARIANTS[variant]))
    return request


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", INTEGRATIONS)
def test_every_request_is_one_the_service_accepts(name: str, variant: str) -> None:
    match, _ = INTEGRATIONS[name]

    assert problems(match["service"], match["action"], request_of(name, variant)) == []


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_arguments_are_spelled_as_the_service_spells_them(name: str) -> None:
    match, state = INTEGRATIONS[name]
    shape = operation(match["service"], match["action"]).input_shape

    assert shape is not None
    assert set(state["Arguments"]) <= set(shape.members)
    assert set(shape.required_members) <= set(state["Arguments"])


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_optimized_integrations_use_only_the_fields_step_functions_passes_on(name: str) -> None:
    match, state = INTEGRATIONS[name]
    if match["sdk"]:
        # SDK integrations pass everything on, but cannot wait for a job.
        assert match["pattern"] is None
    else:
        assert match["pattern"] == "sync"
        assert set(state["Arguments"]) <= OPTIMIZED_FIELDS[match["service"], match["action"]]


def test_the_checks_see_what_is_wrong() -> None:
    good = request_of("Train")

    def wrong(**changes: Any) -> str:
        return "".join(problems("sagemaker", "createProcessingJob", good | changes))

    assert wrong() == ""
    assert "Unknown parameter" in wrong(ImageUri="x")
    assert "Invalid type" in wrong(Environment=["a"])
    assert "does not match" in wrong(ProcessingJobName="a_b")
    assert "longer than" in wrong(ProcessingJobName="a" * 64)
    cluster = good["ProcessingResources"]["ClusterConfig"] | {"InstanceType": "ml.m5.huge"}
    assert "is none of" in wrong(ProcessingResources={"ClusterConfig": cluster})


@pytest.mark.parametrize("name", ["Preprocess", "Train", "Evaluate", "Train On Several Hosts"])
def test_an_order_of_preference_replaces_the_type_of_the_machine(name: str) -> None:
    request = request_of(name, "with machines in an order of preference")

    found = request.get("ResourceConfig") or request["ProcessingResources"]["ClusterConfig"]
    assert set(found) == {"InstancePreferences", "VolumeSizeInGB"}
    assert found["InstancePreferences"][1] == {"InstanceType": "ml.m6i.large", "InstanceCount": 1}


def test_a_spot_machine_is_of_the_first_type_because_spot_takes_no_order() -> None:
    request = request_of("Train On Spot", "with machines in an order of preference")

    assert request["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"
    assert "InstancePreferences" not in request["ResourceConfig"]


def test_only_preprocess_runs_with_a_network() -> None:
    isolated = {
        name: request_of(name).get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        for name in ("Preprocess", "Train", "Evaluate")
    }

    assert isolated == {"Preprocess": False, "Train": True, "Evaluate": True}


def inputs(name: str, variant: str = "first run") -> dict[str, str]:
    return {
        entry["InputName"]: entry["S3Input"]["S3Uri"].removeprefix("s3://kanmon-test-data/")
        for entry in request_of(name, variant)["ProcessingInputs"]
    }


def test_champion_and_reference_are_inputs_only_where_there_is_one() -> None:
    own = ["run", "test", "report", "model"]

    assert list(inputs("Evaluate")) == own
    both = [*own, "champion", "champion-report"]
    assert list(inputs("Evaluate", "with a champion")) == both
    assert list(inputs("Evaluate", "with a reference that is gone")) == both
    found = inputs("Evaluate", "with a reference")
    assert list(found) == [*both, "reference", "reference-report"]
    assert found["reference"] == "runs/abalone/r-1/train/m"
    assert found["reference-report"] == "runs/abalone/r-1/preprocess/report/"


def test_the_file_that_a_train_step_begins_with_is_an_input_only_where_there_is_one() -> None:
    without = ["run", "definition", "train", "validation", "report"]

    assert list(inputs("Train")) == without
    found = inputs("Train", "with a base")
    assert list(found) == [*without, "base"]
    assert found["base"] == "bases/abalone/encoder.onnx"
    channels = {
        one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"]
        for one in request_of("Train On Spot", "with a base")["InputDataConfig"]
    }
    assert list(channels) == list(found)
    assert channels["base"].endswith("/bases/abalone/encoder.onnx")


@pytest.mark.parametrize("name", ["Preprocess", "Train", "Evaluate"])
def test_inputs_and_outputs_are_mounted_under_their_names(name: str) -> None:
    request = request_of(name, "with a reference")
    root = "/opt/ml/processing"

    for entry in request["ProcessingInputs"]:
        assert entry["S3Input"]["LocalPath"] == f"{root}/input/{entry['InputName']}"
    for entry in request["ProcessingOutputConfig"]["Outputs"]:
        assert entry["S3Output"]["LocalPath"] == f"{root}/output/{entry['OutputName']}"


def test_each_step_reads_what_the_one_before_it_wrote() -> None:
    written = {
        entry["S3Output"]["S3Uri"].removeprefix("s3://kanmon-test-data/")
        for name in ("Preprocess", "Train", "Evaluate")
        for entry in request_of(name)["ProcessingOutputConfig"]["Outputs"]
    }
    steps = {*inputs("Train").values(), *inputs("Evaluate").values()}

    assert {uri.rstrip("/") for uri in steps if uri.endswith("/")} <= written
    assert all(uri.endswith("/") for uri in steps if "runs/" in uri and "run.json" not in uri)


@pytest.mark.parametrize(
    ("retries", "faults", "redrives", "last"),
    [
        (0, 0, 0, "0"),
        (5, 0, 0, "5"),
        (0, 0, 6, "36"),  # the sixth redrive, and the most that Step Functions allows
        (5, 2, 1000, "6017"),
        (0, 1, 0, "6"),  # a job lost to the platform
        (2, 2, 1, "20"),  # and a redrive after two of them
    ],
)
def test_every_attempt_at_a_job_has_a_name_of_its_own(
    retries: int, faults: int, redrives: int, last: str
) -> None:
    variables = sample_variables(faults=faults)
    variables["states"]["context"]["State"]["RetryCount"] = retries
    variables["states"]["context"]["Execution"]["RedriveCount"] = redrives

    names = {
        name: evaluate(states()[name]["Arguments"]["ProcessingJobName"], variables)
        for name in ("Preprocess", "Train", "Evaluate")
    }

    assert names == {
        name: f"kanmon-test-abalone-261121055501-x7k-{name.lower()}-{last}" for name in names
    }


@pytest.mark.parametrize(
    ("cause", "faults", "again"),
    [
        ('{"FailureReason":"InternalServerError: We encountered an internal error."}', 1, True),
        ('{"FailureReason": "CapacityError: Unable to provision capacity."}', 2, True),
        ('{"FailureReason": "InternalServerError: again"}', 3, False),  # twice is enough
        ('{"FailureReason": "AlgorithmError: , exit code: 1"}', 1, False),
        ('{"ExitMessage": "we saw an InternalServerError in the data"}', 1, False),
        ("Rate exceeded", 1, False),  # the API refused; that was retried by name
    ],
)
def test_only_jobs_lost_to_the_platform_run_again(cause: str, faults: int, again: bool) -> None:
    [rule] = states()["Was It The Platform?"]["Choices"]
    variables = sample_variables(faults=faults, failure={"Error": "e", "Cause": cause})

    assert evaluate(rule["Condition"], variables) is again


@pytest.mark.parametrize(
    ("request_", "model"),
    [
        ({"model": "abalone"}, "abalone"),
        ({}, ""),  # the request itself may be what is wrong
        ({"model": 7}, "7"),
        ({"model": None}, "null"),
    ],
)
def test_a_failure_is_reported_whatever_the_request_was(request_: Any, model: str) -> None:
    variables = sample_variables(failure={"Error": "States.Timeout"})
    variables["states"]["context"]["Execution"]["Input"] = request_

    report = evaluate(states()["Report Failure"]["Arguments"], variables)

    assert report == {
        "run": "abalone-261121055501-x7k",
        "model": model,
        "error": "States.Timeout",
        "cause": "",
        "redrives": 0,
    }


def test_snake_case_never_reaches_a_service() -> None:
    for name in INTEGRATIONS:
        assert not [key for key in request_of(name) if key == xform_name(key)]


def test_several_hosts_have_the_channels_that_one_host_has_as_inputs() -> None:
    channels = {
        one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"]
        for one in request_of("Train On Several Hosts")["InputDataConfig"]
    }
    inputs = {
        one["InputName"]: one["S3Input"]["S3Uri"] for one in request_of("Train")["ProcessingInputs"]
    }

    assert channels == inputs


@pytest.mark.parametrize("name", ["Train", "Train On Lambda", "Train On Several Hosts"])
def test_train_is_given_no_test_rows_whatever_it_searches_for(name: str) -> None:
    asked = evaluate(states("Task")[name]["Arguments"], sample_variables())

    places = [each for each in texts_in(asked) if "preprocess/" in each]

    assert {place.rstrip("/").rpartition("/")[2] for place in places} == {
        "train", "validation", "report",
    }  # fmt: skip


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_in(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_in(each)]
    return [value] if isinstance(value, str) else []
