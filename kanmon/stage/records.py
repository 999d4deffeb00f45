"""Records in the model table of what is started by name: runs, batches and monitorings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from kanmon.stage.model_table import item_of, items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


@dataclass(frozen=True)
class Record:
    """A record of one kind; `fields` are the item's attributes as plain values."""

    name: str
    model: str
    fields: dict[str, Any]

    # What it is called, the attribute with the time it began, and those that only the control
    # functions use.
    kind: ClassVar[str]
    began: ClassVar[str]
    bookkeeping: ClassVar[tuple[str, ...]]

    def __getattr__(self, name: str) -> Any:
        return self.name if name == self.kind else self.fields.get(name)

    def document(self) -> dict[str, Any]:
        """The record for `--json`."""
        return {self.kind: self.name, "model": self.model, **self.fields}


Kind = TypeVar("Kind", bound=Record)


def records_of(
    connection: "Connection", kind: type[Kind], model: str, limit: int | None = None
) -> list[Kind]:
    """The latest records of a model, newest first; without a limit, all."""
    found = [_record(kind, item) for item in items_of(connection, model, f"{kind.kind}#")]
    return _newest_first(kind, found)[:limit]


def latest_of(
    connection: "Connection", kind: type[Kind], models: Iterable[str], limit: int
) -> list[Kind]:
    """The latest records of several models, newest first."""
    found = [one for model in models for one in records_of(connection, kind, model, limit)]
    return _newest_first(kind, found)[:limit]


def _newest_first(kind: type[Kind], found: Iterable[Kind]) -> list[Kind]:
    # By time and not by name, because an execution can have a name of its own.
    return sorted(
        found, key=lambda one: (str(one.fields.get(kind.began) or ""), one.name), reverse=True
    )


def record_of(connection: "Connection", kind: type[Kind], model: str, name: str) -> Kind | None:
    """One record; None if its first function has not written it (yet)."""
    item = item_of(connection, model, f"{kind.kind}#{name}")
    return _record(kind, item) if item else None


def record_named(connection: "Connection", kind: type[Kind], name: str) -> Kind | None:
    """The record of this name, whose model is not known; None where there is none."""
    found = (record_of(connection, kind, model, name) for model in possible_models(name))
    return next((record for record in found if record is not None), None)


def possible_models(name: str) -> list[str]:
    """The models that a name can belong to, likeliest first.

    >>> possible_models("abalone-261121055501-x7k")
    ['abalone', 'abalone-261121055501']
    """
    parts = name.split("-")
    prefixes = ["-".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
    return sorted(prefixes, key=lambda prefix: abs(len(parts) - 2 - len(prefix.split("-"))))


def _record(kind: type[Kind], plain: dict[str, Any]) -> Kind:
    model, item = str(plain.pop("model")), str(plain.pop("item"))
    fields = {name: value for name, value in plain.items() if name not in kind.bookkeeping}
    return kind(item.removeprefix(f"{kind.kind}#"), model, fields)
