"""The whole retrain loop with every step in its own image."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from localaws import steps
from localaws.jobs.docker import DockerEngine, find_client
from localaws.jobs.images import Images
from localaws.jobs.processes import Processes
from tests.support.laptop import ROOT, TINY, Laptop, deployed, rows

pytestmark = pytest.mark.docker

CODE = steps.read(ROOT / "containers")
GATHERS = "Stage=local LogRetentionDays=1 GatherModels=fetched"


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A project whose local stage runs jobs in the built images."""
    build_images()
    root = tmp_path_factory.mktemp("laptop")
    with deployed(root, "--docker", parameters=GATHERS) as laptop:
        yield laptop


def build_images() -> None:
    """Build beforehand: the first time takes minutes, longer than a run may wait here."""
    processes = Processes()
    engine = DockerEngine(processes, CODE)
    for step in CODE.steps:
        engine.pull(Images(CODE).image(step))
    processes.close()


def test_a_run_registers_a_candidate_that_its_images_made(laptop: Laptop) -> None:
    began = int(time.time())
    # As jobs; test_docker_step_functions.py has them as functions.
    jobs = "compute: {preprocess: processing, train: processing, evaluate: processing}\n"
    laptop.add_model("boxed", TINY.format(name="boxed", floor=5.0) + jobs)
    laptop.put("boxed", rows())

    run = laptop.must("run", "boxed")

    assert run["verdict"]["verdict"] == "promote"
    assert [package["ModelPackageArn"] for package in laptop.packages("boxed")] == [
        run["package_arn"]
    ]
    assert started_since(began) == [f"kanmon-steps:{step}" for step in CODE.run]


def test_several_hosts_share_the_work_in_containers_of_their_own(laptop: Laptop) -> None:
    began = int(time.time())
    hosts = "compute: {preprocess: {hosts: 2}, train: {hosts: 2}, evaluate: processing}\n"
    laptop.add_model("shared", TINY.format(name="shared", floor=5.0) + hosts)
    for name in ("one.csv", "two.csv"):
        laptop.put_object("shared", rows(), name)

    run = laptop.must("run", "shared")

    assert run["verdict"]["verdict"] == "promote"
    assert sorted(started_since(began, "shared")) == sorted(
        [*["kanmon-steps:preprocess"] * 2, *["kanmon-steps:train"] * 2, "kanmon-steps:evaluate"]
    )


def test_a_spot_machine_that_is_taken_away_takes_its_container_with_it(laptop: Laptop) -> None:
    keys = "compute: {preprocess: processing, train: spot, evaluate: processing}\n"
    laptop.add_model("spotted", TINY.format(name="spotted", floor=5.0) + keys)
    laptop.put_object("spotted", rows())
    file = laptop.home / "spot.json"
    # The second machine goes while its program imports its libraries.
    file.write_text('{"interrupted_after": [0, 0.5]}')
    try:
        run = laptop.must("run", "spotted")
    finally:
        file.unlink()

    assert run["verdict"]["ran"]["train"]["rung"] == "spot"
    job = laptop.client("sagemaker").describe_training_job(
        TrainingJobName=f"kanmon-local-{run['run']}-train-spot0"
    )
    passed = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert passed.count("Interrupted") == 2
    running = docker("ps", "--all", "--quiet", "--filter", f"name={job['TrainingJobName']}")
    assert running == []
    undisturbed = laptop.must("run", "spotted", "--force")
    models = [
        laptop.objects(f"runs/spotted/{each['run']}/train/")["model.tar.gz"]
        for each in (run, undisturbed)
    ]
    assert models[0] == models[1]


def test_a_program_gathers_in_its_image_as_its_models_role(laptop: Laptop) -> None:
    tags = [
        {"Key": "kanmon:model", "Value": "fetched"},
        {"Key": "kanmon:stage", "Value": "kanmon-local"},
    ]
    secret = laptop.client("secretsmanager").create_secret(
        Name="shop", SecretString="hunter22", Tags=tags
    )["ARN"]
    keys = f"gather: {{{{secret: '{secret}'}}}}\n"
    laptop.add_model("fetched", (TINY + keys).format(name="fetched", floor=5.0))
    (laptop.root / "models/fetched/gather.py").write_text(
        "from io import BytesIO\n"
        "import boto3, polars\n"
        "def gather(folder, secret):\n"
        "    print('signing in with', secret)\n"
        f"    rows = polars.read_csv(BytesIO({rows().encode()!r}))\n"
        "    rows.write_parquet(folder / 'rows.parquet')\n"
    )

    run = laptop.must("run", "fetched")

    assert run["verdict"]["verdict"] == "promote"
    assert list(laptop.objects("datasets/fetched/")) == ["rows.parquet"]
    logged = laptop.kanmon("logs", run["run"], "--step", "gather").out
    assert "signing in with ***" in logged


@pytest.mark.usefixtures("laptop")
@pytest.mark.parametrize("step", CODE.steps)
def test_an_image_does_not_run_as_root_and_holds_no_compiler(step: str) -> None:
    image = f"kanmon-steps:{step}"
    look = "id -u; for tool in cc c++ gcc g++ clang ld make; do command -v $tool; done; true"

    user = docker("image", "inspect", "--format", "{{.Config.User}}", image)
    found = docker("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", look)

    assert (user, found) == (["10001:10001"], ["10001"])


@pytest.mark.usefixtures("laptop")
@pytest.mark.parametrize("step", CODE.steps)
def test_an_image_has_every_library_that_its_step_loads(step: str) -> None:
    # After a colon is a function that imports in its own way.
    load = "\n".join(
        f"import {module}" + (f"; {module}.{function}()" if function else "")
        for module, _, function in (name.partition(":") for name in CODE.preload[step])
    )

    found = docker(
        *("run", "--rm", "--network", "none", "--entrypoint", "python"),
        *(f"kanmon-steps:{step}", "-c", f"{load}\nprint('loaded')"),
    )

    assert found == ["loaded"]


def started_since(moment: int, model: str = "boxed") -> list[str]:
    """Return the images of the model's steps that were started since then, in their order."""
    words = ("events", "--since", str(moment), "--until", "0s", "--filter", "event=create")
    form = "{{.Actor.Attributes.name}} {{.Actor.Attributes.image}}"
    containers = [line.split() for line in docker(*words, "--format", form)]
    return [image for name, image in containers if name.startswith(f"kanmon-local-{model}-")]


def docker(*words: str) -> list[str]:
    """The lines that the Docker client answers with."""
    answer = subprocess.run([find_client(), *words], capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()
