"""Where experiment records go: an MLflow App of SageMaker by its ARN, or a server by its URI. Pure.

Host, service and header of an App are those of sagemaker-mlflow 0.5.0, AWS's client of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_APP = re.compile(
    r"arn:(?P<partition>aws(-us-gov)?):sagemaker:(?P<region>[a-z0-9-]+):\d{12}:"
    r"mlflow-app/[A-Za-z0-9-]+"
)
# Nothing of these leaves the machine.
_HERE = ("127.0.0.1", "localhost")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class TargetError(Exception):
    """The text names no place that records can go to; the message says what is wrong, and a fix."""


@dataclass(frozen=True)
class Target:
    """`path` is what all paths of the server begin with. An App has its ARN and its region."""

    scheme: str
    host: str
    port: int | None
    path: str = ""
    app_arn: str | None = None
    region: str | None = None

    @property
    def address(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


def target_of(text: str) -> Target:
    """Where the records go.

    >>> target_of("https://mlflow.example.com/team/").address
    'https://mlflow.example.com/team'
    >>> target_of("arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-1").address
    'https://mlflow.sagemaker.eu-west-1.app.aws'
    """
    if text.startswith("arn:"):
        app = _APP.fullmatch(text)
        if app is None:
            raise TargetError(f"{text!r} is not the ARN of an MLflow App of SageMaker")
        host = f"mlflow.sagemaker.{app['region']}.app.aws"
        return Target("https", host, None, app_arn=text, region=app["region"])
    return _server(text)


def _server(text: str) -> Target:
    if not text.isprintable() or " " in text:  # urlsplit passes over some of these
        raise TargetError(f"{text!r} is not the URI of a tracking server: remove its blank signs")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise TargetError(f"{text!r} is not a URI: {error}") from error
    wrong = None
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9.-]+", host):
        wrong = "write one such as https://mlflow.example.com"
    elif port == 0:
        wrong = "no server has the port 0"
    elif parts.scheme == "http" and host not in _HERE:
        wrong = "only https is encrypted; http is for 127.0.0.1 alone"
    elif "@" in parts.netloc:
        wrong = "a password does not belong into a URI; the parameter MlflowSecretArn names it"
    elif parts.query or parts.fragment or not _PATH.fullmatch(parts.path.rstrip("/")):
        wrong = "leave out all that follows the path"
    if wrong:
        raise TargetError(f"{text!r} is not the URI of a tracking server: {wrong}")
    return Target(parts.scheme, host, port, parts.path.rstrip("/"))


def run_address(text: str, experiment: str, run: str) -> str | None:
    """Where a browser shows the run; None of an App, which opens by a link that AWS makes.

    >>> run_address("http://127.0.0.1:5001", "1", "0a1b")
    'http://127.0.0.1:5001/#/experiments/1/runs/0a1b'
    """
    try:
        target = target_of(text)
    except TargetError:
        return None
    if target.app_arn or not all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in (experiment, run)):
        return None
    return f"{target.address}/#/experiments/{experiment}/runs/{run}"
