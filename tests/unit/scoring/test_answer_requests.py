"""The handler as Lambda loads it, in its own process, and what it logs while it answers."""

import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from scorer.answering import Answer
from scorer.capture import Capture
from scorer.telemetry import MOST_NUMBERS, Telemetry, spread_out
from tests.support.trained_releases import CONTEXT, ROOT, model_folder

# Runs the handler on the events that it is given, and prints what it imported.
PROGRAM = """
import json, sys
from types import SimpleNamespace
from answer_requests import handler
for number, event in enumerate(json.loads(sys.stdin.read())):
    print("answer", json.dumps(handler(event, SimpleNamespace(aws_request_id=f"r-{number}"))))
heavy = ("aws_lambda_powertools", "boto3", "pydantic", "pandas", "polars")
print("imported", json.dumps([name for name in heavy if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package") / "code"
    shutil.copytree(ROOT / "serving/scoring", folder)
    return folder, model_folder(folder / "model")


def run(package, events, **variables):
    folder, digest = package
    environment = {"MODEL": "shells", "RELEASE": "7", "ARTIFACT_SHA256": digest} | variables
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(folder)},
        input=json.dumps(events),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_requests_are_answered_without_the_libraries_that_start_slowly(package):
    good = {"size": 1, "weight": 2, "colour": "red"}
    done = run(package, [{"rows": [good]}, {"check": True, "row": good}, [1], {"rows": [{}]}])

    assert done.returncode == 0, done.stderr
    answers = [line for line in done.stdout.splitlines() if line.startswith("answer ")]
    assert [json.loads(line[7:])["status"] for line in answers] == [200, 200, 400, 400]
    assert "imported []" in done.stdout


def test_a_line_per_request_is_its_log_and_its_metrics_and_tells_no_value(package):
    good = {"size": 1, "weight": 2, "colour": "red"}
    done = run(package, [{"rows": [good, {**good, "colour": "secret", "size": "hidden"}]}])

    line = json.loads(done.stdout.splitlines()[0])
    assert [line[key] for key in ("level", "message", "model", "release", "request_id")] == [
        "INFO",
        "rows scored",
        "shells",
        "7",
        "r-0",
    ]
    assert (line["ScoredRows"], line["RefusedRows"], line["status"]) == (1, 1, 200)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Kanmon", [["model", "release"]])
    assert {metric["Name"] for metric in directive["Metrics"]} == {
        "Score",
        "ScoredRows",
        "RefusedRows",
        "HandlerMilliseconds",
    }
    assert all(metric["Name"] in line for metric in directive["Metrics"])
    assert "secret" not in done.stdout
    assert "hidden" not in done.stdout.splitlines()[0]


def test_a_check_is_not_measured(package):
    done = run(package, [{"check": True, "row": {"size": 1, "weight": 2, "colour": "red"}}])

    assert "_aws" not in done.stdout


def test_another_artifact_than_the_releases_stops_the_start_with_a_clear_line(package):
    done = run(package, [], ARTIFACT_SHA256="0" * 64)

    assert done.returncode == 1
    assert "but the release has 000000000000…; promote the release again" in done.stderr


def answer(count=1):
    document = {
        "model": "shells",
        "release": 7,
        "request_id": "r-1",
        "status": 200,
        "predictions": [{"row": row, "prediction": 1.5} for row in range(count)],
    }
    return Answer(document, [1.5] * count, [{"size": row} for row in range(count)], 0)


def test_many_scores_become_as_many_numbers_as_cloudwatch_takes_with_the_same_mean():
    scores = [float(number) for number in range(5 * MOST_NUMBERS)]

    logged = spread_out(scores)

    assert len(logged) == MOST_NUMBERS
    assert sum(logged) / len(logged) == sum(scores) / len(scores)


def test_a_refused_request_has_no_score_to_measure(capsys):
    refused = Answer({"status": 400}, [], [], 3)

    Telemetry("shells", 7).write(refused, "r-1", 0.0)

    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["RefusedRows"], "Score" in line) == ("request refused", 3, False)
    names = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert "Score" not in names


@pytest.fixture
def bucket(monkeypatch):
    """S3 as the capture sees it: what was written, or an error to raise."""
    import boto3

    written = SimpleNamespace(objects={}, error=None)

    class Client:
        def put_object(self, Bucket, Key, Body):  # noqa: N803
            if written.error:
                raise written.error
            written.objects[Key] = Body

    monkeypatch.setattr(boto3, "client", lambda _service: Client())
    return written


def test_a_captured_request_is_a_line_per_scored_row(bucket):
    capture = Capture("data", "capture/shells/7", share=1)

    capture.offer(answer(2), "r-1")
    capture.wait()

    [(key, content)] = bucket.objects.items()
    lines = [json.loads(line) for line in content.decode().splitlines()]
    assert key.startswith("capture/shells/7/dt=20")
    assert key.endswith("-r-1.jsonl")
    assert [line["features"] for line in lines] == [{"size": 0}, {"size": 1}]
    assert {key: value for key, value in lines[1].items() if key != "at"} == {
        "request_id": "r-1",
        "model": "shells",
        "release": 7,
        "row": 1,
        "prediction": 1.5,
        "features": {"size": 1},
    }


def test_about_the_asked_share_of_requests_is_captured(bucket):
    capture = Capture("data", "capture/shells/7", share=0.1)

    for number in range(1000):
        capture.offer(answer(), f"request-{number}")
        capture.wait()

    assert 70 < len(bucket.objects) < 130


def test_a_capture_that_fails_is_one_line_in_the_log_and_nothing_else(bucket, capsys):
    bucket.error = OSError("no route to S3")
    capture = Capture("data", "capture/shells/7", share=1)

    capture.offer(answer(), "r-1")
    capture.wait()

    assert json.loads(capsys.readouterr().out) == {
        "level": "WARNING",
        "message": "a request was not captured: OSError: no route to S3",
    }


def test_nothing_is_captured_where_nothing_is_asked_for(bucket):
    capture = Capture("data", "capture/shells/7", share=0)

    capture.offer(answer(), "r-1")
    capture.wait()

    assert bucket.objects == {}


@pytest.fixture
def runtime(monkeypatch):
    """Lambda's extension API: registers, and gives an event whenever the test allows."""
    seen = SimpleNamespace(calls=queue.Queue(), events=queue.Queue(), status=200)

    class Api(BaseHTTPRequestHandler):
        def do_POST(self):
            self._answer(seen.status, {"Lambda-Extension-Identifier": "extension-1"})

        def do_GET(self):
            self._answer(seen.events.get(), {})

        def _answer(self, status, headers):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            seen.calls.put((self.command, self.path.rpartition("extension/")[2], body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{server.server_port}")
    yield seen
    seen.events.put(500)
    server.shutdown()


def test_lambda_waits_for_the_capture_after_the_caller_has_the_answer(bucket, runtime):
    capture = Capture("data", "capture/shells/7", share=1)
    assert runtime.calls.get(timeout=5) == ("POST", "register", '{"events": ["INVOKE"]}')

    runtime.events.put(200)
    assert runtime.calls.get(timeout=5)[:2] == ("GET", "event/next")
    capture.offer(answer(), "r-1")
    capture.answered()
    runtime.events.put(500)

    # The extension asks for the next event, which means that it is done, once all is written.
    assert runtime.calls.get(timeout=5)[:2] == ("GET", "event/next")
    assert len(bucket.objects) == 1


def test_without_lambdas_extension_api_the_capture_writes_all_the_same(bucket, runtime):
    runtime.status = 403
    capture = Capture("data", "capture/shells/7", share=1)

    capture.offer(answer(), "r-1")
    capture.wait()

    assert len(bucket.objects) == 1


# Were one of them forgotten, Lambda would wait for the extension until the request times out.
@pytest.mark.parametrize(
    "event",
    [
        {"row": {"size": 1, "weight": 2, "colour": "red"}},
        {"check": True, "row": {"size": 1, "weight": 2, "colour": "red"}},
        {"rows": []},
        {
            "requestContext": {"http": {"method": "GET", "path": "/schema"}, "stage": "$default"},
            "rawPath": "/schema",
        },
    ],
)
def test_every_invocation_lets_the_extension_go_on(package, runtime, bucket, monkeypatch, event):
    folder, digest = package
    for name, value in (
        ("MODEL", "shells"),
        ("RELEASE", "7"),
        ("ARTIFACT_SHA256", digest),
        ("CAPTURE_SHARE", "1"),
    ):
        monkeypatch.setenv(name, value)
    loader = importlib.util.spec_from_file_location("as_packaged", folder / "answer_requests.py")
    answer_requests = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(answer_requests)
    assert runtime.calls.get(timeout=5)[1] == "register"
    runtime.events.put(200)
    assert runtime.calls.get(timeout=5)[1] == "event/next"

    answer_requests.handler(event, CONTEXT)
    runtime.events.put(500)

    assert runtime.calls.get(timeout=5)[1] == "event/next"
