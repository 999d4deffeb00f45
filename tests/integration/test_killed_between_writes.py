"""Every function of a run and of a release, killed before each of its writes and called again.

A function that dies is called again: by the state machine, by its event, or by the next run. It
must then end as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.client
import pytest
import requests
from moto.s3.models import FakeKey

from core.gate.judge_candidate import judge_candidate
from core.releases.decision import Decision
from core.releases.open_release import Opening, open_release
from core.releases.record_decision import settle_as
from core.releases.record_release import record_live
from core.releases.service import Live
from core.review.page import render
from core.runs.close_run import close_run
from core.runs.failure import occurrence
from core.runs.open_run import open_run
from core.runs.report_failure import report_failure
from core.stage import gateways
from tests.support.release_table import Clock, Table
from tests.support.release_world import TREE, Pipeline, Production
from tests.support.stage_in_memory import BUCKET, CHAMPION, RUN, TABLE, Stage

pytestmark = pytest.mark.faults

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
WAITING = "churn-261121060000-a1b"
# The operations of AWS that change nothing begin so.
READING = ("Get", "List", "Describe", "Query", "Scan", "Head", "Receive")


class KilledError(BaseException):
    """The process ended: no handler of an exception runs."""


@dataclass
class Writes:
    """Ends the function before its nth write, and counts them."""

    left: int | None = None
    made: list[str] = field(default_factory=list)

    def write(self, name: str) -> None:
        if self.left is not None:
            if self.left == 0:
                raise KilledError
            self.left -= 1
        self.made.append(name)


@dataclass
class Counted(Pipeline):
    writes: Writes = field(default_factory=Writes)

    def start(self, *given: Any) -> str:
        self.writes.write("StartPipelineExecution")
        return super().start(*given)

    def stop(self, identity: str, reason: str) -> None:
        self.writes.write("StopPipelineExecution")
        super().stop(identity, reason)


@dataclass
class Bench:
    """A stage in memory whose release pipeline and serving stacks are played."""

    stage: Stage
    source: Path
    pipeline: Counted

    def reset(self) -> None:
        requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=5)
        self.stage.deploy()
        self.stage.put("datasets/churn/customers.csv", "gender,tenure,churn\nf,1,yes\n")
        self.stage.publish()
        self.pipeline = Counted(Clock(), Table())
        self.again()

    def again(self) -> None:
        """A new process: nothing of the one that died is left."""
        gateways.stage.cache_clear()
        gateways.stage().__dict__["pipeline"] = self.pipeline
        gateways.stage().__dict__["serving"] = Production(alias=2, status="UPDATE_COMPLETE")

    @property
    def opening(self) -> Opening:
        return Opening(stage=gateways.stage(), render=render, source=self.source)

    def digest(self) -> dict[str, Any]:
        """All that is left on the stage, save how often the lock was written, and the names that
        kept deployments get by chance."""
        items = self.stage.dynamodb.scan(TableName=TABLE)["Items"]
        for item in items:
            item.pop("revision", None)
        objects = self.stage.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
        return {
            "items": sorted(_named(json.dumps(item, sort_keys=True)) for item in items),
            "objects": {_named(one["Key"]): self._sha256(one["Key"]) for one in objects},
            "executions": sorted(self.stage.executions()),
            "releases": [(run.variables, run.status) for run in self.pipeline.runs.values()],
            "notices": sorted({json.dumps(one, sort_keys=True) for one in self.stage.notices()}),
        }

    def _sha256(self, key: str) -> str:
        body = self.stage.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return hashlib.sha256(body).hexdigest()


def _named(text: str) -> str:
    return re.sub(r"deployment-[0-9a-f]{32}", "deployment", text)


@pytest.fixture
def bench(clients: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name, content in TREE.items():
        (tmp_path / name).write_bytes(content)
    made = Bench(clients, tmp_path, Counted(Clock(), Table()))
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: Any, operation: str, given: Any) -> Any:
        if not operation.startswith(READING):
            made.pipeline.writes.write(operation)
        return call(client, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting)
    monkeypatch.setattr(FakeKey, "__init__", _with_a_version_by_its_content)
    yield made
    gateways.stage.cache_clear()


_make_key = FakeKey.__init__


def _with_a_version_by_its_content(key: FakeKey, **given: Any) -> None:
    """Else the version ids, which releases record, would differ between two stages."""
    content = f"{_named(given['name'])} {given['value']!r}".encode()
    if given.get("version_id") not in (None, "null"):
        given["version_id"] = hashlib.sha256(content).hexdigest()[:32]
    _make_key(key, **given)


# ---- what each function is given, and its call


def opened(bench: Bench, run: str = RUN) -> dict[str, Any]:
    return open_run(gateways.stage(), run, {"model": "churn"}, NOW, lambda run: False)


def with_results(bench: Bench) -> None:
    bench.stage.promote(3, **CHAMPION)
    opened(bench)
    bench.stage.write_results(champion={"metrics": {"auc": {"value": 0.79}}})


def judged(bench: Bench) -> dict[str, Any]:
    return judge_candidate(gateways.stage().store, render, "churn", RUN, NOW)


def candidate(bench: Bench, run: str = RUN) -> dict[str, Any]:
    arn = bench.stage.register("PendingManualApproval", run=run, verdict="hold")
    return {"run": run, "model": "churn", "package_arn": arn, "verdict": "hold"}


def registered(bench: Bench) -> None:
    """A judged candidate, and one of another run whose release waits for its review."""
    with_results(bench)
    judged(bench)
    keys = bench.stage.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"runs/churn/{RUN}/")["Contents"]
    for key in [one["Key"] for one in keys]:
        body = bench.stage.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        bench.stage.put(key.replace(RUN, WAITING), body.replace(RUN.encode(), WAITING.encode()))
    open_release(bench.opening, candidate(bench, WAITING), NOW)
    candidate(bench)


def release_opened(bench: Bench) -> Any:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/3"
    event = {"run": RUN, "model": "churn", "package_arn": arn, "verdict": "hold"}
    return open_release(bench.opening, event, NOW)


def approved(bench: Bench) -> None:
    registered(bench)
    release_opened(bench)
    release = gateways.stage().releases.release("churn", 2)
    assert release is not None
    settle_as(gateways.stage(), release, Decision("approved", "ada", "2026-11-21T07:00:00Z", "ok"))


def recorded(bench: Bench) -> Any:
    release = gateways.stage().releases.release("churn", 2)
    assert release is not None
    live = Live("churn", 2, "promotion", str(release.execution), "alias", "https://url")
    return record_live(gateways.stage(), live, NOW)


def with_one_behind(bench: Bench) -> None:
    opened(bench)
    opened(bench, WAITING)


def closed(bench: Bench) -> Any:
    event: dict[str, Any] = {"run": RUN, "model": "churn", "outcome": "new", "summary": "so"}
    event |= {"fingerprint": "f" * 64, "verdict": "hold", "package_arn": "arn", "release": 1}
    return close_run(gateways.stage(), event, NOW)


def failed(bench: Bench) -> Any:
    event = {"run": RUN, "model": "churn", "error": "TrainJobFailed", "cause": "too few rows"}
    return report_failure(gateways.stage(), occurrence(event), NOW)[0]


FUNCTIONS: dict[str, tuple[Callable[[Bench], Any], Callable[[Bench], Any], int]] = {
    # What is there before, the call, and the least number of writes it makes.
    "Open Run": (lambda bench: None, opened, 5),
    "Open Run, queued": (opened, lambda bench: opened(bench, WAITING), 2),
    "Judge Candidate": (with_results, judged, 3),
    "Open Release": (registered, release_opened, 13),
    "Record Release": (approved, recorded, 5),
    "Close Run": (with_one_behind, closed, 7),
    "Report Failure": (with_one_behind, failed, 6),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_killed_before_any_write_ends_as_if_it_had_not_been(
    bench: Bench, name: str
) -> None:
    before, call, least = FUNCTIONS[name]

    def played(left: int | None = None) -> tuple[Any, dict[str, Any], list[str]]:
        bench.reset()
        before(bench)
        bench.stage.notices()
        bench.pipeline.writes = Writes(left)
        if left is not None:
            with pytest.raises(KilledError):
                call(bench)
            bench.pipeline.writes = Writes()
            bench.again()
        answer = call(bench)
        writes = list(bench.pipeline.writes.made)
        return answer, bench.digest(), writes

    answer, wanted, writes = played()

    assert len(writes) >= least, writes
    for number in range(len(writes)):
        again, found, _ = played(number)
        where = f"killed before write {number + 1} of {writes}"
        assert again == answer, where
        assert found == wanted, where
