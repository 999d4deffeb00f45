"""The functions, as `sam build` makes them, on Lambda's Python 3.13 in containers of `sam local`.

They talk to a local stage. It listens on loopback alone, which a container has one of its own, so
the built template gets two more variables: the stage's endpoint, and a proxy that leads there.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.laptop import ROOT, Laptop, deployed, rows

pytestmark = pytest.mark.docker
SAM = ROOT / ".venv-sam/bin/sam"
Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    root = tmp_path_factory.mktemp("laptop")
    with deployed(root) as laptop:
        yield laptop


class Forward(BaseHTTPRequestHandler):
    """Passes a request on to the stage it names, as it is: its signature covers its Host."""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = HTTPConnection(str(target.hostname), target.port)
        path = target.path + (f"?{target.query}" if target.query else "")
        connection.request(self.command, path or "/", body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """An HTTP proxy on the address that containers know this machine by."""
    answer = subprocess.run(
        ["docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Subnet}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    gateway = str(ip_network(answer.stdout.strip())[1])
    server = ThreadingHTTPServer((gateway, 0), Forward)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{gateway}:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def invoke(laptop: Laptop, proxy: str, tmp_path_factory: pytest.TempPathFactory) -> Invoke:
    """Invoke a function of the template in its own container; its answer."""
    folder = tmp_path_factory.mktemp("build")
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("stacks", "statemachine", "functions", "serving"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    stage = json.loads((laptop.home / "stage.json").read_text())
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": stage["access_key"],
        "AWS_SECRET_ACCESS_KEY": stage["secret_key"],
        "AWS_DEFAULT_REGION": stage["region"],
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
    }

    def sam(*words: str) -> str:
        done = subprocess.run(
            [SAM, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    parameters = ["--parameter-overrides", "FunctionArchitecture=x86_64"]
    sam("build", *parameters)
    built = folder / ".aws-sam/build/template.yaml"
    shared, resources = built.read_text().split("\nResources:\n")
    assert shared.count("Variables:\n") == 1
    more = "Variables:\n        AWS_ENDPOINT_URL: none\n        HTTP_PROXY: none\n"
    built.write_text(shared.replace("Variables:\n", more) + "\nResources:\n" + resources)
    variables = {
        "AWS_ENDPOINT_URL": stage["endpoint"],
        "HTTP_PROXY": proxy,
        "DATA_BUCKET": laptop.outputs["DataBucketName"],
        "MODEL_TABLE": laptop.outputs["ModelTableName"],
        "STAGE": "local",
        "STACK_NAME": "kanmon-local",
        "STEPS_REPOSITORY": "kanmon-local-steps",
        "STEP_IMAGE_DIGESTS": "",
        "STEP_MEMORY_MB": "3008",
        "NOTIFICATIONS_TOPIC_ARN": laptop.outputs["NotificationsTopicArn"],
        "RETRAIN_MACHINE_ARN": laptop.outputs["RetrainStateMachineArn"],
    }
    (folder / "variables.json").write_text(json.dumps({"Parameters": variables}))

    def call(function: str, event: dict[str, Any]) -> dict[str, Any]:
        (folder / "event.json").write_text(json.dumps(event))
        files = ["--event", "event.json", "--env-vars", "variables.json"]
        out = sam("local", "invoke", function, "--skip-pull-image", *files, *parameters)
        answer: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return answer

    return call


def test_the_four_functions_carry_a_run_from_open_to_close(laptop: Laptop, invoke: Invoke) -> None:
    laptop.add_model("boxed")
    laptop.put("boxed", rows(300))
    done = laptop.must("run", "boxed")
    run, model = done["run"], "boxed"

    opened = invoke("OpenRunFunction", {"run": "boxed-again", "request": {"model": model}})
    assert "errorMessage" not in opened, opened
    judged = invoke("JudgeCandidateFunction", {"run": run, "model": model})
    closed = invoke(
        "CloseRunFunction",
        {
            "run": "boxed-again",
            "model": model,
            "outcome": opened["outcome"],
            "summary": opened["summary"],
            "fingerprint": opened["fingerprint"],
            "equals": opened["equals"],
        },
    )
    reported = invoke(
        "ReportFailureFunction",
        {"run": "boxed-other", "model": model, "error": "States.Timeout", "cause": ""},
    )

    assert (opened["outcome"], opened["equals"]) == ("nothing new", run)
    assert judged["verdict"] == done["verdict"]["verdict"]
    assert closed["outcome"] == "nothing new"
    assert reported["run"] == "boxed-other"
    assert "holder" not in laptop.retrain_lock(model)


def test_a_bad_request_is_answered_with_a_named_error(invoke: Invoke) -> None:
    answer = invoke("OpenRunFunction", {"run": "boxed-bad", "request": {"modle": "boxed"}})

    assert "model: field required" in answer["errorMessage"]
    assert answer["errorType"] == "RunRequestError"
