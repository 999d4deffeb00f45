"""What gather.py wrote becomes the model's data: only what changed, and all of it or nothing."""

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from contract import data_files
from contract.paths import Paths
from contract.step import MESSAGE_BYTES, StepError
from gather import __main__ as step
from gather.storing import Stored, files_in, store, undisturbed

BUCKET, PREFIX = "data", "datasets/crm/"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:crm-1a2B3c"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    return folder


def versions(s3: Any) -> list[str]:
    found = s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
    return [each["Key"] for each in found]


def left_open(s3: Any) -> list[Any]:
    return list(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


def test_files_are_stored_under_their_names_and_others_stay(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}by-hand.csv", Body=b"x\n")

    stored = store(s3, BUCKET, PREFIX, files_in(written(tmp_path / "data", a="1\n", b="2\n")))

    assert stored == Stored(["a.csv", "b.csv"], [], 4)
    assert versions(s3) == [f"{PREFIX}{name}.csv" for name in ("a", "b", "by-hand")]
    assert s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}a.csv")["Body"].read() == b"1\n"


def test_a_file_that_did_not_change_is_not_stored_again(s3: Any, tmp_path: Path) -> None:
    folder = written(tmp_path / "data", a="1\n", b="2\n")
    store(s3, BUCKET, PREFIX, files_in(folder))

    again = store(s3, BUCKET, PREFIX, files_in(written(folder, b="3\n")))

    assert again == Stored(["b.csv"], ["a.csv"], 4)
    assert versions(s3).count(f"{PREFIX}a.csv") == 1


def test_a_file_that_put_data_uploaded_is_known_again(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "data", a="1\n", b="x" * 12)
    for name in ("a.csv", "b.csv"):  # in one piece, as put-data does with small files
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}{name}", Body=(folder / name).read_bytes())

    assert store(s3, BUCKET, PREFIX, files_in(folder)).written == []


def test_a_large_file_is_stored_in_parts(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "PART", 5 << 20)  # S3's smallest
    folder = written(tmp_path / "data", a="x" * ((5 << 20) + 1))

    first = store(s3, BUCKET, PREFIX, files_in(folder))
    again = store(s3, BUCKET, PREFIX, files_in(folder))

    assert (first.written, again.written) == (["a.csv"], [])
    assert s3.head_object(Bucket=BUCKET, Key=f"{PREFIX}a.csv")["ETag"].endswith('-2"')


class Broken:
    """S3 that fails from a moment on."""

    def __init__(self, s3: Any, call: str, after: int) -> None:
        self._s3, self._call, self._after = s3, call, after

    def __getattr__(self, name: str) -> Any:
        if name == self._call:
            self._after -= 1
            if self._after < 0:
                answer: Any = {"Error": {"Code": "InternalError", "Message": "out of order"}}
                raise ClientError(answer, name)
        return getattr(self._s3, name)


@pytest.mark.parametrize("call", ["create_multipart_upload", "upload_part"])
def test_where_one_file_cannot_be_sent_nothing_changes(s3: Any, tmp_path: Path, call: str) -> None:
    folder = written(tmp_path / "data", a="1\n", b="2\n", c="3\n")

    with pytest.raises(ClientError):
        store(Broken(s3, call, after=1), BUCKET, PREFIX, files_in(folder))

    assert versions(s3) == []
    assert left_open(s3) == []


def test_a_job_that_is_to_end_sends_no_other_part_and_changes_nothing(
    s3: Any, tmp_path: Path
) -> None:
    folder = written(tmp_path / "data", **{f"f{number}": "1\n" for number in range(40)})
    asked: list[str] = []

    class Ending(Broken):
        """The platform asks to end while the first file is sent."""

        def upload_part(self, **request: Any) -> Any:
            asked.append(request["Key"])
            if len(asked) == 1:
                raise SystemExit(143)
            return s3.upload_part(**request)

    with pytest.raises(SystemExit):
        store(Ending(s3, "", after=0), BUCKET, PREFIX, files_in(folder))

    assert len(asked) < 40
    assert versions(s3) == []
    assert left_open(s3) == []


