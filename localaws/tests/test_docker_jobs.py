"""Docker mode: the same contract when a job runs in a built image."""

import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localaws.credentials import Credentials
from localaws.jobs.docker import LABEL, DockerEngine, find_client
from localaws.jobs.images import Image, Images, digest
from localaws.jobs.runner import Outcome, Runner
from localaws.stage import Stage
from localaws.steps import Steps
from support.steps import make_steps
from support.waiting import PATIENCE_SECONDS, eventually
from support.workbench import REGION, Bench, Surroundings, s3_input, s3_outputs

pytestmark = pytest.mark.docker

DOCKERFILE = """
FROM public.ecr.aws/docker/library/python:3.13-slim-trixie AS prepare
WORKDIR /opt/program
COPY contract contract
COPY prepare prepare
USER 1234
ENTRYPOINT ["python", "-m", "prepare"]
"""
# What the step does is its first argument, so that one image serves every test.
STEP = """
import json, os, sys, time
from pathlib import Path
root, ml = Path("/opt/ml/processing"), Path("/opt/ml")
def message(text):
    (ml / "output/message").write_text(text)
exec(sys.argv[1])
"""


@pytest.fixture(scope="module")
def repository() -> Iterator[str]:
    """A repository of this test's own: the developer's images stay what they are."""
    name = f"localaws-test-{uuid.uuid4().hex[:8]}"
    yield name
    docker("rmi", "--force", f"{name}:prepare")


@pytest.fixture(scope="module")
def image_steps(tmp_path_factory: pytest.TempPathFactory, repository: str) -> Steps:
    made = make_steps(tmp_path_factory.mktemp("code") / "steps")
    (made.folder / "prepare/__main__.py").write_text(STEP)
    (made.folder / "Dockerfile").write_text(DOCKERFILE)
    return replace(made, docker_image=repository)


def docker(*words: str) -> str:
    answer = subprocess.run([find_client(), *words], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


class OneStep:
    """Every URI is the first step."""

    def __init__(self, steps: Steps) -> None:
        self._images = Images(steps)

    def resolve(self, uri: str) -> Image:
        return self._images.image("prepare")


@pytest.fixture
def bench(
    stage: Stage, client, tmp_path: Path, image_steps: Steps, repository: str
) -> Iterator[Bench]:
    around = Surroundings(stage.endpoint, Credentials(stage.access_key, stage.secret_key, ""))
    bench = Bench(around, client("s3"), tmp_path, None)
    bench.runner = Runner(
        around.ports(),
        bench.jobs,
        REGION,
        OneStep(image_steps),
        DockerEngine(bench.processes, image_steps),
        grace_seconds=1,
    )
    yield bench
    bench.close()


def run(bench: Bench, program: str, **changes: object) -> Outcome:
    application = {"ImageUri": "any", "ContainerArguments": [program]}
    return bench.run("", AppSpecification=application, **changes)


def test_a_job_runs_in_its_image_without_root_on_a_read_only_system(
    bench: Bench, image_steps: Steps, repository: str
):
    bench.put("in/a", "1")

    outcome = run(
        bench,
        "out = root / 'output/0/facts.json';"
        "found = [os.getuid(), (root / 'input/data/a').read_text(), os.environ['COLOUR'],"
        " os.access('/opt/program', os.W_OK)];"
        "out.write_text(json.dumps(found)); print('done')",
        Environment={"COLOUR": "green"},
        ProcessingInputs=[s3_input(f"s3://{bench.bucket}/in/")],
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
    )

    label = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    built = docker("image", "inspect", "--format", label, f"{repository}:prepare")
    assert outcome == Outcome("Completed")
    assert bench.objects("out/") == {"facts.json": '[1234, "1", "green", false]'}
    assert list(bench.around.lines.values()) == [["done"]]
    assert built == digest("prepare", image_steps)


def test_the_stage_is_reached_from_inside(bench: Bench):
    outcome = run(
        bench,
        "import urllib.request as r, urllib.error as e\n"
        "try: r.urlopen(os.environ['AWS_ENDPOINT_URL'])\n"
        "except e.HTTPError as error: message(str(error.code))",
    )

    assert outcome.status == "Completed"
    assert outcome.exit_message is not None


def test_a_failure_has_its_exit_code_and_message(bench: Bench):
    assert run(bench, "message('row 3'); sys.exit(5)") == Outcome(
        "Failed", "AlgorithmError: row 3, exit code: 5", "row 3"
    )


def test_a_container_that_takes_too_long_is_removed(bench: Bench):
    outcome = run(
        bench,
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)",
        StoppingCondition={"MaxRuntimeInSeconds": 2},
    )

    left = docker("ps", "--all", "--quiet", "--filter", "name=job-")
    assert outcome.status == "Stopped"
    assert left == ""


def test_no_container_outlives_the_stage(bench: Bench):
    bench.put("in/a", "1")
    ended: list[Outcome] = []
    thread = threading.Thread(target=lambda: ended.append(run(bench, "time.sleep(100)")))
    thread.start()
    eventually(lambda: docker("ps", "--quiet", "--filter", "name=job-") != "")

    bench.processes.close()
    thread.join(PATIENCE_SECONDS)

    assert [outcome.status for outcome in ended] == ["Failed"]
    eventually(lambda: docker("ps", "--quiet", "--filter", "name=job-") == "")


def test_an_image_that_does_not_build_says_how_to_see_why(
    bench: Bench, image_steps: Steps, tmp_path: Path
):
    broken = make_steps(tmp_path / "broken")
    (broken.folder / "Dockerfile").write_text("FROM scratch AS prepare\nCOPY missing /\n")
    bench.runner = Runner(
        bench.around.ports(),
        bench.jobs,
        REGION,
        OneStep(image_steps),
        DockerEngine(bench.processes, replace(broken, docker_image="localaws-test-broken")),
    )

    outcome = run(bench, "")

    assert outcome.status == "Failed"
    assert outcome.failure_reason is not None
    assert outcome.failure_reason.startswith(
        "ClientError: CannotPullContainerError: the image of prepare could not be built."
    )
