"""plan.json of a monitoring, which Open Monitoring wrote, as the step sees it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.plan import Plan
from contract.step import StepError
from reading.source import DataObject

DEFAULT_MEMORY_MB = 2048


@dataclass(frozen=True)
class Release:
    """The release in service that the monitoring is about."""

    number: int
    run: str
    sha256: str


@dataclass(frozen=True)
class Window:
    """The days that the checks are about: from the first up to, but without, the last; in UTC."""

    begins: datetime.date
    ends: datetime.date

    def before(self, days: int) -> datetime.date:
        """The day so many days before the first one."""
        return self.begins - datetime.timedelta(days=days)

    @property
    def days(self) -> list[datetime.date]:
        """Every day of the window."""
        count = (self.ends - self.begins).days
        return [self.begins + datetime.timedelta(days=number) for number in range(count)]

    def document(self) -> dict[str, str]:
        """The window as report.json has it."""
        return {"from": self.begins.isoformat(), "to": self.ends.isoformat()}


@dataclass(frozen=True)
class ScoredBatch:
    """A batch: its own plan, its scores, the files it read, and how many rows it refused."""

    name: str
    plan_key: str
    scores: tuple[DataObject, ...]
    inputs: tuple[DataObject, ...]
    refused: int = 0


@dataclass(frozen=True)
class LabelFile:
    """A file of labels, and when it came."""

    entry: DataObject
    received: datetime.datetime


@dataclass(frozen=True)
class Request:
    """One monitoring of one model. `plan` reads rows as the release's own training did.

    settings: `monitor` of model.yaml as it is now, with the margin of quality resolved, and
    `label_days`: of so many days before the window there are answers as well.
    """

    name: str
    model: str
    plan: Plan
    release: Release
    window: Window
    settings: Mapping[str, Any]
    bucket: str
    capture: tuple[DataObject, ...]
    batches: tuple[ScoredBatch, ...]
    labels: tuple[LabelFile, ...]
    memory_mb: int
    asked_at: datetime.datetime

    @classmethod
    def read(cls, path: Path) -> Request:
        """Read plan.json. Raises StepError, which says what is wrong with it."""
        again = "start a new monitoring with `kanmon monitor`"
        try:
            return cls.from_document(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise StepError(f"{path}: there is no plan; {again}") from None
        except KeyError as error:
            raise StepError(
                f"{path}: the plan has no {error}: another version wrote it; {again}"
            ) from None
        except (AttributeError, TypeError, ValueError) as error:
            raise StepError(f"{path}: the plan is damaged ({error}); {again}") from None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Request:
        """Take the parsed plan.json. Raises KeyError if something is missing."""
        release, bucket = document["release"], document["bucket"]
        resources = document["definition"]["content"].get("resources", {}).get("monitor", {})

        def objects(entries: Any) -> tuple[DataObject, ...]:
            return tuple(
                DataObject(bucket, each["key"], each["version_id"], int(each["size"]))
                for each in entries
            )

        return cls(
            name=document["monitoring"],
            model=document["model"],
            plan=Plan.from_document(document),
            release=Release(int(release["number"]), release["run"], release["artifact_sha256"]),
            window=Window(_day(document["window"]["from"]), _day(document["window"]["to"])),
            settings=document["settings"],
            bucket=bucket,
            capture=objects(document["capture"]),
            batches=tuple(
                ScoredBatch(
                    each["batch"],
                    each["plan_key"],
                    objects(each["scores"]),
                    objects(each["objects"]),
                    int(each.get("rejected", 0)),
                )
                for each in document["batches"]
            ),
            labels=tuple(
                LabelFile(objects([each])[0], moment(each["received"]))
                for each in document["labels"]
            ),
            memory_mb=int(
                document.get("memory_mb") or resources.get("memory_mb", DEFAULT_MEMORY_MB)
            ),
            asked_at=moment(document["asked_at"]),
        )


def _day(text: str) -> datetime.date:
    """A day; the time of day that may follow it does not count."""
    return datetime.date.fromisoformat(text[:10])


def moment(text: str) -> datetime.datetime:
    """A time in UTC, which it is already if it does not say.

    >>> moment("2026-01-31T00:30:00+02:00").isoformat()
    '2026-01-30T22:30:00+00:00'
    """
    found = datetime.datetime.fromisoformat(text)
    if found.tzinfo is None:
        return found.replace(tzinfo=datetime.UTC)
    return found.astimezone(datetime.UTC)
