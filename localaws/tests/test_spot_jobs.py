"""Training jobs on spot machines: taken away, not there at all, and what is billed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.credentials import Credentials
from localaws.jobs.runner import Control, Outcome
from localaws.jobs.spot import Market, MarketError
from localaws.protocol.errors import ServiceError
from localaws.sagemaker.account import Ports
from localaws.sagemaker.stage import SageMaker
from localaws.stage import Stage
from support.training import START, request
from support.workbench import REGION, Bench, Surroundings

ACCOUNT = "123456789012"
# Leaves what it finds of an earlier machine, and how often it was started.
PROGRAM = """
import time
left = sorted(path.name for path in (root / "model").iterdir())
starts = pathlib.Path(%r)
with starts.open("a") as file:
    file.write("x")
(root / "model" / "half.json").write_text("{}")
time.sleep(0.1)
if starts.stat().st_size <= %d:
    (root / "model" / "of-another-machine").write_text("lost")
    time.sleep(60)
(root / "model" / "whole.json").write_text(json.dumps({"left": left}))
"""


def spot(image: str, bucket: str = "bucket", **changes: Any) -> dict[str, Any]:
    asked = {
        "EnableManagedSpotTraining": True,
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 80},
    }
    return request("job-1", image, bucket, **{**asked, **changes})


# ---- The programs


@pytest.fixture
def bench(
    stage: Stage, client: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setenv("LOCALAWS_TIME_SCALE", "200")
    root = Credentials(stage.access_key, stage.secret_key, "")
    bench = Bench(Surroundings(stage.endpoint, root), client("s3"), tmp_path, None)
    bench.put("in/a.csv", "1")
    bench.put("plan.json", "{}")
    yield bench
    bench.close()


def run(bench: Bench, market: Market, lost: int) -> tuple[Outcome, list[str]]:
    """How the job ended, and the statuses it came to."""
    image = bench.images.write(
        "trainer", START + PROGRAM % (str(bench.jobs.parent / "starts"), lost)
    )
    told: list[str] = []
    control = Control(market=market, tell=told.append)
    job = spot(image, bench.bucket)
    return bench.runner.run(job, bench.around.credentials, control), told


TRIED = ["Starting", "Downloading", "Training"]


@pytest.mark.parametrize("after", [(), (0.0,), (1.0,), (0.8, 0.8)], ids=str)
def test_an_interrupted_job_starts_over_with_nothing_of_the_machine_that_was_taken_away(
    bench: Bench, after: tuple[float, ...]
) -> None:
    outcome, told = run(bench, Market(after), lost=len([each for each in after if each]))

    assert outcome == Outcome("Completed")
    assert told == [*TRIED, *["Interrupted", *TRIED] * len(after)]
    written = bench.objects("out/job-1/output/model/")
    assert sorted(written) == ["half.json", "whole.json"]
    assert json.loads(written["whole.json"]) == {"left": []}


def test_without_a_machine_the_job_ends_when_its_time_is_over(bench: Bench) -> None:
    outcome, told = run(bench, Market(capacity=False), lost=0)

    assert outcome == Outcome("Stopped", secondary="MaxWaitTimeExceeded")
    assert told == ["Starting"]
    assert bench.objects("out/") == {}


def test_without_a_machine_after_the_first_it_ends_too(bench: Bench) -> None:
    outcome, told = run(bench, Market((0.8,), capacity=False), lost=1)

    assert outcome == Outcome("Stopped", secondary="MaxWaitTimeExceeded")
    assert told == [*TRIED, "Interrupted", "Starting"]
    assert bench.objects("out/") == {}


def test_a_job_that_waits_for_a_machine_can_be_stopped(bench: Bench) -> None:
    control = Control(market=Market(capacity=False))
    control.request_stop()
    job = spot(bench.images.write("trainer", START), bench.bucket)

    assert bench.runner.run(job, bench.around.credentials, control) == Outcome("Stopped")


# ---- The service


class Ends:
    """A runner whose jobs end as told, after the statuses told."""

    def __init__(self, outcome: Outcome, statuses: list[str], worked: float) -> None:
        self.outcome, self.statuses, self.worked = outcome, statuses, worked

    def run(self, job: Any, credentials: Credentials, control: Control) -> Outcome:
        for status in self.statuses:
            control.tell(status)
        control.worked = self.worked
        return self.outcome


@pytest.fixture
def around() -> Surroundings:
    return Surroundings("http://127.0.0.1:1", Credentials("key", "secret", "token"))


def serve(around: Surroundings, runner: Ends, market: Callable[[], Market] = Market) -> SageMaker:
    ports = Ports(**{**vars(around.ports()), "market": market})
    return SageMaker(ports, runner, REGION, ACCOUNT)


def ended(sagemaker: SageMaker) -> dict[str, Any]:
    sagemaker.call("CreateTrainingJob", spot("image"))
    assert sagemaker.training.wait("job-1", 5)
    return sagemaker.call("DescribeTrainingJob", {"TrainingJobName": "job-1"})


def test_a_job_tells_what_it_came_to_and_what_of_its_time_is_billed(around: Surroundings) -> None:
    statuses = [*TRIED, "Interrupted", *TRIED]

    job = ended(serve(around, Ends(Outcome("Completed"), statuses, 100.0)))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    passed = [one["Status"] for one in job["SecondaryStatusTransitions"]]
    assert passed == [*statuses, "Completed"]
    assert job["BillableTimeInSeconds"] == 30
    assert job["TrainingTimeInSeconds"] >= 1
    assert isinstance(around.events[-1].detail["SecondaryStatusTransitions"][0]["StartTime"], int)


def test_a_job_that_never_had_a_machine_has_not_begun(around: Surroundings) -> None:
    late = Outcome("Stopped", secondary="MaxWaitTimeExceeded")

    job = ended(serve(around, Ends(late, ["Starting"], 0.0)))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert not {"TrainingStartTime", "BillableTimeInSeconds", "FailureReason"} & set(job)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 60}}, "Invalid MaxWaitTimeInSeconds"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}},
            "greater than or equal to MaxRuntimeInSeconds",
        ),
        (
            {
                "ResourceConfig": {
                    "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 1}],
                    "VolumeSizeInGB": 1,
                }
            },
            "exclude each other",
        ),
        ({"EnableManagedSpotTraining": False}, "only supported when EnableManagedSpotTraining"),
    ],
)
def test_the_time_to_wait_must_fit(
    around: Surroundings, changes: dict[str, Any], words: str
) -> None:
    sagemaker = serve(around, Ends(Outcome("Completed"), [], 0.0))

    with pytest.raises(ServiceError, match=words):
        sagemaker.call("CreateTrainingJob", spot("image", **changes))


# ---- The file


def test_without_a_file_there_are_as_many_machines_as_wanted(tmp_path: Path) -> None:
    assert Market.read(tmp_path / "spot.json") == Market()


def test_the_file_says_what_happens(tmp_path: Path) -> None:
    (tmp_path / "spot.json").write_text('{"interrupted_after": [0.5, 2], "capacity": false}')

    assert Market.read(tmp_path / "spot.json") == Market((0.5, 2.0), capacity=False)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"interupted_after": [1]}', '{"interrupted_after": 1}',
     '{"capacity": "no"}', '{"interrupted_after": [-1]}',
     '{"interrupted_after": [true]}', '{"interrupted_after": [NaN]}'],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_how_to_write_it(
    around: Surroundings, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "spot.json"
    file.write_text(text)
    with pytest.raises(MarketError, match=r'write \{"interrupted_after": \[0.5, 2\]\}'):
        Market.read(file)
    sagemaker = serve(around, Ends(Outcome("Completed"), [], 0.0), lambda: Market.read(file))

    with pytest.raises(ServiceError, match=r"spot\.json"):
        sagemaker.call("CreateTrainingJob", spot("image"))
    assert sagemaker.call("ListTrainingJobs", {})["TrainingJobSummaries"] == []
