"""Take the README's pictures from a running local stage: `make pictures`.

A stage of its own trains abalone twice. The second candidate is compared with the first, on the
review page. Its canary, slowed down, is on the console's page.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PROJECT = Path(__file__).parents[1]
PICTURES = PROJECT / "docs" / "pictures"
KANMON = PROJECT / ".venv/bin/kanmon"
DATA = PROJECT / "datasets/abalone/abalone.csv"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The sandbox needs rights that a container's root has not; only our own pages are opened here.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

CANARY_SECONDS = 60  # long enough to be seen; five minutes on AWS
SECONDS_PER_SECOND = 300 / CANARY_SECONDS
PATIENCE_SECONDS = 120

WIDTH = 900
SHARPNESS = 1.5  # dots of a picture for each of the page's
COLOURS = 64  # the pages use few, and a picture stays well below 100 kB
LARGEST_BYTES = 100_000


class Stage:
    """A local stage in a folder of its own, reached through the command line."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ,
            "KANMON_HOME": str(home),
            "KANMON_PROJECT": str(PROJECT),
            "KANMON_TIME_SCALE": f"{SECONDS_PER_SECOND:g}",
        }

    def kanmon(self, *words: str) -> dict:
        """Run a command; its JSON."""
        done = subprocess.run(
            [KANMON, *words, "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def console(self) -> Iterator[str]:
        """The operator's console; its address with its key."""
        console = subprocess.Popen(
            [KANMON, "console", "--as", "operator", "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            # It runs on after its JSON, which ends with the line that closes it.
            lines = list(iter(console.stdout.readline, "}\n"))
            yield json.loads("".join(lines) + "}")["address"]
        finally:
            console.terminate()
            console.wait(10)


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A stage with abalone's first release in service."""
    with tempfile.TemporaryDirectory(prefix="kanmon-pictures-") as home:
        made = Stage(Path(home))
        try:
            made.kanmon("up")
            made.kanmon("deploy")
            made.kanmon("put-data", "abalone", str(DATA))
            made.kanmon("run", "abalone")
            made.kanmon("approve", "abalone", "--reason", "the first release", "--watch")
            yield made
        finally:
            made.kanmon("down", "--erase")


def extent(page: Page, selector: str) -> tuple[float, float]:
    """Where the first element that the selector names begins and ends, from the top of the page."""
    box = page.locator(selector).first.bounding_box()
    return box["y"], box["y"] + box["height"]


def cut(page: Page, above: float, below: float) -> Image.Image:
    """A strip of the page, as wide as the page."""
    clip = {"x": 0, "y": above, "width": WIDTH, "height": below - above}
    return Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip)))


def save(name: str, image: Image.Image) -> None:
    path = PICTURES / name
    few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(PROJECT)}  {few.width} × {few.height}  {size / 1000:.0f} kB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"{path.name} is larger than {LARGEST_BYTES / 1000:.0f} kB")


def review_page(page: Page, stage: Stage, reference: str) -> None:
    """The verdict, the chart of all metrics and what would change."""
    page.goto(Path(stage.kanmon("review", reference)["path"]).as_uri())
    _, verdict_ends = extent(page, "#verdict .top")
    save("review.png", cut(page, 0, verdict_ends + 8))


def canary(page: Page, stage: Stage, reference: str) -> None:
    """The model's page in the console while two releases share its calls."""
    model, _ = reference.split("/")
    stage.kanmon("approve", reference, "--reason", "looked at every segment")
    with stage.console() as address:
        page.goto(address)
        until = time.monotonic() + PATIENCE_SECONDS
        while len(stage.kanmon("show", reference)["traffic"]) < 2:
            if time.monotonic() > until:
                raise SystemExit(f"the canary of {reference} did not begin")
            time.sleep(0.2)
        page.goto(f"{address.split('/?')[0]}/models/{model}")
        history_begins, _ = extent(page, "section[aria-labelledby=history]")
        save("canary.png", cut(page, 0, history_begins - 8))


def main() -> None:
    if CHROMIUM is None:
        raise SystemExit("there is no Chromium on this machine; install it, then try again")
    PICTURES.mkdir(exist_ok=True)
    with stage() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 800}, device_scale_factor=SHARPNESS
        )
        run = made.kanmon("run", "abalone", "--set", "learning_rate=0.1")
        reference = f"abalone/{run['release']}"
        review_page(page, made, reference)
        canary(page, made, reference)
        browser.close()


if __name__ == "__main__":
    main()
