"""A release that the pipeline promoted, invoked as AWS would run it: Python 3.13 in a container."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.laptop import ROOT, Laptop, answered, deployed, rows
from tests.support.sam_cli import SAM, invoke_scoring, python_3_13

pytestmark = pytest.mark.docker
NETWORK = ("UV_", "PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage whose functions are for this machine's processor, with a release in service.

    The laptop's own package of the scorer is taken away first, so the build that verifies the
    release makes the one for AWS, with uv.
    """
    with pytest.MonkeyPatch.context() as patch:
        # Builds inherit the stage's PATH: this Python compiles the package.
        patch.setenv("PATH", f"{python_3_13()}:{SAM.parent}:{os.environ['PATH']}")
        yield from promoted(tmp_path_factory.mktemp("laptop"))


def promoted(root: Path) -> Iterator[Laptop]:
    with deployed(root) as laptop:
        settings = laptop.root / "samconfig.toml"
        settings.unlink()
        text = (ROOT / "samconfig.toml").read_text()
        local = 'parameter_overrides = "Stage=local '
        settings.write_text(text.replace(local, f"{local}FunctionArchitecture=x86_64 "))
        answered(laptop.shell("deploy", "--json"))
        s3, bucket = laptop.client("s3"), laptop.outputs["DataBucketName"]
        for made in s3.list_objects_v2(Bucket=bucket, Prefix="packages/base/")["Contents"]:
            s3.delete_object(Bucket=bucket, Key=made["Key"])
        reach_the_package_index(laptop)
        laptop.add_model("boxed")
        laptop.put("boxed", rows())
        laptop.must("run", "boxed")
        laptop.must("approve", "boxed", "--as", "approver", "--watch")
        yield laptop


def reach_the_package_index(laptop: Laptop) -> None:
    """Give builds this machine's own way to the package index: they inherit none."""
    codebuild = laptop.client("codebuild")
    name = laptop.outputs["VerifyProjectName"]
    environment = codebuild.batch_get_projects(names=[name])["projects"][0]["environment"]
    environment["environmentVariables"] += [
        {"name": variable, "value": value, "type": "PLAINTEXT"}
        for variable, value in os.environ.items()
        if variable.upper().startswith(NETWORK)
    ]
    codebuild.update_project(name=name, environment=environment)


@pytest.fixture(scope="module")
def unpacked(laptop: Laptop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the promoted package and the template that runs it."""
    folder = tmp_path_factory.mktemp("promoted")
    s3, bucket = laptop.client("s3"), laptop.outputs["DataBucketName"]
    [code] = s3.list_objects_v2(Bucket=bucket, Prefix="packages/boxed/1/")["Contents"]
    content = s3.get_object(Bucket=bucket, Key=code["Key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder / "scoring")
    shutil.copy(ROOT / "serving/serving.yaml", folder / "template.yaml")
    return folder


def parameters(laptop: Laptop) -> list[str]:
    """What the serving stack was deployed with."""
    stack = laptop.client("cloudformation").describe_stacks(StackName="kanmon-local-serving-boxed")
    given = stack["Stacks"][0]["Parameters"]
    return [f"{one['ParameterKey']}={one['ParameterValue']}" for one in given]


def test_the_promoted_release_answers_in_a_container_as_it_does_in_service(
    laptop: Laptop, unpacked: Path
) -> None:
    event = {
        "rows": [{"a": 1.5, "b": "u"}, {"a": None, "b": "never seen"}, {"a": "wrong", "b": "u"}]
    }
    champion = next(one for one in laptop.must("releases", "boxed") if one["in_service"])
    live = laptop.client("lambda").invoke(
        FunctionName=f"{function_of(laptop)}:live", Payload=json.dumps(event)
    )

    answer, _ = invoke_scoring(unpacked, parameters(laptop), event)

    in_service = json.loads(live["Payload"].read())
    assert (answer["model"], answer["release"]) == ("boxed", champion["release"])
    assert len(answer["predictions"]) == 2
    for here, there in zip(answer["predictions"], in_service["predictions"], strict=True):
        assert here == {**there, "prediction": pytest.approx(there["prediction"], rel=1e-5)}
    assert answer["errors"] == in_service["errors"]


def function_of(laptop: Laptop) -> str:
    found = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local-serving-boxed", LogicalResourceId="ScoringFunction"
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
