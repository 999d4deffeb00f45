"""What a stage or a model consists of, one thing per line of the list that a person is shown."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.words.formats import count, size


class Kind(StrEnum):
    """What a thing is, in the order in which things are removed.

    First what starts work and what works. Then what uses the stage's roles, tables and buckets, and
    the stage's stack. Last what the stack leaves. In `releases/` nothing can be removed unless its
    protection is lifted, so that is done once everything else is gone. The buckets of data write
    access logs, so the logs' bucket is the last one.
    """

    SCHEDULE = "schedule"
    WORK = "running work"
    DEFINITION = "definition"
    SERVING = "serving stack"
    PACKAGES = "package group"
    IMAGES = "image repository"
    BUILDS = "builds"
    SUBSCRIPTION = "subscription"
    RULE = "rule of others"
    STACK = "stack"
    LAYERS = "layer"
    LOGS = "log group"
    STREAMS = "job logs"
    UPLOADS = "deployment files"
    OBJECTS = "objects"
    RELEASES = "releases"
    DATASET = "data"
    ITEMS = "table items"
    PIPELINE_BUCKET = "pipeline bucket"
    TABLE = "model table"
    DATA_BUCKET = "data bucket"
    ACCESS_LOGS = "access logs bucket"


ORDER = {kind: place for place, kind in enumerate(Kind)}
# What cannot be made again: it stays unless it is asked for.
DATA = frozenset({Kind.DATASET, Kind.TABLE, Kind.DATA_BUCKET, Kind.ACCESS_LOGS})


@dataclass(frozen=True)
class Resource:
    """A resource of a stack, by CloudFormation's type and physical id."""

    type: str
    name: str


@dataclass(frozen=True)
class Thing:
    """Something to remove. `amount` counts what is in it, in `unit`s; `resources` are a stack's."""

    kind: Kind
    name: str
    amount: int | None = None
    unit: str = ""
    bytes: int | None = None
    resources: tuple[Resource, ...] = ()
    # What removes it needs to know more: an ARN, the ids of builds, the names of streams.
    parts: tuple[str, ...] = field(default=(), repr=False)
    # The ARNs of what a rule calls.
    targets: tuple[str, ...] = ()

    @property
    def contents(self) -> str:
        """What is in it, in words.

        >>> Thing(Kind.OBJECTS, "runs/abalone/", 1204, "version", 217_321).contents
        '1,204 versions, 217 kB'
        >>> Thing(Kind.TABLE, "kanmon-dev-ModelTable-1", 1, "item").contents
        '1 item'
        >>> Thing(Kind.LOGS, "/aws/lambda/x").contents
        ''
        """
        if self.amount is None:
            return ""
        words = f"{count(self.amount)} {self.unit}{'' if self.amount == 1 else 's'}"
        if self.targets:
            return f"{words}: {', '.join(self.targets)}"
        return words if self.bytes is None else f"{words}, {size(self.bytes)}"

    def document(self) -> dict[str, Any]:
        """The thing for programs."""
        found: dict[str, Any] = {"kind": str(self.kind), "name": self.name}
        if self.kind is Kind.RULE:
            found["targets"] = list(self.targets)
        elif self.amount is not None:
            found[f"{self.unit}s".replace(" ", "_")] = self.amount
        if self.bytes is not None:
            found["bytes"] = self.bytes
        if self.resources:
            found["resources"] = [vars(one) for one in self.resources]
        return found


def to_remove(things: list[Thing], *, with_data: bool) -> list[Thing]:
    """The things to remove, in order; of one kind by name."""
    chosen = [one for one in things if with_data or one.kind not in DATA]
    return sorted(chosen, key=lambda one: (ORDER[one.kind], one.name))


def to_keep(things: list[Thing], *, with_data: bool) -> list[Thing]:
    """The things that stay on purpose."""
    chosen = [one for one in things if not with_data and one.kind in DATA]
    return sorted(chosen, key=lambda one: (ORDER[one.kind], one.name))
