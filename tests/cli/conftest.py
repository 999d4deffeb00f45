"""A project of its own, on a local stage of its own, driven by the command line alone."""

import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kanmon.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = (
    *("containers", "functions/control", "functions/rows", "serving", "stacks", "statemachine"),
    *("template.yaml", "samconfig.toml"),
)

Kanmon = Callable[..., Result]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the repository's platform and no model."""
    root = tmp_path_factory.mktemp("cli") / "project"
    (root / "models").mkdir(parents=True)
    (root / "kanmon").mkdir()
    # Copies: code that is edited while the tests run is not deployed half-way through them.
    for name in COPIED:
        source, copy = REPOSITORY / name, root / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    return root


@pytest.fixture(scope="session")
def environment(root: Path) -> dict[str, str | None]:
    """What the command line runs with, so that nothing of the machine's leaks in."""
    return {
        "KANMON_PROJECT": str(root),
        "KANMON_HOME": str(root / ".kanmon"),
        "KANMON_STAGE": None,
        "KANMON_DEBUG": None,
        "AWS_PROFILE": None,
        "AWS_ENDPOINT_URL": None,
    }


@pytest.fixture(scope="session")
def kanmon(environment: dict[str, str | None]) -> Kanmon:
    """Call the command line as a shell would."""

    def call(*words: str) -> Result:
        return CliRunner(env=environment).invoke(main, list(words), prog_name="kanmon")

    return call


@pytest.fixture(scope="session")
def stage(kanmon: Kanmon) -> Iterator[dict[str, Any]]:
    """A running stage with the platform on it; what `kanmon deploy --json` said."""
    assert kanmon("up").exit_code == 0
    deployed = kanmon("deploy", "--json")
    assert deployed.exit_code == 0, deployed.stderr
    yield json.loads(deployed.stdout)
    kanmon("down", "--erase")


def rows(path: Path, count: int = 400, seed: int = 1, head: str = "id,size,colour,price") -> Path:
    """A table whose price follows from size and colour."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    lines = [head]
    for number in range(count):
        size, colour = chance.uniform(0, 10), chance.choice(("red", "green", "blue"))
        price = 3 * size + 10 * math.sin(size) + 5 * (colour == "red") + chance.gauss(0, 1)
        lines.append(f"{seed}-{number},{size:.3f},{colour},{price:.3f}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def make_model(stage: dict[str, Any], root: Path, kanmon: Kanmon) -> Callable[[str], Path]:
    """Draft a model from a table and give it that table; its data file."""

    def make(name: str) -> Path:
        table = rows(root / f"{name}.csv")
        drafted = kanmon("new-model", name, "--from", str(table), "--target", "price")
        assert drafted.exit_code == 0, drafted.stderr
        path = root / "models" / name / "model.yaml"
        path.write_text(path.read_text().replace("rounds: 1000 ", "rounds: 60 "))
        given = kanmon("put-data", name, str(table))
        assert given.exit_code == 0, given.stderr
        return table

    return make


@pytest.fixture(scope="session")
def first_run(make_model: Callable[[str], Path], kanmon: Kanmon) -> dict[str, Any]:
    """The document of the first run of the model `toys`."""
    make_model("toys")
    result = kanmon("run", "toys", "--json", "--reason", "the first")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document
