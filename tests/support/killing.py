"""Functions killed before each of their writes and called again, on a stage in memory.

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

from core.releases.open_release import Opening
from core.review.page import render
from core.stage import gateways
from tests.support.release_doubles import Pipeline, Production
from tests.support.release_table import Clock, Table
from tests.support.release_world import TREE
from tests.support.stage_in_memory import BUCKET, TABLE, Stage

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
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
            "facts": sorted({json.dumps(one, sort_keys=True) for one in self.stage.facts()}),
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


def check_each_kill(
    bench: Bench,
    before: Callable[[Bench], Any],
    call: Callable[[Bench], Any],
    least: int,
) -> None:
    """Kill the call before each of its writes, at least so many: the repeat makes good for it."""

    def played(left: int | None = None) -> tuple[Any, dict[str, Any], list[str]]:
        bench.reset()
        before(bench)
        bench.stage.facts()
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
