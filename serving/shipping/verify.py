"""`make verify`: is the bundle the reviewed release, and does its code score as recorded?

Run it in the bundle's folder. It unpacks the model to work/model for `make package`.
"""

import io
import json
import os
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from shipping.record import GOLDEN, NOT_SOURCE, WORK, Record, ReleaseError, sha256
from shipping.source import tree_digest
from shipping.storage import Storage

# What the build project must set about its stage.
ENVIRONMENT = (
    "DATA_BUCKET",
    "NOTIFICATIONS_TOPIC_ARN",
    "LOG_RETENTION_DAYS",
    "PERMISSIONS_BOUNDARY_ARN",
)
MODEL_FILES = ("model.onnx", "encoding.json", "model.json")
# Lambda's limit in bytes for all of a function's files, unpacked.
LARGEST_FUNCTION = 250 * 1024 * 1024
SMALLER = "train a smaller model: fewer rounds or leaves (trainer in model.yaml)"


def verify(
    folder: Path, record: Record, storage: Storage, environment: Mapping[str, str]
) -> Iterator[str]:
    """Check everything; yield a line for each check. Write the model's files to work/model.

    Raises ReleaseError at the first difference.
    """
    yield _is_the_one_asked_for(record, environment)
    yield _bundle_is_whole(folder, record, storage)
    files = unpacked(storage.fetch(record.artifact, "artifact"))
    model = folder / WORK / "model"
    model.mkdir(parents=True, exist_ok=True)
    golden = (folder / GOLDEN).read_bytes()
    (model / GOLDEN).write_bytes(golden)
    for name, content in files.items():
        (model / name).write_bytes(content)
    (model / "files.json").write_bytes(manifest(record, files))
    yield f"artifact as recorded: {record.artifact.sha256[:12]}…"
    yield _scores_as_recorded(folder, model, record)


def manifest(record: Record, files: Mapping[str, bytes], leading: int = 0) -> bytes:
    """The content of model/files.json in the release's package: see scorer/model.py."""
    document = {
        "artifact": record.artifact.sha256,
        "files": {name: sha256(content) for name, content in sorted(files.items())},
        "features": record.features,
        "leading": leading,
        "key": record.key,
        "private": record.private,
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def unpacked(artifact: bytes) -> dict[str, bytes]:
    """The artifact's files that scoring needs. Raises ReleaseError."""
    try:
        with tarfile.open(fileobj=io.BytesIO(artifact), mode="r:gz") as archive:
            entries = {entry.name: entry for entry in archive}
            found = [entries[name] for name in MODEL_FILES]
            size = sum(entry.size for entry in found)
            if size > LARGEST_FUNCTION:
                raise ReleaseError(
                    f"artifact: the model's files have {size / 1e6:.0f} MB, more than a Lambda "
                    f"function may have; {SMALLER}"
                )
            files = {entry.name: archive.extractfile(entry) for entry in found}
            return {name: file.read() for name, file in files.items() if file}
    except (KeyError, OSError, EOFError, tarfile.TarError) as error:
        raise ReleaseError(f"artifact: not a model of Kanmon ({error}); train it again") from None


def _is_the_one_asked_for(record: Record, environment: Mapping[str, str]) -> str:
    for variable, key in (("MODEL", "model"), ("RELEASE", "release"), ("STACK_NAME", "stack")):
        asked, found = environment.get(variable), str(record.document[key])
        if asked and asked != found:
            raise ReleaseError(
                f"the bundle is release {record.name} of stack {record.document['stack']}, not of "
                f"{key} {asked}; start the pipeline with the bundle of that {key}"
            )
    return f"release {record.name}"


def _bundle_is_whole(folder: Path, record: Record, storage: Storage) -> str:
    model, release = record.document["model"], record.document["release"]
    opened = storage.read(f"releases/{model}/{release}/release.json", "release.json")
    if opened != record.raw:
        raise ReleaseError(
            "the bundle's release.json is not the one that was opened and reviewed; start the "
            "pipeline with the release's own bundle"
        )
    golden = (folder / GOLDEN).read_bytes() if (folder / GOLDEN).is_file() else b""
    if sha256(golden) != record.document["golden"]["sha256"]:
        raise ReleaseError("the bundle's golden.json is not the release's; open a new release")
    digest = tree_digest(folder, but=NOT_SOURCE)
    if digest != record.document["source"]["sha256"]:
        raise ReleaseError(
            f"the bundle's serving code is not the release's (sha256 {digest[:12]}…, not "
            f"{record.document['source']['sha256'][:12]}…); open a new release"
        )
    return f"bundle as recorded: serving code {digest[:12]}…"


def _scores_as_recorded(folder: Path, model: Path, record: Record) -> str:
    """Score the golden records with the code that will serve. Record the leading feature."""
    code = str(folder / "scoring")
    if code not in sys.path:
        sys.path.insert(0, code)
    from scorer.answering import Scorer
    from scorer.golden import Golden
    from scorer.model import Model, ModelError
    from scorer.rows import Encoder

    try:
        golden = Golden.read(model / GOLDEN)
    except (KeyError, TypeError, ValueError) as error:
        raise ReleaseError(f"golden.json cannot be read ({error!r}); open a new release") from None
    try:
        loaded = Model.load(model, record.artifact.sha256, record.features)
    except ModelError as error:
        raise ReleaseError(str(error)) from None
    tasks = {record.document["task"], golden.task, loaded.encoding.task}
    if len(tasks) > 1:
        raise ReleaseError(
            "release, golden records and model have different tasks "
            f"({', '.join(map(str, tasks))}); open a new release"
        )
    scorer = Scorer(loaded, record.document["model"], record.document["release"])
    differences = golden.differences(scorer.answer(golden.request(), "verify").document)
    if differences:
        raise ReleaseError("; ".join(differences[:3]))
    moved = loaded.moved(Encoder(loaded.encoding).encode(golden.rows).matrix)
    files = {name: (model / name).read_bytes() for name in MODEL_FILES}
    (model / "files.json").write_bytes(manifest(record, files, moved.index(max(moved))))
    return f"{len(golden.rows)} golden records score as recorded and as in the library"


Steps = Callable[[Path, Record, Storage, Mapping[str, str]], Iterator[str]]


def run(steps: Steps, name: str) -> int:
    """Run the steps on the bundle in this folder. On a ReleaseError print one line and return 1."""
    folder = Path.cwd()
    try:
        missing = [word for word in ENVIRONMENT if not os.environ.get(word)]
        if missing:
            raise ReleaseError(
                f"the build project does not set {', '.join(missing)}; deploy the platform again"
            )
        record = Record.read(folder)
        storage = Storage(_s3(), os.environ["DATA_BUCKET"])
        for line in steps(folder, record, storage, os.environ):
            print(line, flush=True)
    except ReleaseError as error:
        print(f"{name} stopped: {error}", file=sys.stderr)
        return 1
    return 0


@cache
def _s3() -> Any:
    import botocore.session  # starts twice as fast as boto3

    return botocore.session.get_session().create_client("s3")


if __name__ == "__main__":
    sys.exit(run(verify, "Verify"))
