"""A tracking server of MLflow, by its REST API: what writing one run needs, and no more.

https://mlflow.org/docs/latest/rest-api.html . Certificates are checked, redirects are not followed,
and an answer is read up to a size and a time. The text of an answer is another's: it is shown in an
error cut short, and nothing else is done with it.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from core.experiments.target import Target, target_of
from core.words.formats import one_line

if TYPE_CHECKING:
    from core.experiments.entry import Entry
    from core.stage.gateways import Stage

_API = "/api/2.0/mlflow/"
_MOST_BYTES = 4_000_000
# The longest wait for the next bytes, and for a whole run to be written, in seconds.
_PATIENCE, _ALTOGETHER = 10.0, 40.0


class UnreachableError(Exception):
    """The server cannot be asked now: ask later."""


class RefusedError(Exception):
    """The server answered that it does not do it; `code` is MLflow's word for why."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class SecretError(Exception):
    """The secret is not of a form that is known here. The message has nothing of it."""


def open_server(stage: Stage, secret_arn: str) -> TrackingServer:
    """The stage's tracking server. Raises TargetError and SecretError for settings of no use."""
    target = target_of(stage.mlflow_tracking)
    if target.app_arn:
        import boto3

        return TrackingServer(target, {}, boto3.Session().get_credentials())
    return TrackingServer(target, _secret(stage.secret(secret_arn)) if secret_arn else {})


