"""How an MLflow App of SageMaker is asked: signed, at its region's address, with its ARN."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.credentials import Credentials

from core.experiments.entry import entry_of
from core.experiments.target import target_of
from core.experiments.tracking_server import RefusedError, TrackingServer
from tests.unit.experiments.test_entry import recorded

APP = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-1"


class Asked(Exception):  # noqa: N818 - it ends a call, and is no error
    """What would have been sent."""


class Recorder:
    """A connection that sends nothing."""

    def __init__(self, *place: Any, **options: Any) -> None:
        self.place, self.options = place, options

    def request(self, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        raise Asked(self.place, self.options, method, path, headers)

    def close(self) -> None:
        pass


def test_a_call_of_an_app_is_signed_for_sagemaker_in_its_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("http.client.HTTPSConnection", Recorder)
    server = TrackingServer(target_of(APP), {}, Credentials("AKIA", "secret", "session"))

    with pytest.raises(Asked) as caught:
        server.write(entry_of(recorded()), None)

    place, options, method, path, headers = caught.value.args
    assert place == ("mlflow.sagemaker.eu-west-1.app.aws", None)
    assert options["context"].check_hostname
    assert (method, path) == (
        "GET",
        "/api/2.0/mlflow/experiments/get-by-name?experiment_name=kanmon-test%2Fchurn",
    )
    assert headers["x-sm-mlflow-app-arn"] == APP
    assert "/eu-west-1/sagemaker/aws4_request" in headers["Authorization"]
    assert "x-sm-mlflow-app-arn" in headers["Authorization"]  # it is signed, too
    assert headers["X-Amz-Security-Token"] == "session"
    assert "secret" not in str(headers)


def test_an_experiment_that_was_deleted_in_mlflow_is_named() -> None:
    class Deleted(TrackingServer):
        def _ask(self, *asked: Any, **more: Any) -> Any:
            return {"experiment": {"experiment_id": "1", "lifecycle_stage": "deleted"}}

    with pytest.raises(RefusedError, match="kanmon-test/churn is deleted in MLflow; restore it"):
        Deleted(target_of("https://mlflow.example.com"), {}).write(entry_of(recorded()), None)
