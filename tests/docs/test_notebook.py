"""notebooks/explore.ipynb, executed on a local stage, and the SDKs by themselves, unmodified.

The notebook acts as a data scientist of the stage, with IAM enforced.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support import exploring_people
from tests.support.acting import acting
from tests.support.laptop import TINY, Laptop, deployed, rows
from tests.support.translation import ROOT

NOTEBOOKS = ROOT / "notebooks"
NOTEBOOK = NOTEBOOKS / "explore.ipynb"
BIN = ROOT / ".venv-notebook/bin"
SDKS = ROOT / "tests/support/sagemaker_sdk"
MODEL = TINY.format(name="glasses", floor=5.0) + "serving: {canary: AllAtOnce}\n"
# By program: its environment, and what the script is told to say.
PROGRAMS = {
    "version2": (".venv-sagemaker2", "version 2", "Completed"),
    "version3": (".venv-notebook", "version 3", "Completed"),
    "step_functions": (".venv-sagemaker2", "a state machine", "SUCCEEDED"),
}
JOBS = "arn:aws:sagemaker:us-east-1:*:processing-job/kanmon-local-explore--*"
RULE = "arn:aws:events:us-east-1:*:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"

# On one worker: they share the stage.
pytestmark = [pytest.mark.docs, pytest.mark.xdist_group("notebook")]


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage with a model in service, a batch that it scored, and a run that was held to it."""
    with deployed(tmp_path_factory.mktemp("notebook")) as laptop:
        laptop.add_model("glasses", MODEL)
        data = laptop.root / "data.csv"
        data.write_text(rows(300))
        for words in (
            ["put-data", "glasses", str(data)],
            ["run", "glasses"],
            ["approve", "glasses", "--reason", "the first", "--watch"],
            ["score-batch", "glasses", str(data)],
            ["run", "glasses", "--set", "seed=9"],
        ):
            laptop.must(*words)
        yield laptop


def environment(laptop: Laptop) -> dict[str, str]:
    """As after `eval "$(kanmon env)"`, on a machine whose own settings are out of sight."""
    own = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOME": str(laptop.root),
        "KANMON_MODEL": "glasses",
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    }
    return os.environ | laptop.must("env") | own


