"""Take the README's pictures from a running local stage: `make pictures`.

A stage of its own trains abalone twice. The second candidate is compared with the first, on the
review page. Its canary, slowed down, is on the console's page.
"""

import io
import shutil
import time
from pathlib import Path

from picture_stage import PICTURES, PROJECT, Stage, stage
from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The sandbox needs rights that a container's root has not; only our own pages are opened here.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

PATIENCE_SECONDS = 120

WIDTH = 900
SHARPNESS = 1.5  # dots of a picture for each of the page's
COLOURS = 64  # the pages use few, and a picture stays well below 100 kB
LARGEST_BYTES = 100_000


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
