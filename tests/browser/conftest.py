"""A stage with a release that waits for a review, its console, and a browser in front of it.

These tests run in an environment of their own (`make test-browser`), so the stage is reached as a
user reaches it: through the command line.
"""

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
    """A project's command line with a stage of its own."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KANMON_HOME": str(self.home), "KANMON_PROJECT": str(PROJECT)}

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


@pytest.fixture(scope="session")
def laptop() -> Iterator[Laptop]:
    """A stage on which abalone's first candidate waits for a review."""
    with tempfile.TemporaryDirectory(prefix="kanmon-browser-") as folder:
        laptop = Laptop(Path(folder) / "home")
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


@pytest.fixture(scope="session")
def address(laptop: Laptop) -> Iterator[str]:
    """The console's address with its key, as printed."""
    console = subprocess.Popen(
        [PROJECT / ".venv/bin/kanmon", "console", "--as", "approver", "--json"],
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
