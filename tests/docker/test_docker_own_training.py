"""The examples of an own train step, from their images to their scores online and in batch: one
based on Kanmon's Train, and one of another kind."""

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from localaws import steps
from localaws.jobs.docker import DockerEngine
from localaws.jobs.images import Images
from localaws.jobs.processes import Processes
from sample_data.churn import generate
from tests.docker.test_docker_loop import started_since
from tests.support.laptop import ROOT, Laptop, deployed

pytestmark = pytest.mark.docker

EXAMPLES = ROOT / "examples" / "own-training"
# The scores of one row, online and in batch, in 32 bits.
ROUNDING = 1e-6


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A project with the examples as its models, and data for both."""
    root = tmp_path_factory.mktemp("laptop")
    with deployed(root, "--docker") as laptop:
        for model in ("linear", "newton"):
            shutil.copytree(EXAMPLES / model, root / "models" / model)
        build(root)
        for model in ("linear", "newton"):
            laptop.put(model, generate().write_csv(), "customers.csv")
        yield laptop


def build(root: Path) -> None:
    """Build beforehand: the first time takes minutes, longer than a run may wait here."""
    code = steps.read(ROOT / "containers", root / "models")
    processes = Processes()
    engine = DockerEngine(processes, code)
    for image in code.images():
        engine.pull(Images(code).image(image))
    processes.close()


@pytest.mark.parametrize("model", ["linear", "newton"])
def test_an_example_is_trained_judged_released_and_scored(laptop: Laptop, model: str) -> None:
    began = int(time.time())

    run = laptop.must("run", model)

    assert run["verdict"]["verdict"] == "promote"
    assert run["verdict"]["ran"]["train"]["why"] == "own image"
    assert f"kanmon-steps:train-{model}" in started_since(began, model)
    parity = next(rule for rule in run["verdict"]["rules"] if rule["name"] == "parity")
    assert parity["outcome"] == "pass"

    laptop.must("approve", model, "--as", "approver", "--watch")
    batch = laptop.must("score-batch", model)
    scored = pl.concat(
        pl.read_parquet(io.BytesIO(content))
        for name, content in laptop.objects(f"batches/{model}/{batch['batch']}/").items()
        if name.startswith("scores/")
    )
    asked = laptop.root / "asked.csv"
    generate().head(20).write_csv(asked)
    answered = laptop.must("score", model, str(asked))["predictions"]

    batched = dict(zip(scored["customer_id"], scored["probability"], strict=True))
    assert len(answered) == 20
    assert all(
        one["probability"] == pytest.approx(batched[one["key"]["customer_id"]], abs=ROUNDING)
        for one in answered
    )


def test_the_same_data_and_image_train_nothing_new_and_another_image_does(laptop: Laptop) -> None:
    again = laptop.must("run", "linear")
    dockerfile = laptop.root / "models/linear/train/Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "ENV ANOTHER=yes\n")
    build(laptop.root)
    other = laptop.must("run", "linear")

    assert again["outcome"] == "nothing new"
    assert other["verdict"]["verdict"] in ("promote", "hold", "reject")
