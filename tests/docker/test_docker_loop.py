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


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A project whose local stage runs jobs in the built images."""
    build_images()
    root = tmp_path_factory.mktemp("laptop")
    with deployed(root, "--docker") as laptop:
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


def started_since(moment: int) -> list[str]:
    """Return the images of the steps that were started since then, in their order."""
    words = ("events", "--since", str(moment), "--until", "0s", "--filter", "event=create")
    form = "{{.Actor.Attributes.name}} {{.Actor.Attributes.image}}"
    containers = [line.split() for line in docker(*words, "--format", form)]
    return [image for name, image in containers if name.startswith("kanmon-local-boxed-")]


def docker(*words: str) -> list[str]:
    """The lines that the Docker client answers with."""
    answer = subprocess.run([find_client(), *words], capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()
