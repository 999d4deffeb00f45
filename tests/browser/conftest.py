"""A stage with a release that waits for a review, its console, and a browser in front of it.

These tests run in an environment of their own (`make test-browser`), so the stage is reached as a
user reaches it: through the command line.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).parents[2]
COPIED = (
    *("containers", "functions/control", "functions/rows", "serving", "stacks", "statemachine"),
    *("template.yaml", "samconfig.toml"),
)
CANARY = "serving: {canary: Linear10PercentEvery10Minutes}\n"
# A linear canary takes five minutes: as long as a test needs. A first release has none.
TIME_SCALE = "20"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The sandbox needs rights that a container's root has not; nothing foreign is opened here.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Laptop:
    """A project of its own, and its command line with a stage of its own."""

    project: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {"KANMON_HOME": str(self.project / ".kanmon"), "KANMON_PROJECT": str(self.project)}
        return {**os.environ, **own, "KANMON_TIME_SCALE": TIME_SCALE}

    def kanmon(self, *words: str) -> Any:
        """Run a verb; its JSON."""
        done = subprocess.run(
            [PROJECT / ".venv/bin/kanmon", *words, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def copied(folder: Path) -> Path:
    """A project with abalone alone, whose canary is slow."""
    (folder / "kanmon").mkdir()
    for name in (*COPIED, "models/abalone"):
        source, copy = PROJECT / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    with (folder / "models/abalone/model.yaml").open("a") as definition:
        definition.write(CANARY)
    return folder


@pytest.fixture(scope="session")
def laptop() -> Iterator[Laptop]:
    """A stage on which abalone's first candidate waits for a review."""
    with tempfile.TemporaryDirectory(prefix="kanmon-browser-") as folder:
        laptop = Laptop(copied(Path(folder)))
        try:
            for words in (
                ["up"],
                ["deploy"],
                ["put-data", "abalone", str(PROJECT / "datasets/abalone/abalone.csv")],
                ["run", "abalone"],
            ):
                laptop.kanmon(*words)
            yield laptop
        finally:
            subprocess.run(
                [PROJECT / ".venv/bin/kanmon", "down", "--erase"],
                env=laptop.environment,
                capture_output=True,
                check=False,
            )


@contextlib.contextmanager
def console(laptop: Laptop, role: str) -> Iterator[str]:
    """A console as that role; its address with its key, as printed."""
    console = subprocess.Popen(
        [PROJECT / ".venv/bin/kanmon", "console", "--as", role, "--json"],
        env=laptop.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert console.stdout is not None
        # It goes on after its document: that ends with the line that closes it.
        lines = list(iter(console.stdout.readline, "}\n"))
        yield json.loads("".join(lines) + "}")["address"]
    finally:
        console.terminate()
        console.wait(10)


@pytest.fixture(scope="session")
def address(laptop: Laptop) -> Iterator[str]:
    """The approver's console."""
    with console(laptop, "approver") as address:
        yield address


@pytest.fixture(scope="session")
def operators_address(laptop: Laptop) -> Iterator[str]:
    """The operator's console."""
    with console(laptop, "operator") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that is in the console, with scripts switched off: none is needed."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@pytest.fixture
def audited(browser: Browser, address: str) -> Iterator[Page]:
    """A page in which axe-core can run, past the console's policy against scripts."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


def violations(page: Page) -> list[str]:
    """What axe-core objects to, a line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']][:3]}"
        for one in found
    ]