def done(process: "subprocess.CompletedProcess[str]") -> str:
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def in_notebooks(laptop: Laptop | None, *words: str) -> str:
    """What a program of the notebooks' environment prints."""
    settings = environment(laptop) if laptop else None
    program, *more = words
    return done(
        subprocess.run(
            [BIN / program, *more],
            cwd=NOTEBOOKS,
            env=settings,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    )


def cells(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


def test_the_notebook_is_the_script_and_has_no_outputs() -> None:
    made = json.loads(
        in_notebooks(None, "jupytext", "--to", "ipynb", "--output", "-", "explore.py")
    )
    kept = json.loads(NOTEBOOK.read_text())

    assert cells(kept) == cells(made)  # `make notebook` renews it
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


@pytest.mark.parametrize("module", ["exploration.py", "ad_hoc_jobs.py"])
def test_the_examples_in_the_helpers_are_true(module: str) -> None:
    in_notebooks(None, "python", "-m", "doctest", module)


def test_the_notebook_reads_runs_step_and_script_and_leaves_nothing(laptop: Laptop) -> None:
    executed = laptop.root / "executed.ipynb"

    in_notebooks(laptop, "jupyter", "execute", NOTEBOOK.name, f"--output={executed}")

    shown = [
        "".join(output.get("text") or output["data"]["text/plain"])
        for cell in json.loads(executed.read_text())["cells"]
        for output in cell.get("outputs", [])
    ]
    run, metrics, baseline, scores, again, means, removed = shown
    assert run.startswith("runs/glasses/")
    # The run's own champion is beside the candidate also in the job.
    assert all("champion" in frame and "rmse" in frame for frame in (metrics, again))
    assert metrics != again
    assert "categorical" in baseline
    assert "shape: (300," in scores
    assert "shape: (3, 3)" in means
    assert int(removed) > 0
    assert laptop.objects("scratch/") == {}


def test_its_jobs_say_whose_they_are_and_are_the_stages_own(laptop: Laptop) -> None:
    sagemaker = laptop.client("sagemaker")
    found = sagemaker.list_processing_jobs(NameContains="explore--")["ProcessingJobSummaries"]

    tags = [
        {
            tag["Key"]: tag["Value"]
            for tag in sagemaker.list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"]
        }
        for job in found
    ]

    assert len(found) >= 3
    assert all(job["ProcessingJobName"].startswith("kanmon-local-") for job in found)
    assert all(tag.keys() == {"kanmon:exploration", "kanmon:model"} for tag in tags)


def test_a_mistake_gets_one_line(laptop: Laptop) -> None:
    program = """
from ad_hoc_jobs import run_script, run_step
from exploration import ExplorationError, connect
stage = connect()
run = stage.runs("glasses")[-1]
for act in (
    lambda: connect("kanmon-other"),
    lambda: stage.scores("batches/glasses/none"),
    lambda: stage.document("runs/none"),
    lambda: stage.clean("runs/glasses"),
    lambda: run_step(stage, run, "preprocess"),
    lambda: run_step(stage, run, "evaluate", model="runs/glasses/none"),
    lambda: run_script(stage, run, "none.py", inputs={}),
    lambda: run_script(stage, run, "target_by_group.py", inputs={}, step="gather"),
):
    try:
        act()
    except ExplorationError as error:
        print(error)
"""

    said = in_notebooks(laptop, "python", "-c", program).splitlines()

    beginnings = (
        "there is no stack kanmon-other in us-east-1",
        "there are no Parquet files in batches/glasses/none/scores/",
        "there is no runs/none in",
        "runs/glasses is not below scratch/",
        "no job without a network can be preprocess; train or evaluate can",
        "the job kanmon-local-explore--evaluate-",
        "there is no script none.py",
        "no step of runs/glasses/",
    )
    assert len(said) == len(beginnings), said
    assert all(line.startswith(begins) for line, begins in zip(said, beginnings, strict=True)), said


def test_what_a_failed_job_printed_is_shown(laptop: Laptop) -> None:
    program = """
from ad_hoc_jobs import log, run_script
from exploration import ExplorationError, connect
stage = connect()
try:
    run_script(stage, stage.runs("glasses")[-1], "target_by_group.py", inputs={}, arguments=["a"])
except ExplorationError as error:
    print(log(stage, str(error).split()[2]))
"""

    assert "not enough values to unpack" in in_notebooks(laptop, "python", "-c", program)


def test_a_job_cannot_write_outside_scratch(laptop: Laptop) -> None:
    writes = "open('/opt/ml/processing/output/result/x', 'w').write('x')"
    application = {"ContainerEntrypoint": ["python", "-c", writes]}

    name = exploring_people.start(laptop, "elsewhere", {}, "runs/glasses", **application)
    ended = exploring_people.ended(laptop, name)

    assert ended["ProcessingJobStatus"] == "Failed"
    assert "is not authorized to perform: s3:PutObject" in ended["FailureReason"]
    assert laptop.objects("runs/glasses/elsewhere") == {}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"NetworkConfig": {"EnableNetworkIsolation": False}}, "sagemaker:CreateProcessingJob"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 86_400}}, "sagemaker:CreateProcessingJob"),
        # A run's job, also of a model that is called explore.
        (
            {"ProcessingJobName": "kanmon-local-explore-261201031709-0a1-train-0"},
            "sagemaker:CreateProcessingJob",
        ),
        ({"RoleArn": "JobRole"}, "iam:PassRole"),
    ],
)
def test_a_data_scientist_cannot_start_another_kind_of_job(
    laptop: Laptop, change: dict[str, Any], refused: str
) -> None:
    asked = exploring_people.request(laptop, "refused", {}, "scratch/somebody", {})
    if "RoleArn" in change:  # the one that runs have
        described = laptop.client("iam").list_roles()["Roles"]
        [change["RoleArn"]] = [
            one["Arn"] for one in described if "kanmon-local-JobRole-" in one["Arn"]
        ]
    client = acting(laptop, "DataScientistRoleArn", "sagemaker")

    with pytest.raises(ClientError, match=f"is not authorized to perform: {refused}"):
        client.create_processing_job(**asked | change)


def test_the_sdks_work_unmodified(laptop: Laptop) -> None:
    """Side by side: they ask every ten seconds whether their job has ended."""
    bucket, image = laptop.outputs["DataBucketName"], exploring_people.image(laptop)
    common = [image, laptop.outputs["ExploreJobRoleArn"], bucket, "scratch/sdk"]
    machine_role = a_state_machines_role(laptop)
    running = {}
    for name, (place, _, _) in PROGRAMS.items():
        job = f"kanmon-local-explore--{name.replace('_', '-')}"
        words = [SDKS / "say.py", *common, job]
        more = [machine_role] if name == "step_functions" else []
        running[name] = subprocess.Popen(
            [ROOT / place / "bin/python", SDKS / f"{name}.py", *words, *more],
            env=environment(laptop),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    for name, (_, said, status) in PROGRAMS.items():
        out, err = running[name].communicate(timeout=120)
        assert running[name].returncode == 0, out + err
        assert out.splitlines()[-1] == status, out + err
        job = f"kanmon-local-explore--{name.replace('_', '-')}"
        assert laptop.objects(f"scratch/sdk/{job}/said.txt") == {"": said.encode()}


def a_state_machines_role(laptop: Laptop) -> str:
    """A role of the team's own, for a state machine that starts such jobs."""
    iam = laptop.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    acts = ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob", "AddTags")
    grants = (
        ([f"sagemaker:{act}" for act in acts], JOBS),
        (["iam:PassRole"], laptop.outputs["ExploreJobRoleArn"]),
        (["events:PutTargets", "events:PutRule", "events:DescribeRule"], RULE),
    )
    role = iam.create_role(RoleName="ours", AssumeRolePolicyDocument=policy(trust))["Role"]
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in grants
    ]
    iam.put_role_policy(RoleName="ours", PolicyName="ours", PolicyDocument=policy(*statements))
    return str(role["Arn"])


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
