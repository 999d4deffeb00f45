"""What breaks a step from outside ends in one line that says what to do."""

from pathlib import Path

import botocore.session
import polars as pl
import pytest
from botocore.config import Config

from contract import step
from contract.plan import Plan
from contract.rows import read_rows
from contract.step import StepError
from reading.source import DataObject, fetch


@pytest.mark.parametrize(
    "content", ["[]", "null", '{"definition": null}', '{"definition": 7}', "{"]
)
def test_a_damaged_run_plan_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)

    with pytest.raises(StepError, match=r"run\.json: the run plan .*start a new run"):
        Plan.read(path)


@pytest.mark.parametrize("left", [0, 3, 60])
def test_a_damaged_file_between_two_steps_is_named(tmp_path: Path, left: int) -> None:
    for name in ("part-0.parquet", "part-1.parquet"):
        pl.DataFrame({"x": [1.0, 2.0]}).write_parquet(tmp_path / name)
    whole = (tmp_path / "part-1.parquet").read_bytes()
    (tmp_path / "part-1.parquet").write_bytes(whole[:left])

    with pytest.raises(StepError, match=r"part-1\.parquet: this Parquet file, .* is damaged"):
        read_rows(tmp_path)


OBJECT = DataObject("data", "datasets/churn/a.csv", "v1", 10)


def test_a_step_that_does_not_reach_s3_says_so(tmp_path: Path) -> None:
    client = botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"max_attempts": 0}),
    )

    with pytest.raises(StepError, match=r"a\.csv cannot be read: .*check that the step reaches S3"):
        fetch(OBJECT, tmp_path / "0", client)


def test_a_step_without_credentials_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")

    with pytest.raises(StepError, match=r"a\.csv cannot be read: the step has no credentials"):
        fetch(OBJECT, tmp_path / "0", client)


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), pl.exceptions.ComputeError("No space left on device")],
)
def test_a_full_disk_is_named_with_the_setting_to_raise(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    monkeypatch.setenv("PROCESSING_ROOT", str(tmp_path))

    def full(paths: object) -> None:
        raise error

    with pytest.raises(SystemExit):
        step.run_step(full)

    assert capsys.readouterr().err == (
        "the disk is full; raise volume_gb of this step under resources in model.yaml\n"
    )
