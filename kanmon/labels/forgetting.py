"""Forgetting: finds the rows in every version of every object, then removes them.

Each object is written again without the rows before the versions that hold them are deleted. So it
can be interrupted anywhere: the next call finds what is left.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from core.label_names import digest_in, label_name
from core.stage.batch_table import FAILED
from kanmon.labels import rewriting
from kanmon.labels.batch_documents import Current, update_batch
from kanmon.labels.rewritten import Rewritten
from kanmon.labels.versions import KINDS, Version, downloaded, prefixes, uploaded, versions_of
from kanmon.labels.whose import Whose
from kanmon.stage.connection import read_json

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


# By then an upload has ended, and the batch that it is for has started.
UPLOADED = timedelta(days=1)


@dataclass
class Found:
    """An object with rows to remove: how many its current version has, and who holds any.

    left: how many rows it has besides, known once it was written again.
    """

    key: str
    kind: str
    rows: int = 0
    left: int = 0
    holding: list[Version] = field(default_factory=list)


@dataclass
class Search:
    """What was found, and what was not: objects that cannot be read, batches that are not done.

    open_monitorings: those that ran when the search began. Such a job may write captured rows again
    that it has read. elsewhere: files that batches scored in other folders. whole: of unreadable
    inputs without the key, the request that means all of their rows.
    """

    found: list[Found] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    # Batches that were not searched, and why.
    open_batches: dict[str, str] = field(default_factory=dict)
    open_monitorings: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    keyless: int = 0
    keyless_rejects: int = 0
    _all: dict[str, list[Version]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """By kind: rows, files and versions."""
        by_kind = {kind: [one for one in self.found if one.kind == kind] for kind in KINDS}
        return {
            kind: {
                "rows": sum(one.rows for one in found),
                "files": len(found),
                "versions": sum(len(one.holding) for one in found),
            }
            for kind, found in by_kind.items()
        }

    def every_version(self, key: str) -> list[Version]:
        """All versions of an object, and its markers."""
        return self._all[key]


class Forgetting:
    """Removes the rows of some keys and requests from a model's objects.

    batches: the status of each batch that has a record. running: asks for the monitorings that run.
    """

    def __init__(
        self,
        connection: "Connection",
        model: str,
        whose: Whose,
        delimiter: str,
        batches: Mapping[str, str] | None = None,
        running: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.batches = batches or {}
        self.running = running
        self.connection = connection
        self.model = model
        self.whose = whose
        self.delimiter = delimiter
        # Rows of inputs by batch: as scores and rejects name them.
        self.places: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self._files: dict[str, list[str]] = {}

    # ---- Searching

    def search(self, looking: Callable[[str], None]) -> Search:
        """Look into every version of every object."""
        # Asked first: what a monitoring that has ended wrote is found below.
        search = Search(open_monitorings=set(self.running()))
        for version in versions_of(self.connection, self.model):
            search._all.setdefault(version.key, []).append(version)
        search.open_batches = self._open_batches(search)
        uploaded = {one.batch for each in search._all.values() for one in each if _is_input(one)}
        # Captures and inputs first: they say which requests and which rows are meant.
        for kind in reversed(KINDS):
            for key, versions in search._all.items():
                if versions[0].kind != kind:
                    continue
                if versions[0].batch in search.open_batches:
                    continue
                looking(key)
                keyless = self._look(search, key, kind, versions)
                if kind == "captured":
                    search.keyless += keyless
                elif versions[0].batch not in uploaded:
                    search.keyless_rejects += keyless
        for batch in {one.batch for each in search._all.values() for one in each if one.batch}:
            search.elsewhere |= {key for key in self._scored(batch) if not self._is_own(key)}
        search.found.sort(key=lambda one: KINDS.index(one.kind))
        return search

    def _open_batches(self, search: Search) -> dict[str, str]:
        """The batches that a job may work on, or that a resume needs all the rows of."""
        every = [one for each in search._all.values() for one in each]
        done = {one.batch for one in every if _is_manifest(one)}
        newest: dict[str, datetime] = {}
        for one in every:
            if one.batch is not None and one.batch not in done:
                newest[one.batch] = max(newest.get(one.batch, one.stored_at), one.stored_at)
        return {
            batch: why for batch, stored in newest.items() if (why := self._why_open(batch, stored))
        }

    def _why_open(self, batch: str, newest: datetime) -> str | None:
        """Why a batch without a manifest cannot be searched now; None where it can."""
        status = self.batches.get(batch)
        if status is None and newest < datetime.now(newest.tzinfo) - UPLOADED:
            return None  # its files were uploaded, and it was never started
        if status == FAILED:
            cut = self._is_cut(batch)
            return "a Parquet file of it is scored in parts, which count rows" if cut else None
        return "it has no manifest"

    def _look(self, search: Search, key: str, kind: str, versions: Iterable[Version]) -> int:
        """Look into every version of an object; how many rows without a key the current one has."""
        found, keyless = Found(key, kind), 0
        for version in versions:
            if version.marker:
                continue
            with downloaded(self.connection, version) as path:
                looked = self._without(version, path, None)
            keyless += looked.keyless if version.latest else 0
            if looked.unreadable:
                search.unreadable[key] = looked.unreadable
            if looked.lacks_key:
                search.whole[key] = self._request(version)
            if looked.rows:
                found.holding.append(version)
                # Where the current version is clean, an earlier call was interrupted.
                found.rows = max(found.rows, looked.rows)
        if found.holding:
            search.found.append(found)
        return keyless

    def _without(self, version: Version, path: Path, target: Path | None) -> Rewritten:
        """Search the version, and write it to the target without the rows, if there is one."""
        if version.kind == "captured":
            if version.key.endswith(".parquet"):
                return rewriting.compacted(path, target, self.whose)
            return rewriting.json_lines(path, target, self.whose)
        if version.kind == "labels":
            return rewriting.labels(path, target, self.whose, self.delimiter)
        batch = str(version.batch)
        if version.kind == "scores":
            return rewriting.scores(path, target, self.whose, batch)
        if version.kind == "rejects":
            return rewriting.rejects(path, target, self.whose, batch, self.places[batch])
        return self._input_without(version, path, target)

    def _input_without(self, version: Version, path: Path, target: Path | None) -> Rewritten:
        batch, request = str(version.batch), self._request(version)
        if request in self.whose.requests:
            looked = rewriting.whole_input(path, target, self.delimiter)
            if looked.rows:
                self.whose.found_requests.add(request)
            return looked
        short = request.removeprefix(f"{batch}/")
        rows: set[int] = set()
        looked = rewriting.inputs(path, target, self.whose, self.delimiter, rows)
        self.places[batch] |= {(short, row) for row in rows}
        return looked

    def _is_cut(self, batch: str) -> bool:
        """Is a file of it scored in parts, whose rows a resume counts?"""
        planned = read_json(self.connection, f"batches/{self.model}/{batch}/shards.json") or {}
        parts = [part for shard in planned.get("shards", ()) for part in shard["parts"]]
        return any(part["row_groups"] for part in parts)

    def _request(self, version: Version) -> str:
        """An input of a batch, as the request that it is."""
        from kanmon.labels.scored_inputs import common_folder_of

        batch = str(version.batch)
        return f"{batch}/{version.key.removeprefix(common_folder_of(self._scored(batch)))}"

    def _scored(self, batch: str) -> list[str]:
        """The files that a batch scores."""
        if batch not in self._files:
            plan = read_json(self.connection, f"batches/{self.model}/{batch}/plan.json") or {}
            self._files[batch] = [str(one["key"]) for one in plan.get("objects", ())]
        return self._files[batch]

    def _is_own(self, key: str) -> bool:
        return key.startswith(tuple(prefixes(self.model)))

    # ---- Removing

    def remove(self, search: Search, removing: Callable[[str], None]) -> None:
        """Remove what was found, kind by kind."""
        for kind in KINDS:
            found = [one for one in search.found if one.kind == kind]
            renewed: dict[str, dict[str, Current]] = defaultdict(dict)
            for one in found:
                removing(one.key)
                current = self._renew(search, one)
                batch = one.holding[0].batch
                if current and batch:
                    renewed[batch][one.key] = current
            for batch, objects in renewed.items():
                update_batch(self.connection, f"batches/{self.model}/{batch}", objects)
            for one in found:
                self._delete(self._to_delete(search, one))

    def _renew(self, search: Search, one: Found) -> Current | None:
        """Write the object again where its current version holds rows; what it is then."""
        latest = next(each for each in search.every_version(one.key) if each.latest)
        if latest.marker:
            return None
        with downloaded(self.connection, latest) as path:
            if latest not in one.holding:
                return Current.of(latest.id, path, one.kind)
            target = path.with_name("rewritten")
            one.left = self._without(latest, path, target).left
            if not one.left and one.kind in ("captured", "labels"):
                return None
            key = one.key if one.kind != "labels" else self._label_key(latest, path)
            return Current.of(uploaded(self.connection, key, target), target, one.kind)

    def _label_key(self, version: Version, path: Path) -> str:
        """The same, or where the name does not say when it came, one that does."""
        folder, _, name = version.key.rpartition("/")
        if digest_in(name):
            return version.key
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return f"{folder}/{label_name(version.stored_at, digest, name)}"

    def _to_delete(self, search: Search, one: Found) -> list[Version]:
        """The versions that hold rows; all, where nothing of the object is left."""
        # The latest last: no older one becomes the current one in between.
        every = sorted(search.every_version(one.key), key=lambda each: each.latest)
        latest = every[-1]
        if latest not in one.holding or one.kind in ("scores", "rejects", "inputs"):
            return one.holding
        named = digest_in(one.key.rpartition("/")[2])
        if one.kind == "labels" and not named:
            return every
        return one.holding if one.left else every

    def _delete(self, versions: Iterable[Version]) -> None:
        # One by one: DeleteObjects also asks for the permission to delete without a version.
        for one in versions:
            self.connection.s3.delete_object(
                Bucket=self.connection.bucket, Key=one.key, VersionId=one.id
            )


def _is_input(one: Version) -> bool:
    return one.kind == "inputs" and not one.marker


def _is_manifest(one: Version) -> bool:
    manifest = one.key.startswith("batches/") and one.key.endswith("/manifest.json")
    return manifest and one.latest and not one.marker
