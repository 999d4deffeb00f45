"""Small folders of step code for tests: an empty package for each step, and the settings."""

from pathlib import Path

from localaws import steps
from localaws.steps import Steps

NAMES = ("prepare", "fit", "check")
SETTINGS = """
steps = ["prepare", "fit", "check"]
shared = ["contract"]
built_with = ["requirements.txt", "Dockerfile"]
late_variables = ["SHOP_"]
"""


def make_steps(folder: Path, settings: str = SETTINGS) -> Steps:
    """Three steps that do nothing and one folder that they share."""
    folder.mkdir(exist_ok=True)
    for name in ("contract", *NAMES):
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
        (folder / name / "__main__.py").touch()
    (folder / "requirements.txt").write_text("polars==2.1\n")
    (folder / "localaws.toml").write_text(settings)
    return steps.read(folder)
