"""The scoring function of a release, packaged for AWS, on Lambda's Python 3.13 in a container."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shipping import scorer_package
from shipping.package import package
from shipping.record import Record
from shipping.storage import Storage
from shipping.verify import verify
from tests.support.sam_cli import SAM, invoke_scoring, python_3_13
from tests.support.trained_releases import BUCKET, ENVIRONMENT, golden, opened, trained

pytestmark = pytest.mark.docker
TASK = "binary"
Invoke = Callable[[Any], tuple[Any, str]]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what Verify makes of a release for x86_64, its package unpacked beside it."""
    folder = tmp_path_factory.mktemp("release") / "bundle"
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("PATH", f"{SAM.parent}:{python_3_13()}:{os.environ['PATH']}")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        versioning = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versioning)
        opened(folder, s3, TASK)
        record, storage = Record.read(folder), Storage(s3, BUCKET)
        list(verify(folder, record, storage, {}))
        environment = ENVIRONMENT | {"FUNCTION_ARCHITECTURE": "x86_64"}
        printed = list(package(folder, record, storage, environment))
        assert printed[0].startswith("built the scorer's package: packages/base/")
        text = (folder / "verified/packaged.yaml").read_text()
        [line] = [line for line in text.splitlines() if line.startswith("    CodeUri: ")]
        code = json.loads(line.partition("CodeUri: ")[2])
        content = s3.get_object(Bucket=BUCKET, Key=code["Key"])["Body"].read()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(folder / "task")
        (folder / "template.yaml").write_text(text.replace(line, "    CodeUri: task/"))
        yield folder


@pytest.fixture(scope="module")
def invoke(packaged: Path) -> Invoke:
    """Invoke the scoring function in a container; its answer, and what it wrote to its log."""
    settings = json.loads((packaged / "verified/configuration.json").read_text())["Parameters"]
    given = [f"{name}={value}" for name, value in settings.items()]

    def call(event: Any) -> tuple[Any, str]:
        return invoke_scoring(packaged, given, event)

    return call


def test_the_golden_records_score_in_lambdas_python_as_on_the_machine_that_trained(
    invoke: Invoke,
) -> None:
    from scorer.golden import Golden

    known = Golden.from_json(golden(trained(TASK)))

    answer, _ = invoke(known.request())

    assert (answer["model"], answer["release"], answer["status"]) == ("shells", 7, 200)
    assert known.differences(answer) == []


def test_a_request_by_the_function_url_is_answered_and_measured(invoke: Invoke) -> None:
    good = {"size": 1.5, "weight": 2.0, "colour": "red"}
    event = {
        "version": "2.0",
        "rawPath": "/score",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/score"}, "stage": "$default"},
        "body": json.dumps({"rows": [good, {**good, "size": "x"}]}),
        "isBase64Encoded": False,
    }

    answer, log = invoke(event)

    assert answer["statusCode"] == 200
    document = json.loads(answer["body"])
    assert [entry["row"] for entry in document["predictions"]] == [0]
    assert [error["row"] for error in document["errors"]] == [1]
    assert '"Namespace":"Kanmon"' in log


def test_the_openapi_document_can_be_had_from_the_package(invoke: Invoke) -> None:
    event = {
        "version": "2.0",
        "rawPath": "/openapi.json",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/openapi.json"}, "stage": "$default"},
    }

    answer, _ = invoke(event)

    assert json.loads(answer["body"])["openapi"] == "3.1.0"


def test_the_package_has_bytecode_for_python_3_13_and_fits_into_lambda(packaged: Path) -> None:
    files = [path for path in (packaged / "task").rglob("*") if path.is_file()]
    compiled = {path.name.split(".", 1)[1] for path in files if path.suffix == ".so"}

    assert sum(path.stat().st_size for path in files) < 250_000_000
    assert (packaged / "task/__pycache__/answer_requests.cpython-313.pyc").is_file()
    assert list((packaged / "task/numpy/__pycache__").glob("*.cpython-313.pyc"))
    assert not [name for name in compiled if "cpython-311" in name or "aarch64" in name]
    assert scorer_package.key(packaged / "scoring", "x86_64") != scorer_package.key(
        packaged / "scoring", "arm64"
    )
