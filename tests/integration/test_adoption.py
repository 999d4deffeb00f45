"""A run adopts what the attempt left that has answered, and nothing else."""

import pytest

from core.runs.adoption import adopt
from core.stage import gateways
from core.stage.bucket import ObjectMissingError
from tests.support.stage_in_memory import RUN, Stage

OWN = f"runs/churn/{RUN}"
ATTEMPT = f"attempts/churn/{RUN}/train-1/train"


def at(key: str) -> dict[str, str]:
    return {"train": f"s3://kanmon-test-data/{key}"}


def put(stage: Stage, key: str, body: bytes) -> None:
    stage.s3.put_object(Bucket="kanmon-test-data", Key=key, Body=body)


def read(stage: Stage, key: str) -> bytes:
    found: bytes = stage.s3.get_object(Bucket="kanmon-test-data", Key=key)["Body"].read()
    return found


def keys(stage: Stage, prefix: str) -> list[str]:
    found = stage.s3.list_objects_v2(Bucket="kanmon-test-data", Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", [])]


def test_every_file_of_the_attempt_gets_its_place_in_the_run(stage: Stage) -> None:
    put(stage, f"{ATTEMPT}/model.tar.gz", b"model")
    put(stage, f"{ATTEMPT}/deep/part.parquet", b"part")
    put(stage, f"attempts/churn/{RUN}/train-0/train/model.tar.gz", b"of a call nobody waited for")

    copied = adopt(gateways.stage().store, "churn", RUN, at(ATTEMPT))

    assert copied == 2
    assert keys(stage, f"{OWN}/train/") == [
        f"{OWN}/train/deep/part.parquet",
        f"{OWN}/train/model.tar.gz",
    ]
    assert read(stage, f"{OWN}/train/model.tar.gz") == b"model"


def test_to_adopt_twice_is_as_good_as_once(stage: Stage) -> None:
    put(stage, f"{ATTEMPT}/model.tar.gz", b"model")

    for _ in range(2):
        adopt(gateways.stage().store, "churn", RUN, at(ATTEMPT))

    assert read(stage, f"{OWN}/train/model.tar.gz") == b"model"


def test_what_a_job_wrote_is_in_its_place_already(stage: Stage) -> None:
    assert adopt(gateways.stage().store, "churn", RUN, at(f"{OWN}/train")) == 0


@pytest.mark.parametrize(
    "key", ["attempts/other/other-1/train-0/train", f"{ATTEMPT.replace('churn', 'x')}", "runs/x/y"]
)
def test_what_is_not_of_the_run_is_not_adopted(stage: Stage, key: str) -> None:
    put(stage, f"{key}/model.tar.gz", b"another model")

    with pytest.raises(ObjectMissingError, match="is no place where a step of run"):
        adopt(gateways.stage().store, "churn", RUN, at(key))

    assert keys(stage, f"{OWN}/train/") == []


def test_an_attempt_that_has_expired_is_an_error_and_not_an_empty_step(stage: Stage) -> None:
    with pytest.raises(ObjectMissingError, match="train-1/train"):
        adopt(gateways.stage().store, "churn", RUN, at(ATTEMPT))
