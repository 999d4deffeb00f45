"""A model whose data a job with a network makes, on a stage: what it may do, and its faults."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.grants import GATHER_JOBS, UNSEEN_OF_JOBS, grants
from tests.support.laptop import TINY, Laptop, deployed, rows
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults

MODELS = "crm,sea-shells,many,greedy,barred,gone,used"
GATHERS = TINY + "gather: {keys}\n"
LOGIN = json.dumps({"user": "shop-reader", "password": "hunter22-of-the-crm"})
WRITES = """
def gather(folder, secret):
    print("signing in with", secret)
    (folder / "orders.csv").write_text({content!r})
"""


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    parameters = f"Stage=local LogRetentionDays=1 GatherModels={MODELS}"
    with deployed(tmp_path_factory.mktemp("gathering"), parameters=parameters) as laptop:
        yield laptop


def secret_of(laptop: Laptop, model: str, name: str, stage: str = "kanmon-local") -> str:
    """The ARN of a new secret that is tagged for the model of the stage."""
    tags = [{"Key": "kanmon:model", "Value": model}, {"Key": "kanmon:stage", "Value": stage}]
    made = laptop.client("secretsmanager").create_secret(Name=name, SecretString=LOGIN, Tags=tags)
    return str(made["ARN"])


def add(laptop: Laptop, name: str, program: str, **keys: Any) -> None:
    text = GATHERS.replace("{keys}", "{{" + json.dumps(keys)[1:-1] + "}}")
    laptop.add_model(name, text.format(name=name, floor=5.0))
    (laptop.root / "models" / name / "gather.py").write_text(program)


def failure(laptop: Laptop, model: str) -> str:
    """The line with which a run of the model fails."""
    said = laptop.kanmon("run", model, "--json")
    assert said.code == 1
    # By its name: two runs of one second are shown in no certain order.
    return str(laptop.must("show", said.document["run"])["message"])


def versions(laptop: Laptop, model: str) -> list[str]:
    bucket, prefix = laptop.outputs["DataBucketName"], f"datasets/{model}/"
    found = laptop.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix)
    return [each["Key"].removeprefix(prefix) for each in found.get("Versions", [])]


def job_of(laptop: Laptop, run: str) -> dict[str, Any]:
    found: dict[str, Any] = laptop.client("sagemaker").describe_processing_job(
        ProcessingJobName=job_name(run)
    )
    return found


def job_name(run: str) -> str:
    return f"kanmon-local-{run}-gather-0"


def bill(laptop: Laptop, model: str, run: str) -> tuple[dict[str, Any], float]:
    """What the run's one execution cost, by part, and the sum that is shown."""
    item = laptop.client("dynamodb").get_item(
        TableName=laptop.outputs["ModelTableName"],
        Key={"model": {"S": model}, "item": {"S": f"run#{run}"}},
    )["Item"]
    [costs] = json.loads(item["cost"]["S"])["executions"].values()
    return costs, laptop.must("show", run)["record"]["usd"]


def test_a_program_makes_the_data_and_an_unchanged_result_trains_nothing(laptop: Laptop) -> None:
    add(laptop, "crm", WRITES.format(content=rows(300)), secret=secret_of(laptop, "crm", "crm"))

    first = laptop.must("run", "crm")
    assert first["outcome"] == "new"
    machine = laptop.outputs["RetrainStateMachineArn"].replace(":stateMachine:", ":execution:")
    path = laptop.states_of(f"{machine}:{first['run']}")
    gathering = ["Open Run", "Anything New?", "Gather In A Job", "Take Snapshot", "Anything New?"]
    assert path[:5] == gathering
    assert len(path) + 1 <= 18
    assert versions(laptop, "crm") == ["orders.csv"]

    again = laptop.must("run", "crm")
    assert (again["outcome"], again["equals"]) == ("nothing new", first["run"])
    assert versions(laptop, "crm") == ["orders.csv"]
    logged = laptop.must("logs", again["run"])
    assert {line["job"] for line in logged} == {job_name(again["run"])}
    assert "1 there already" in logged[-1]["message"]
    costs, whole = bill(laptop, "crm", again["run"])
    [job] = costs["jobs"]
    assert (job["name"], job["instance_type"]) == (job_name(again["run"]), "ml.t3.medium")
    assert job["usd"] == pytest.approx(job["seconds"] * 0.05 / 3600, abs=1e-8) != 0
    others = costs["functions"]["usd"] + costs["workflow"]["usd"]
    assert whole - others == pytest.approx(job["usd"], abs=4e-8)  # each is rounded to 1e-8

    add(laptop, "crm", WRITES.format(content=rows(301)), secret=secret_of(laptop, "crm", "other"))
    assert laptop.must("run", "crm")["outcome"] == "new"
    assert versions(laptop, "crm") == ["orders.csv"] * 2


