"""Training jobs: requests as AWS takes them, and hosts that are real processes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.credentials import Credentials
from localaws.jobs.runner import Outcome
from localaws.protocol.errors import ServiceError
from localaws.sagemaker.stage import SageMaker
from localaws.stage import Stage
from support.training import START, request
from support.workbench import REGION, Bench, Surroundings

ACCOUNT = "123456789012"

# ---- The programs


@pytest.fixture
def bench(stage: Stage, client: Callable[..., Any], tmp_path: Path) -> Iterator[Bench]:
    root = Credentials(stage.access_key, stage.secret_key, "")
    bench = Bench(Surroundings(stage.endpoint, root), client("s3"), tmp_path, None)
    bench.put("in/a.csv", "1")
    bench.put("plan.json", "{}")
    yield bench
    bench.close()


def run(bench: Bench, program: str, **changes: Any) -> Outcome:
    image = bench.images.write("trainer", START + program)
    return bench.start(request("job-1", image, bench.bucket, **changes))


def test_each_host_has_the_channels_and_leaves_its_part_of_the_model(bench: Bench) -> None:
    outcome = run(
        bench,
        """
found = sorted(str(path.relative_to(root / "input")) for path in root.glob("input/*/*/*"))
ports = {int(place.rpartition(":")[2]) for place in config["addresses"].values()}
told = {"hosts": config["hosts"], "found": found, "ports": len(ports), "words": sys.argv[1:],
        "settings": json.loads((root / "input/config/hyperparameters.json").read_text()),
        "channels": json.loads((root / "input/config/inputdataconfig.json").read_text())}
(root / "model" / f"{host}.json").write_text(json.dumps(told))
""",
        HyperParameters={"rounds": "7"},
    )

    assert outcome == Outcome("Completed")
    written = bench.objects("out/job-1/output/model/")
    assert sorted(written) == ["algo-1.json", "algo-2.json"]
    channel = {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert json.loads(written["algo-2.json"]) == {
        "hosts": ["algo-1", "algo-2"],
        "found": ["data/plan/plan.json", "data/rows/a.csv"],
        "ports": 2,
        "words": ["train"],
        "settings": {"rounds": "7"},
        "channels": {"rows": channel, "plan": channel},
    }


def test_a_host_that_fails_ends_the_job_with_its_word(bench: Bench) -> None:
    outcome = run(
        bench,
        """
import time
if host == "algo-1":
    time.sleep(60)
(root / "output" / "failure").write_text("algo-2 has no rows")
sys.exit(1)
""",
    )

    assert outcome == Outcome(
        "Failed", "AlgorithmError: algo-2 has no rows, exit code: 1", "algo-2 has no rows"
    )
    assert bench.objects("out/") == {}


def test_a_host_that_dies_without_a_word_is_named_by_the_other_that_notices(bench: Bench) -> None:
    outcome = run(
        bench,
        """
import time
if host == "algo-1":
    os.kill(os.getpid(), 9)
time.sleep(0.3)
(root / "output" / "failure").write_text("host algo-1 stopped without a word")
sys.exit(1)
""",
    )

    assert outcome == Outcome(
        "Failed",
        "AlgorithmError: host algo-1 stopped without a word, exit code: 1",
        "host algo-1 stopped without a word",
    )


def test_where_no_host_says_why_the_job_ends_by_the_one_that_died(bench: Bench) -> None:
    outcome = run(
        bench,
        """
import time
if host == "algo-1":
    time.sleep(60)
os.kill(os.getpid(), 9)
""",
    )

    assert outcome == Outcome(
        "Failed", "AlgorithmError: See job logs for more information, exit code: 137"
    )


def test_logs_and_metrics_are_those_of_training_jobs(bench: Bench) -> None:
    run(bench, "print('learning')")

    groups = {name.partition(" ")[0] for name in (*bench.around.lines, *bench.around.metrics)}
    assert groups == {"/aws/sagemaker/TrainingJobs"}


# ---- The service


class Ends:
    """A runner whose jobs end as told."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def run(self, job: Any, credentials: Credentials, control: Any) -> Outcome:
        return self.outcome


@pytest.fixture
def around() -> Surroundings:
    return Surroundings("http://127.0.0.1:1", Credentials("key", "secret", "token"))


def serve(around: Surroundings, outcome: Outcome) -> SageMaker:
    return SageMaker(around.ports(), Ends(outcome), REGION, ACCOUNT)


def test_a_job_is_described_as_it_was_asked_for_and_as_it_ended(around: Surroundings) -> None:
    sagemaker = serve(around, Outcome("Failed", "AlgorithmError: bad, exit code: 1", "bad"))
    asked = request("Job-1", "image")

    created = sagemaker.call("CreateTrainingJob", asked)
    assert sagemaker.training.wait("Job-1", 5)

    job = sagemaker.call("DescribeTrainingJob", {"TrainingJobName": "Job-1"})
    for name in ("CreationTime", "TrainingStartTime", "TrainingEndTime", "LastModifiedTime"):
        assert job.pop(name) > 0
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/job-1"
    assert created == {"TrainingJobArn": arn}
    assert job == {
        **asked,
        "TrainingJobArn": arn,
        "TrainingJobStatus": "Failed",
        "SecondaryStatus": "Failed",
        "FailureReason": "AlgorithmError: bad, exit code: 1",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/out/Job-1/output/model"},
        "TrainingTimeInSeconds": 0,
        "BillableTimeInSeconds": 0,
    }
    assert [event.detail_type for event in around.events] == [
        "SageMaker Training Job State Change"
    ] * 2
    [listed] = sagemaker.call("ListTrainingJobs", {})["TrainingJobSummaries"]
    assert (listed["TrainingJobName"], listed["TrainingJobStatus"]) == ("Job-1", "Failed")


def test_jobs_are_known_after_a_restart(around: Surroundings) -> None:
    first, second = (serve(around, Outcome("Completed")) for _ in range(2))
    first.call("CreateTrainingJob", request("job-1", "image"))
    assert first.training.wait("job-1", 5)

    second.load_persisted_state(first.get_state())

    asked = {"TrainingJobName": "job-1"}
    assert second.call("DescribeTrainingJob", asked)["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OutputDataConfig": {"S3OutputPath": "s3://b/o"}}, "a CompressionType but NONE"),
        ({"CheckpointConfig": {"S3Uri": "s3://b/c"}}, "Training jobs with CheckpointConfig"),
        (
            {"AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "Pipe"}},
            "TrainingInputModes but File",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": "soon"}}, "maxRuntimeInSeconds"),
    ],
)
def test_what_is_not_here_is_refused_by_name(
    around: Surroundings, changes: dict[str, Any], words: str
) -> None:
    sagemaker = serve(around, Outcome("Completed"))

    with pytest.raises(ServiceError, match=words):
        sagemaker.call("CreateTrainingJob", request("job-1", "image", **changes))
