"""Batches and monitorings on a stage, acted out by the people whose roles the template makes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import exploring_people
from tests.support.acting import OPERATOR, SCIENTIST, STEWARD, acting, must, say
from tests.support.laptop import Laptop, rows

MODEL = "glasses"
ON_JOBS = "compute: {score: processing, monitor: processing}\n"
CAPTURED = f"capture/{MODEL}/1"
# Scored for some seconds, in which the batch is stopped.
MANY = 600_000


def all_of_it(laptop: Laptop) -> None:
    """What people do with the first release, which has answered requests."""
    batch = a_data_scientist_scores_and_fetches(laptop)
    exploring_people.all_of_it(laptop, batch)
    labels_come(laptop)
    publish(laptop, on_jobs=True)
    an_operator_stops_a_batch_and_resumes_it(laptop)
    monitorings_compact_a_day_that_is_over(laptop)
    an_operator_stops_a_monitoring(laptop)
    a_steward_forgets_what_was_captured_scored_and_labelled(laptop, batch)


def publish(laptop: Laptop, *, on_jobs: bool) -> None:
    """Let batches and monitorings from now on be jobs, or functions where they fit."""
    file = laptop.root / "models" / MODEL / "model.yaml"
    plain = file.read_text().replace(ON_JOBS, "")
    file.write_text(plain + (ON_JOBS if on_jobs else ""))
    must(laptop, "publish")


def a_data_scientist_scores_and_fetches(laptop: Laptop) -> str:
    (laptop.root / "some.csv").write_text("a,b\n2.5,u\nx,w\n")
    batch = must(laptop, "score-batch", MODEL, str(laptop.root / "some.csv"), *SCIENTIST)
    assert batch["rows"] == {"rows_in": 2, "scored": 1, "rejected": 1}
    for words in (
        ("fetch", batch["batch"], "--to", str(laptop.root / "scores"), "--rejects"),
        ("show", batch["batch"]),
        ("logs", batch["batch"]),
    ):
        must(laptop, *words, *SCIENTIST)
    return str(batch["batch"])


def labels_come(laptop: Laptop) -> None:
    """Of one captured request, and of one that nobody made; then new data is made of them."""
    lines = [f"{request(laptop)},3.5", "nobody,4.5"]
    (laptop.root / "labels.csv").write_text("\n".join(["request_id,y", *lines]) + "\n")
    must(laptop, "put-labels", MODEL, str(laptop.root / "labels.csv"), *SCIENTIST)
    to = ("--to", str(laptop.root / "new.parquet"))
    made = must(laptop, "dataset-from-labels", MODEL, *to, *SCIENTIST)
    assert made["rows"] == 1, made


def an_operator_stops_a_batch_and_resumes_it(laptop: Laptop) -> None:
    """Of a folder of the team's. While the batch runs, nobody else resumes it."""
    header, some = rows(300).split("\n", 1)
    put(laptop, f"ours/{MODEL}/data.csv", f"{header}\n{some * (MANY // 300)}")
    started = must(laptop, "score-batch", MODEL, f"ours/{MODEL}/", "--no-wait", *OPERATOR)
    batch = started["batch"]
    laptop.entered(started["execution_arn"], "Score Rows")
    too_early = acting(laptop, "OperatorRoleArn", "stepfunctions").start_execution(
        stateMachineArn=laptop.outputs["ScoreStateMachineArn"],
        input=json.dumps({"model": MODEL, "batch": batch}),
    )
    ended = laptop.ended(too_early["executionArn"])
    assert (ended["status"], ended["error"]) == ("FAILED", "BatchNotResumableError")
    must(laptop, "stop", batch, *OPERATOR)
    assert laptop.ended(started["execution_arn"])["status"] == "ABORTED"
    resumed = must(laptop, "score-batch", MODEL, "--resume", batch, *OPERATOR)
    assert resumed["rows"]["scored"] == MANY
    # A file of this laptop's, too.
    own = must(laptop, "score-batch", MODEL, str(laptop.root / "some.csv"), *OPERATOR)["batch"]
    for name in (batch, own):
        to = ("--to", str(laptop.root / name))
        must(laptop, "fetch", name, *to, "--rejects", *OPERATOR)
    assert len(must(laptop, "batches", MODEL, *OPERATOR)) == 3


def monitorings_compact_a_day_that_is_over(laptop: Laptop) -> None:
    """Twice, as a job and as a function: what came late is added to what was compacted before."""
    for who, late in ((SCIENTIST, 0), (OPERATOR, 1)):
        publish(laptop, on_jobs=late == 0)
        capture_another(laptop, f"late-{late}")
        found = monitored(laptop, *who)
        assert found["report"]["compacted"] == {"days": 1, "files": 1 + late}
        for words in (("show", found["monitoring"]), ("logs", found["monitoring"])):
            must(laptop, *words, *who)
    assert found["report"]["rows"]["batch"] == MANY + 2
    assert len(must(laptop, "monitorings", MODEL, *SCIENTIST)) == 2


def monitored(laptop: Laptop, *who: str) -> dict[str, Any]:
    """What a monitoring found, whether it alarms or not."""
    said = say(laptop, "monitor", MODEL, "--json", *who)
    assert said.exit_code in (0, 4), said.stderr
    return dict(json.loads(said.stdout))


def an_operator_stops_a_monitoring(laptop: Laptop) -> None:
    publish(laptop, on_jobs=True)
    for who in (OPERATOR, SCIENTIST):
        started = must(laptop, "monitor", MODEL, "--no-wait", *who)
        laptop.entered(started["execution_arn"], "Monitor")
        must(laptop, "stop", started["monitoring"], *who)
        assert laptop.ended(started["execution_arn"])["status"] == "ABORTED"


def a_steward_forgets_what_was_captured_scored_and_labelled(laptop: Laptop, batch: str) -> None:
    requests = [("--request-id", name) for name in (request(laptop), f"{batch}/some.csv")]
    words = ("forget", MODEL, *requests[0], *requests[1], "--yes")
    forgotten = must(laptop, *words, *STEWARD)
    in_batch = {kind: forgotten["found"][kind]["rows"] for kind in ("scores", "rejects", "inputs")}
    assert in_batch == {"scores": 1, "rejects": 1, "inputs": 2}, forgotten
    assert forgotten["found"]["labels"]["rows"] == 1, forgotten
    assert forgotten["found"]["captured"]["rows"] > 0, forgotten
    assert forgotten["left"]["labels"]["rows"] == 0, forgotten


def put(laptop: Laptop, key: str, content: str | bytes) -> None:
    body = content if isinstance(content, bytes) else content.encode()
    laptop.client("s3").put_object(Bucket=laptop.outputs["DataBucketName"], Key=key, Body=body)


def captured(laptop: Laptop) -> str:
    """The first of the captured requests of today."""
    found = laptop.client("s3").list_objects_v2(
        Bucket=laptop.outputs["DataBucketName"], Prefix=f"{CAPTURED}/dt={datetime.now(UTC):%Y}"
    )
    return str(found["Contents"][-1]["Key"])


def request(laptop: Laptop) -> str:
    """Its id."""
    return captured(laptop).rpartition("/")[2].partition("-")[2].removesuffix(".jsonl")


def capture_another(laptop: Laptop, identity: str) -> None:
    """The same request, as if another one had asked the same two days ago."""
    bucket, key = laptop.outputs["DataBucketName"], captured(laptop)
    content = laptop.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    day = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
    changed = content.decode().replace(request(laptop), identity)
    put(laptop, f"{CAPTURED}/dt={day}/101500-{identity}.jsonl", changed)