def _secret(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    known = {"token"}, {"username", "password"}
    texts = isinstance(found, dict) and all(isinstance(one, str) for one in found.values())
    if not texts or set(found) not in known:
        raise SecretError(
            'the secret of MlflowSecretArn must be {"token": "…"} or '
            '{"username": "…", "password": "…"}'
        )
    # An error about a header quotes it, and a secret made from a file often ends in a new line.
    if "token" in found and not re.fullmatch("[!-~]+", found["token"]):
        raise SecretError(
            "the token in the secret of MlflowSecretArn has blanks, a new line or signs beyond "
            "ASCII; write it without them"
        )
    return dict(found)


class TrackingServer:
    """`secret` is a user's name and password, or a token; `credentials` sign for an App."""

    def __init__(self, target: Target, secret: Mapping[str, str], credentials: Any = None) -> None:
        self._target = target
        self._secret = secret
        self._credentials = credentials
        self._until = 0.0

    def write(self, entry: Entry, run: str | None) -> tuple[str, str] | None:
        """Write the run, under its id if that is known; the ids of its experiment and run.

        None where somebody deleted the run in MLflow: then nothing is written. All of it may be
        done again: a run is found by its tag, and the same numbers are not counted twice.
        """
        self._until = time.monotonic() + _ALTOGETHER
        found = self._known(run) if run else None
        if found is None:
            experiment = self._experiment(entry)
            found = self._search(entry, experiment) or self._create(entry, experiment)
        info = found["info"]
        if info.get("lifecycle_stage") == "deleted":
            return None
        identity = str(info["run_id"])
        self._post("runs/log-batch", _batch(entry, identity))
        self._write_parameters(entry, identity)
        ended = {} if entry.ended_ms is None else {"end_time": entry.ended_ms}
        self._post("runs/update", {"run_id": identity, "status": entry.status, **ended})
        return str(info["experiment_id"]), identity

    def _write_parameters(self, entry: Entry, run: str) -> None:
        """MLflow never changes a parameter: of a run that was redriven, the first ones stay."""
        given = [{"key": key, "value": value} for key, value in entry.parameters.items()]
        try:
            self._post("runs/log-batch", {"run_id": run, "params": given})
        except RefusedError as error:
            if error.code != "INVALID_PARAMETER_VALUE":
                raise

    def _known(self, run: str) -> Any | None:
        """None where the server has no such run: it is another one, or began anew."""
        return self._unless_missing("runs/get", {"run_id": run}, "run")

    def _experiment(self, entry: Entry) -> str:
        name = {"experiment_name": entry.experiment}
        found = self._unless_missing("experiments/get-by-name", name, "experiment")
        if found is None:
            try:
                made = self._post("experiments/create", {"name": entry.experiment})
                return str(made["experiment_id"])
            except RefusedError as error:
                if error.code != "RESOURCE_ALREADY_EXISTS":  # made by another call meanwhile
                    raise
            found = self._ask("GET", "experiments/get-by-name", query=name)["experiment"]
        if found.get("lifecycle_stage") == "deleted":
            raise RefusedError(
                f"the experiment {entry.experiment} is deleted in MLflow; restore it, or delete it "
                "for good with `mlflow gc`"
            )
        return str(found["experiment_id"])

    def _search(self, entry: Entry, experiment: str) -> Any | None:
        """The run of this identity; of several the first, always the same."""
        answer = self._post(
            "runs/search",
            {
                "experiment_ids": [experiment],
                "filter": f"tags.`kanmon.id` = '{entry.identity}'",
                "run_view_type": "ALL",
                "max_results": 10,
            },
        )
        return min(answer.get("runs", ()), key=lambda one: str(one["info"]["run_id"]), default=None)

    def _create(self, entry: Entry, experiment: str) -> Any:
        asked = {
            "experiment_id": experiment,
            "run_name": entry.run,
            "user_id": entry.user,
            "start_time": entry.started_ms,
            # After a create whose answer was lost, the next call finds the run by it.
            "tags": [{"key": "kanmon.id", "value": entry.identity}],
        }
        return self._post("runs/create", asked)["run"]

    def _unless_missing(self, path: str, query: Mapping[str, str], name: str) -> Any | None:
        try:
            return self._ask("GET", path, query=query)[name]
        except RefusedError as error:
            if error.code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _post(self, path: str, document: Mapping[str, Any]) -> Any:
        return self._ask("POST", path, body=json.dumps(document).encode())

    def _ask(
        self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Any:
        asked = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        try:
            status, answer = self._exchange(method, f"{self._target.path}{_API}{path}{asked}", body)
        except (OSError, http.client.HTTPException) as error:
            kind = type(error).__name__
            raise UnreachableError(f"{self._target.address} did not answer: {kind}") from error
        if status == 200:
            return _document(answer, self._target.address)
        said = one_line(answer[:2000].decode(errors="replace"), 300)
        message = f"{self._target.address} answered {path} with {status}: {said}"
        if status >= 500 or status in (408, 425, 429):
            raise UnreachableError(message)
        raise RefusedError(message, _code(answer))

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, body or None, self._headers(method, path, body))
            answer = connection.getresponse()
            parts, size = [], 0
            while part := answer.read1(65_536):
                size += len(part)
                parts.append(part)
                if size > _MOST_BYTES:
                    raise http.client.HTTPException("the answer is too long")
                self._left()
            return answer.status, b"".join(parts)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        target, patience = self._target, min(_PATIENCE, self._left())
        if target.scheme == "http":
            return http.client.HTTPConnection(target.host, target.port, timeout=patience)
        checked = ssl.create_default_context()
        return http.client.HTTPSConnection(
            target.host, target.port, timeout=patience, context=checked
        )

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if body else {}
        if self._target.app_arn:
            return self._signed(method, path, body, headers)
        if token := self._secret.get("token"):
            headers["Authorization"] = f"Bearer {token}"
        elif "username" in self._secret:
            pair = f"{self._secret['username']}:{self._secret.get('password', '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _signed(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> dict[str, str]:
        """The headers that an App of SageMaker wants, with the signature."""
        import hashlib

        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        headers["x-sm-mlflow-app-arn"] = str(self._target.app_arn)
        headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
        address = f"{self._target.scheme}://{self._target.host}{path}"
        asked = AWSRequest(method=method, url=address, data=body, headers=headers)
        SigV4Auth(self._credentials, "sagemaker", str(self._target.region)).add_auth(asked)
        return dict(asked.headers.items())


def _batch(entry: Entry, run: str) -> dict[str, Any]:
    return {
        "run_id": run,
        "metrics": [
            {"key": one.name, "value": one.value, "timestamp": one.at_ms, "step": one.step}
            for one in entry.metrics
        ],
        "tags": [{"key": key, "value": value} for key, value in entry.tags.items()],
    }


def _document(answer: bytes, address: str) -> Any:
    try:
        found = json.loads(answer or b"{}")
    except ValueError as error:
        # A page of a proxy, or of a sign-in.
        raise RefusedError(f"{address} answered with no JSON: is it a tracking server?") from error
    if not isinstance(found, dict):
        raise RefusedError(f"{address} answered with no JSON object")
    return found


def _code(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error_code"])
    except (ValueError, KeyError, TypeError):
        return ""
