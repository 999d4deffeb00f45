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


def package_of(built: Path, module: str) -> Path:
    """The functions' package with this module; the dashboard's template has a folder, too."""
    packages = [entry for entry in built.iterdir() if (entry / "requirements.txt").is_file()]
    [found] = [entry for entry in packages if (entry / module).is_file()]
    assert len(packages) == 2
    return found


def size(package: Path) -> int:
    return sum(file.stat().st_size for file in package.rglob("*") if file.is_file())


def test_one_small_package_serves_all_functions_but_the_one_that_reads_parquet(
    built: Path,
) -> None:
    package = package_of(built, "open_run.py")

    assert size(package) < 25_000_000
    for name, entry in source()["Resources"].items():
        if entry["Type"] == "AWS::Serverless::Function" and name != "HashRowsFunction":
            assert (package / entry["Properties"]["Handler"].replace(".handler", ".py")).is_file()


def test_the_package_that_reads_parquet_fits_into_lambda(built: Path) -> None:
    package = package_of(built, "hash_rows.py")

    assert size(package) < 150_000_000  # Lambda takes 250 MB
    assert (package / "file_sum.py").is_file()
    assert (package / "duckdb").is_dir()


# What an ELF file says it runs on, two bytes from its eighteenth.
AARCH64 = (183).to_bytes(2, "little")


def test_compiled_parts_are_for_the_functions_python_and_processor(built: Path) -> None:
    files = list(built.rglob("*.so"))
    compiled = {file.name.split(".", 1)[1] for file in files}

    assert compiled <= {"cpython-313-aarch64-linux-gnu.so", "abi3.so"}
    assert {file.read_bytes()[18:20] for file in files} == {AARCH64}


def test_the_package_brings_no_sdk_of_its_own(built: Path) -> None:
    package = package_of(built, "open_run.py")

    assert not {"boto3", "botocore", "numpy", "sagemaker"} & {p.name for p in package.iterdir()}


def test_the_review_pages_template_is_packed(built: Path) -> None:
    assert list(built.glob("*/core/review/*.jinja"))
