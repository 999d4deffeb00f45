"""The SAM CLI's word on the templates, and what its build puts into the functions' package."""

import sys
from pathlib import Path

import pytest

from kanmon.deployment import platform
from tests.support.sam_cli import SAM, copy_to, sam
from tests.support.translation import ROOT, source

# On one worker: they share what they build.
pytestmark = [pytest.mark.docs, pytest.mark.xdist_group("sam_build")]


@pytest.mark.parametrize("template", ["template.yaml", "serving/serving.yaml"])
def test_the_sam_cli_accepts_the_template(template: str) -> None:
    words = ("validate", "--lint", "--template", template)

    said = sam(*words, folder=ROOT, AWS_DEFAULT_REGION="us-east-1")

    assert "is a valid SAM Template" in said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of a fresh checkout where this is the one Python, as `kanmon deploy` makes it."""
    checkout = copy_to(tmp_path_factory.mktemp("checkout"))
    programs = checkout / "bin"
    programs.mkdir()
    this_version = f"python3.{sys.version_info.minor}"
    for name in ("python3", this_version):
        (programs / name).symlink_to(sys.executable)

    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("PATH", str(programs))
        shell.setenv("AWS_DEFAULT_REGION", "us-east-1")
        platform.call([str(SAM), "build"], checkout, "sam build")

    return checkout / ".aws-sam" / "build"


def packages(built: Path) -> list[Path]:
    """The functions' packages; the dashboard's template has a folder, too."""
    return [entry for entry in built.iterdir() if (entry / "requirements.txt").is_file()]


def test_one_small_package_serves_all_functions(built: Path) -> None:
    [package] = packages(built)
    size = sum(file.stat().st_size for file in package.rglob("*") if file.is_file())

    assert size < 25_000_000
    for entry in source()["Resources"].values():
        if entry["Type"] == "AWS::Serverless::Function":
            assert (package / entry["Properties"]["Handler"].replace(".handler", ".py")).is_file()


def test_compiled_parts_are_for_the_functions_python_and_processor(built: Path) -> None:
    compiled = {file.name.split(".", 1)[1] for file in built.rglob("*.so")}

    assert compiled == {"cpython-313-aarch64-linux-gnu.so"}


def test_the_package_brings_no_sdk_of_its_own(built: Path) -> None:
    [package] = packages(built)

    assert not {"boto3", "botocore", "numpy", "sagemaker"} & {p.name for p in package.iterdir()}


def test_the_review_pages_template_is_packed(built: Path) -> None:
    assert list(built.glob("*/core/review/*.jinja"))