def test_the_lineage_names_the_job_its_files_and_the_secret_and_nothing_has_its_text(
    laptop: Laptop,
) -> None:
    secret = secret_of(laptop, "sea-shells", "shells")
    add(laptop, "sea-shells", WRITES.format(content=rows(300)), secret=secret)
    run = laptop.must("run", "sea-shells")["run"]

    shown = laptop.must("show", run)["gather"]
    assert (shown["job"], shown["secret"]) == (job_name(run), secret)
    assert (shown["files"], shown["written"], shown["names"]) == (1, 1, ["orders.csv"])
    said = laptop.kanmon("show", run).out
    assert "by gather.py; stored orders.csv" in said
    assert f"Secret       {secret}" in said
    laptop.must("review", "sea-shells", "--output", str(laptop.root / "page.html"))
    page = (laptop.root / "page.html").read_text()
    assert secret in page
    logged = laptop.kanmon("logs", run, "--step", "gather").out
    assert "signing in with ***" in logged

    everything = [page, logged, said, json.dumps(job_of(laptop, run), default=str)]
    history = laptop.client("stepfunctions").get_execution_history(
        executionArn=laptop.outputs["RetrainStateMachineArn"].replace(
            ":stateMachine:", ":execution:"
        )
        + f":{run}",
        maxResults=1000,
        includeExecutionData=True,
    )
    everything.append(json.dumps(history["events"], default=str))
    everything += [str(body) for body in laptop.objects("runs/sea-shells/").values()]
    assert [each for each in everything if "hunter22" in each] == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            "def gather(folder, secret):\n    (folder / 'a.csv').write_text('x')\n    1 / 0\n",
            "gather: gather.py line 3: ZeroDivisionError: division by zero",
        ),
        (
            "def gather(folder, secret):\n    pass\n",
            "gather: gather.py wrote nothing; let it write",
        ),
        (
            "def gather(folder, secret):\n    (folder / 'a.txt').write_text('x')\n",
            "gather: gather.py wrote 'a.txt': a.txt is not a data file; rename it, or remove it",
        ),
        (
            "import os\ndef gather(folder, secret):\n    os.kill(os.getpid(), 9)\n",
            "gather: gather.py was killed, most likely because the memory is full; give it a larg",
        ),
        (  # the step dies with it, in the middle of what it writes
            "import os\ndef gather(folder, secret):\n    (folder / 'a.csv').write_text('x')\n"
            "    os.kill(os.getppid(), 9)\n",
            "gather: See job logs for more information",
        ),
        (
            "from urllib.request import urlopen\n"
            "def gather(folder, secret):\n    urlopen('http://no.such.host.invalid')\n",
            "gather: gather.py line 3: URLError: <urlopen error",
        ),
    ],
)
def test_a_program_that_fails_writes_nothing_and_the_run_says_why(
    laptop: Laptop, program: str, words: str
) -> None:
    add(laptop, "many", program)

    assert failure(laptop, "many").startswith(words)
    assert versions(laptop, "many") == []


def test_a_run_that_is_stopped_ends_the_program_and_stores_nothing(
    laptop: Laptop, tmp_path: Path
) -> None:
    written = tmp_path / "pid"
    add(
        laptop,
        "many",
        "import os, time\n"
        "from pathlib import Path\n"
        "def gather(folder, secret):\n"
        "    (folder / 'a.csv').write_text('x')\n"
        f"    Path({str(written)!r}).write_text(str(os.getpid()))\n"
        "    print('waiting', flush=True)\n"
        "    time.sleep(300)\n",
    )
    run = str(laptop.must("run", "many", "--no-wait")["run"])
    eventually(lambda: "waiting" in laptop.kanmon("logs", run, "--step", "gather").out)
    program = int(written.read_text())
    assert is_there(program)

    laptop.must("stop", run, "--reason", "it hangs")
    ended = eventually(lambda: _ended(job_of(laptop, run)))
    assert ended["ProcessingJobStatus"] == "Stopped"
    eventually(lambda: not is_there(program))
    assert versions(laptop, "many") == []


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    return job if job["ProcessingJobStatus"] in ("Stopped", "Failed", "Completed") else None


def test_forgetting_says_that_the_next_run_brings_the_person_back(laptop: Laptop) -> None:
    add(laptop, "many", WRITES.format(content=rows(300)))
    definition = laptop.root / "models/many/model.yaml"
    definition.write_text(definition.read_text() + "data: {key: [a]}\n")

    stays = laptop.must("forget", "many", "7", "--yes")["stays"]

    assert {each["what"]: each["why"] for each in stays}["what gather.py reads"] == (
        "take the rows out of what gather.py reads, or the next run brings them back"
    )


# ---- What a model's job may do