def test_what_is_being_completed_is_not_disturbed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with undisturbed():
        os.kill(os.getpid(), signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", "x", "gather.py wrote 'notes.txt': notes.txt is not a data file; rename"),
        (".part.csv", "x", "gather.py wrote '.part.csv': .part.csv is hidden: no step reads a"),
        ("a.csv", "", "gather.py wrote 'a.csv', which is empty; write rows into it"),
        ("deep/a.csv", "x", "gather.py made 'deep', which is no file; write files into the fold"),
    ],
)
def test_what_cannot_be_data_is_refused(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)

    with pytest.raises(StepError) as error:
        files_in(tmp_path)

    assert str(error.value).startswith(words)


def test_a_link_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to("/etc/hostname")

    with pytest.raises(StepError, match=r"gather.py made 'a.csv', which is no file"):
        files_in(tmp_path)


def test_to_write_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"gather.py wrote nothing; let it write data files into"):
        files_in(tmp_path)


@given(st.lists(st.text(min_size=1, max_size=60), max_size=60))
def test_the_last_words_name_what_was_stored_as_far_as_there_is_room(names: list[str]) -> None:
    message = Stored(names, ["old.csv"], 12).message("0a1b2c3d4e5f")

    document = json.loads(message)
    assert len(message.encode("utf-8", "surrogatepass")) <= MESSAGE_BYTES
    assert document["names"] == names[: len(document["names"])]
    assert (document["files"], document["written"]) == (len(names) + 1, len(names))


# ---- the whole step


def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, secret: str = "") -> Paths:
    (tmp_path / "processing/input/definition").mkdir(parents=True)
    (tmp_path / "processing/input/definition/gather.py").write_text(code)
    monkeypatch.setenv("KANMON_MODEL", "crm")
    monkeypatch.setenv("KANMON_DATA", f"s3://{BUCKET}/{PREFIX}")
    monkeypatch.setenv("KANMON_SECRET", secret)
    return Paths(tmp_path / "processing")


WRITES = "def gather(folder, secret):\n    (folder / 'a.csv').write_text(str(secret))\n"


def test_the_step_gives_the_program_its_secret_and_stores_its_files(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = boto3.client("secretsmanager").create_secret(Name="crm", SecretString="hunter22")
    paths = job(tmp_path, monkeypatch, WRITES, secret["ARN"])

    step.main(paths)

    assert s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}a.csv")["Body"].read() == b"hunter22"
    assert json.loads(paths.message.read_text()) == {
        "program": hashlib.sha256(WRITES.encode()).hexdigest()[:12],
        "files": 1,
        "bytes": 8,
        "written": 1,
        "names": ["a.csv"],
    }
    assert "stored s3://data/datasets/crm/a.csv" in capsys.readouterr().out
    assert not list((tmp_path / "processing").glob("gather-*"))


def test_a_program_that_fails_stores_nothing(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = job(tmp_path, monkeypatch, WRITES + "    raise OSError('the end')\n")

    with pytest.raises(StepError, match=r"^gather.py line 3: OSError: the end$"):
        step.main(paths)

    assert versions(s3) == []


def test_a_secret_that_is_not_there_is_named(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StepError, match=f"there is no secret {ARN}; correct gather.secret in"):
        step.main(job(tmp_path, monkeypatch, WRITES, ARN))


def test_a_secret_of_bytes_is_refused(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = boto3.client("secretsmanager").create_secret(Name="crm", SecretBinary=b"\xff")

    with pytest.raises(StepError, match=r"has no text; store one, which gather.py is given"):
        step.main(job(tmp_path, monkeypatch, WRITES, secret["ARN"]))


def test_without_the_file_the_model_is_to_be_published_again(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = job(tmp_path, monkeypatch, WRITES)
    (paths.input("definition") / "gather.py").unlink()

    with pytest.raises(StepError, match=r"missing, but model.yaml has gather; publish the model"):
        step.main(paths)
