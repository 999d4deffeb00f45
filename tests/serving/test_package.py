"""Packaging: the function's code is the scorer and exactly this release's model."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from shipping import scorer_package
from shipping.archive import packed
from shipping.package import LOCAL_CODE, check_size, configuration, package, packaged
from shipping.record import Record, ReleaseError, sha256
from shipping.source import tree_digest
from shipping.storage import Storage
from shipping.verify import verify
from tests.support.trained_releases import BUCKET, ENVIRONMENT, ROOT, SERVING


@pytest.fixture
def published(bundle, s3):
    """The bundle, verified, with the scorer's package in the bucket as `kanmon deploy` puts it."""
    scoring = bundle.folder / "scoring"
    content = scorer_package.without_libraries(scoring)
    s3.put_object(Bucket=BUCKET, Key=scorer_package.key(scoring, "arm64"), Body=content)
    list(verify(bundle.folder, Record.read(bundle.folder), Storage(s3, BUCKET), {}))
    return bundle


def run(bundle, s3, **more):
    record = Record.read(bundle.folder)
    return list(package(bundle.folder, record, Storage(s3, BUCKET), ENVIRONMENT | more))


def code_of(bundle):
    template = yaml_parse((bundle.folder / "verified/packaged.yaml").read_text())
    return template["Globals"]["Function"]["CodeUri"]


def test_the_package_is_the_scorer_with_the_releases_model(published, s3):
    run(published, s3)

    code = code_of(published)
    answer = s3.get_object(Bucket=code["Bucket"], Key=code["Key"], VersionId=code["Version"])
    content = answer["Body"].read()
    names = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    assert code["Key"] == f"packages/shells/7/{sha256(content)}.zip"
    assert {name for name in names if name.startswith("model/")} == {
        "model/encoding.json",
        "model/files.json",
        "model/golden.json",
        "model/model.json",
        "model/model.onnx",
    }
    assert {"answer_requests.py", "check_before_traffic.py", "check_after_traffic.py"} <= names
    cache = f"__pycache__/answer_requests.cpython-3{sys.version_info.minor}.pyc"
    assert cache in names
    assert not [name for name in names if "train" in name or name.startswith("shipping")]


def test_a_package_that_is_there_with_other_content_is_not_deployed(published, s3):
    run(published, s3)
    key = code_of(published)["Key"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"other")

    with pytest.raises(ReleaseError, match="exists with other content"):
        run(published, s3)


def test_packaging_again_gives_the_same_object(published, s3):
    run(published, s3)
    first = code_of(published)

    run(published, s3)

    assert code_of(published) == first


def test_the_packaged_function_scores(published, s3, tmp_path):
    run(published, s3)
    code = code_of(published)
    content = s3.get_object(Bucket=code["Bucket"], Key=code["Key"])["Body"].read()
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path / "task")
    program = (
        "import answer_requests as scorer; from types import SimpleNamespace as C; import json;"
        "print(json.dumps(scorer.handler({'check': True, 'row': {}}, C(aws_request_id='r'))))"
    )
    variables = {
        "MODEL": "shells",
        "RELEASE": "7",
        "ARTIFACT_SHA256": published.document["artifact"]["sha256"],
    }

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "task",
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["release"] == 7


def test_configuration_gives_every_parameter_of_the_template_and_no_other(published, s3):
    run(published, s3, PREVIOUS_RELEASE="5")

    settings = json.loads((published.folder / "verified/configuration.json").read_text())
    template = yaml_parse((ROOT / "serving/serving.yaml").read_text())
    spread = json.loads((published.folder / "golden.json").read_text())["spread"]
    assert float(settings["Parameters"].pop("ScoreSpread")) == pytest.approx(spread)
    # Only a withdrawal sets Withdrawn.
    given = set(template["Parameters"]) - {"ScoreSpread", "Withdrawn"}
    assert set(settings["Parameters"]) == given
    assert settings == {
        "Parameters": {
            "Model": "shells",
            "Release": "7",
            "PreviousRelease": "5",
            "ArtifactSha256": published.document["artifact"]["sha256"],
            "MemoryMb": "512",
            "TimeoutSeconds": "10",
            "Concurrency": "10",
            "CaptureShare": "0.1",
            "FunctionArchitecture": "arm64",
            "Canary": "Canary10Percent5Minutes",
            "MaximumLatencyMs": "500",
            "MaximumScoreShift": "0.5",
            "DataBucket": BUCKET,
            "NotificationsTopicArn": ENVIRONMENT["NOTIFICATIONS_TOPIC_ARN"],
            "LogRetentionDays": "30",
            "PermissionsBoundaryArn": ENVIRONMENT["PERMISSIONS_BOUNDARY_ARN"],
        },
        "Tags": {"kanmon:stack": "kanmon-test", "kanmon:model": "shells"},
    }