def job_as(laptop: Laptop, model: str, name: str, **variables: str) -> str:
    """Why a job of the gather step with this model's role fails, with other orders than a run's."""
    image = laptop.client("ecr").describe_images(
        repositoryName="kanmon-local-steps", imageIds=[{"imageTag": "gather"}]
    )["imageDetails"][0]["imageDigest"]
    sagemaker, bucket = laptop.client("sagemaker"), laptop.outputs["DataBucketName"]
    digest = laptop.must("publish") and _published(laptop, model)
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=f"arn:aws:iam::123456789012:role/kanmon-local-gather-{model}",
        AppSpecification={
            "ImageUri": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/kanmon-local-steps@{image}"
        },
        Environment={"KANMON_MODEL": model, **variables},
        ProcessingResources={
            "ClusterConfig": {
                "InstanceType": "ml.t3.medium",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            }
        },
        ProcessingInputs=[
            {
                "InputName": "definition",
                "S3Input": {
                    "S3Uri": f"s3://{bucket}/definitions/{model}/{digest}/",
                    "LocalPath": "/opt/ml/processing/input/definition",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
    )
    ended = eventually(lambda: _ended(sagemaker.describe_processing_job(ProcessingJobName=name)))
    return str(ended.get("FailureReason"))


def _published(laptop: Laptop, model: str) -> str:
    item = laptop.client("dynamodb").get_item(
        TableName=laptop.outputs["ModelTableName"],
        Key={"model": {"S": model}, "item": {"S": "definition"}},
    )["Item"]
    return str(item["sha256"]["S"])


def test_it_can_write_the_data_of_no_other_model(laptop: Laptop) -> None:
    add(laptop, "greedy", WRITES.format(content=rows(300)))
    bucket = laptop.outputs["DataBucketName"]

    for place in ("datasets/crm/", "runs/crm/", "definitions/greedy/", "datasets/greedy-2/"):
        name = f"greedy-{place.replace('/', '-')}"[:40].rstrip("-")
        reason = job_as(laptop, "greedy", name, KANMON_DATA=f"s3://{bucket}/{place}")
        assert "AccessDenied" in reason, place
    own = job_as(laptop, "greedy", "greedy-own", KANMON_DATA=f"s3://{bucket}/datasets/greedy/")
    assert own == "None"


@pytest.mark.parametrize(("model", "stage"), [("crm", "kanmon-local"), ("barred", "kanmon-prod")])
def test_it_can_read_the_secret_of_no_other_model_and_no_other_stage(
    laptop: Laptop, model: str, stage: str
) -> None:
    secret = secret_of(laptop, model, f"of-{model}-{stage}", stage)
    add(laptop, "barred", WRITES.format(content=rows(300)), secret=secret)

    assert failure(laptop, "barred") == (
        f"gather: the job of barred may not read the secret {secret}; give the secret the tags "
        "kanmon:model with the value barred and kanmon:stage with the name of the stage's stack, "
        "and, where a key of your own encrypts it, let the job's role decrypt with that"
    )


def test_a_secret_that_is_gone_is_named(laptop: Laptop) -> None:
    secret = secret_of(laptop, "gone", "going")
    laptop.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    add(laptop, "gone", WRITES.format(content=rows(300)), secret=secret)

    # Without its tags nothing is granted, so AWS does not tell that it is not there.
    assert "secret:going" in failure(laptop, "gone")


def test_a_model_that_the_stage_does_not_name_is_refused_before_anything_starts(
    laptop: Laptop,
) -> None:
    add(laptop, "stranger", WRITES.format(content=rows(300)))
    said = laptop.kanmon("run", "stranger")

    assert said.code == 2
    assert (
        "stage local does not run the gather.py of stranger, because its parameter GatherModels "
        "does not name the model. Name it there in samconfig.toml, and run `kanmon deploy`."
    ) in said.err
    assert laptop.objects("definitions/stranger/") == {}


def test_every_permission_of_a_gather_job_is_used(laptop: Laptop) -> None:
    add(laptop, "used", WRITES.format(content=rows(300)), secret=secret_of(laptop, "used", "use"))
    laptop.must("run", "used")
    record = laptop.home / "state/authorizations.jsonl"
    decisions = [json.loads(line) for line in record.read_text().splitlines()]
    own = [each for each in decisions if each["role"] == "kanmon-local-gather-used"]

    assert [each for each in own if not each["allowed"]] == []
    # The first of all jobs makes the log group.
    jobs = [each for each in decisions if each["role"].startswith("kanmon-local-gather-")]
    asked = {each["action"] for each in jobs if each["allowed"]}
    [granted] = {frozenset(each) for each in grants(GATHER_JOBS).values() if each} - {
        frozenset(grants([])["SeeTheStagePolicy"])
    }
    assert granted - asked == set(UNSEEN_OF_JOBS)
    passed = [each["resource"] for each in decisions if each["action"] == "iam:PassRole"]
    assert "arn:aws:iam::123456789012:role/kanmon-local-gather-used" in passed
