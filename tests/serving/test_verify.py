"""Verify: only the release that was reviewed goes on, and only if its code scores as recorded."""

import json

import pytest

from shipping.record import Record, ReleaseError, sha256
from shipping.storage import Storage
from shipping.verify import verify
from tests.support.trained_releases import BUCKET, golden, opened, trained


def lines(bundle, s3, **environment):
    storage = Storage(s3, BUCKET)
    return list(verify(bundle.folder, Record.read(bundle.folder), storage, environment))


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_a_release_as_it_was_opened_is_verified(s3, tmp_path, task):
    bundle = opened(tmp_path / "bundle", s3, task)

    printed = lines(bundle, s3, MODEL="shells", RELEASE="7", STACK_NAME="kanmon-test")

    assert printed == [
        "release shells/7",
        f"bundle as recorded: serving code {bundle.document['source']['sha256'][:12]}…",
        f"artifact as recorded: {bundle.document['artifact']['sha256'][:12]}…",
        "40 golden records score as recorded and as in the library",
    ]


def test_a_model_that_no_function_could_hold_is_refused_before_it_is_unpacked(
    bundle, s3, monkeypatch
):
    monkeypatch.setattr("shipping.verify.LARGEST_FUNCTION", 1000)

    with pytest.raises(ReleaseError, match="more than a Lambda function may have; train a smaller"):
        lines(bundle, s3)


def test_verifying_twice_in_one_folder_finds_the_same(bundle, s3):
    assert lines(bundle, s3) == lines(bundle, s3)


def other_artifact(bundle, s3):
    """The key's object was replaced, and the record changed to name the new version."""
    place = bundle.document["artifact"]
    key = place["uri"].removeprefix(f"s3://{BUCKET}/")
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=b"other")["VersionId"]
    bundle.write_record(s3, artifact=place | {"version": version})


def lost_artifact(bundle, s3):
    place = bundle.document["artifact"]
    key = place["uri"].removeprefix(f"s3://{BUCKET}/")
    s3.delete_object(Bucket=BUCKET, Key=key, VersionId=place["version"])


def no_artifact(bundle, s3):
    """Not a tar, though its digest is the recorded one."""
    place = bundle.document["artifact"]
    version = s3.put_object(Bucket=BUCKET, Key="x", Body=b"other")["VersionId"]
    place = {"uri": f"s3://{BUCKET}/x", "version": version, "sha256": sha256(b"other")}
    bundle.write_record(s3, artifact=place)


def other_code(bundle, s3):
    (bundle.folder / "scoring/answer_requests.py").write_text("# quicker\n")


def more_code(bundle, s3):
    (bundle.folder / "scoring/sitecustomize.py").write_text("# hidden\n")


def other_golden(bundle, s3):
    (bundle.folder / "golden.json").write_bytes(b"{}")


def no_golden(bundle, s3):
    (bundle.folder / "golden.json").unlink()


def other_record(bundle, s3):
    """Changed in the bundle alone."""
    document = dict(bundle.document) | {"verdict": "promote"}
    (bundle.folder / "release.json").write_text(json.dumps(document))


def unopened_record(bundle, s3):
    s3.delete_object(Bucket=BUCKET, Key="releases/shells/7/release.json")


def broken_record(bundle, s3):
    (bundle.folder / "release.json").write_text("{")


def no_record(bundle, s3):
    (bundle.folder / "release.json").unlink()


def later_record(bundle, s3):
    bundle.write_record(s3, format=2)


def short_record(bundle, s3):
    document = dict(bundle.document)
    del document["serving"], document["artifact"]
    (bundle.folder / "release.json").write_text(json.dumps(document))


def golden_of(**changes):
    def change(bundle, s3):
        content = golden(trained(), **changes)
        (bundle.folder / "golden.json").write_bytes(content)
        place = bundle.document["golden"] | {"sha256": sha256(content)}
        bundle.write_record(s3, golden=place)

    return change


def raised(name):
    """Other golden records: each number under the name is larger than it is."""

    def change(bundle, s3):
        known = json.loads(golden(trained()))[name]
        golden_of(**{name: [[score + 0.1] for [score] in known]})(bundle, s3)

    return change


def other_task(bundle, s3):
    bundle.write_record(s3, task="binary")


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (other_artifact, r"artifact: s3://\S+/model.tar.gz has changed since the review"),
        (lost_artifact, r"artifact: s3://\S+/model.tar.gz no longer has version \S+;"),
        (no_artifact, "artifact: not a model of Kanmon"),
        (other_code, "the bundle's serving code is not the release's"),
        (more_code, "the bundle's serving code is not the release's"),
        (other_golden, "the bundle's golden.json is not the release's"),
        (no_golden, "the bundle's golden.json is not the release's"),
        (other_record, "the bundle's release.json is not the one that was opened and reviewed"),
        (unopened_record, "the bundle's release.json is not the one that was opened"),
        (broken_record, "release.json is not JSON"),
        (no_record, "the bundle has no release.json"),
        (later_record, "release.json is not of format 1"),
        (short_record, "release.json has no artifact, serving"),
        (other_task, "release, golden records and model have different tasks"),
        (golden_of(format=2), "golden.json cannot be read"),
        (golden_of(tolerance=None), "golden.json cannot be read"),
        (
            raised("scores"),
            "40 of 40 golden records differ from the release's scores by more than 1e-06",
        ),
        (
            raised("native"),
            "40 of 40 golden records differ from the library's scores by more than 0.0001",
        ),
        (
            golden_of(rows=[{"size": "abc", "weight": 1, "colour": "red"}] * 40),
            "golden record 0: size: 'abc' is not a number",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_whatever_differs_from_the_reviewed_release_stops_it_with_one_line(
    bundle, s3, tamper, words
):
    tamper(bundle, s3)

    with pytest.raises(ReleaseError, match=words) as stopped:
        lines(bundle, s3)

    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ({"MODEL": "churn"}, "not of model churn; start"),
        ({"RELEASE": "8"}, "not of release 8; start"),
        ({"STACK_NAME": "kanmon-prod"}, "not of stack kanmon-prod; start"),
    ],
)
def test_the_bundle_of_another_release_is_refused(bundle, s3, variable, words):
    with pytest.raises(ReleaseError, match=words):
        lines(bundle, s3, **variable)


def test_an_answer_of_s3_that_is_no_object_is_reported_in_one_line(bundle, s3):
    storage = Storage(s3, "kanmon-other-bucket")

    with pytest.raises(ReleaseError, match=r"release.json: .*NoSuchBucket"):
        list(verify(bundle.folder, Record.read(bundle.folder), storage, {}))