@pytest.mark.parametrize(
    ("champion", "variable", "previous"),
    [
        ({"release": 6}, {}, "6"),
        ({"release": 6}, {"PREVIOUS_RELEASE": "9"}, "9"),  # promoted since the release was opened
        ({"release": 6}, {"PREVIOUS_RELEASE": "none"}, "none"),
        ({"release": 6}, {"PREVIOUS_RELEASE": ""}, "6"),
        ({"release": 6}, {"PREVIOUS_RELEASE": "7"}, "none"),  # the release itself, brought back
        (None, {}, "none"),
    ],
)
def test_the_release_to_compare_with_is_the_one_in_service(champion, variable, previous):
    document = {
        "model": "shells",
        "release": 7,
        "stack": "kanmon-test",
        "serving": SERVING,
        "champion": champion,
        "artifact": {"uri": "s3://b/k", "version": "v", "sha256": "0" * 64},
    }

    settings = configuration(Record(b"", document), 0.0, ENVIRONMENT | variable, "arm64")

    assert settings["Parameters"]["PreviousRelease"] == previous
    # A model with constant scores has no spread, which must not divide by zero.
    assert settings["Parameters"]["ScoreSpread"] == "0.000000001"


def test_only_the_template_of_this_code_is_packaged():
    assert packaged(f"a\n{LOCAL_CODE}b\n", {"Key": "k"}) == 'a\n    CodeUri: {"Key": "k"}\nb\n'
    with pytest.raises(ReleaseError, match="exactly once"):
        packaged("a\n", {})


def test_a_package_larger_than_lambda_takes_is_refused_with_both_sizes(monkeypatch):
    monkeypatch.setattr("shipping.package.LARGEST_FUNCTION", 26_000_000)
    whole = packed({"model/model.onnx": bytes(20_000_000), "libraries": bytes(8_000_000)})

    with pytest.raises(ReleaseError) as refused:
        check_size(whole, 20_000_000)

    assert str(refused.value).startswith(
        "the scoring function has 28 MB unpacked, 20 MB of them the model, and Lambda "
        "allows 26 MB; train a smaller model"
    )


def test_packaging_without_verifying_is_refused(bundle, s3):
    scoring = bundle.folder / "scoring"
    s3.put_object(Bucket=BUCKET, Key=scorer_package.key(scoring, "arm64"), Body=packed({"a": b""}))

    with pytest.raises(ReleaseError, match="run `make verify` first"):
        run(bundle, s3)


def test_without_the_scorers_package_and_what_builds_it_the_fix_is_reported(
    bundle, s3, monkeypatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(scorer_package, "_folder_of_uv", lambda: Path("/nowhere"))

    with pytest.raises(ReleaseError, match="`kanmon deploy` publishes it"):
        run(bundle, s3)


def test_the_scorers_package_is_another_for_other_code_or_another_processor(bundle):
    scoring = bundle.folder / "scoring"
    keys = {scorer_package.key(scoring, "arm64"), scorer_package.key(scoring, "x86_64")}
    (scoring / "answer_requests.py").write_text("# other\n")
    keys.add(scorer_package.key(scoring, "arm64"))

    assert len(keys) == 3
    assert all(key.startswith("packages/base/") and key.endswith(".zip") for key in keys)


def test_a_tree_has_the_same_digest_wherever_it_is_and_whatever_was_made_beside_it(bundle):
    digest = tree_digest(bundle.folder / "scoring")
    cache = bundle.folder / "scoring/__pycache__"
    cache.mkdir()
    (cache / "score.cpython-311.pyc").write_bytes(b"")

    assert tree_digest(bundle.folder / "scoring") == digest
    assert tree_digest(ROOT / "serving/scoring") == digest


def test_a_zip_depends_on_its_content_only():
    first = packed({"b": b"1", "a": b"2"})

    assert packed({"a": b"2", "b": b"1"}) == first
    assert packed({"c": b"3"}, onto=first) == packed({"c": b"3"}, onto=first)
    assert zipfile.ZipFile(io.BytesIO(packed({"c": b"3"}, onto=first))).namelist() == [
        "a",
        "b",
        "c",
    ]
