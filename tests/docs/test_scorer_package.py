"""The scorer's package as the first release of a stage builds it: by uv alone, from the lock."""

import io
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from shipping import scorer_package
from tests.support.translation import ROOT

pytestmark = pytest.mark.docs


@pytest.mark.parametrize(("architecture", "ending"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_the_package_has_the_locked_libraries_for_lambda_and_needs_no_sam_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, ending: str
) -> None:
    shutil.copytree(ROOT / "serving/scoring", tmp_path / "scoring")
    # Bytecode of this Python does as well here; a build of CodeBuild has Lambda's.
    monkeypatch.setattr(scorer_package, "_target_python", lambda: sys.executable)
    monkeypatch.setenv("PATH", "/nowhere")

    content = scorer_package.built(tmp_path, architecture)

    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    tops = {name.split("/", 1)[0] for name in names}
    compiled = {name.split(".", 1)[1] for name in names if "cpython-3" in name and ".so" in name}
    assert compiled == {f"cpython-313-{ending}-linux-gnu.so"}
    assert {"answer_requests.py", "scorer", "numpy", "onnxruntime", "pydantic"} <= tops
    assert not {"bin", ".lock", "botocore", "boto3"} & tops
    assert any(name.startswith("__pycache__/answer_requests.") for name in names)
