"""`make package`: build the release's package, and the template and settings to deploy it.

Run it after `make verify` in the same folder, which unpacks the model.
"""

import io
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shipping import scorer_package
from shipping.archive import packed
from shipping.record import GOLDEN, VERIFIED, WORK, Record, ReleaseError, sha256
from shipping.storage import Storage
from shipping.verify import LARGEST_FUNCTION, SMALLER, run

TEMPLATE = "serving.yaml"
# The line of the template with the place of the code.
LOCAL_CODE = "    CodeUri: scoring/\n"
# A spread of 0 would divide by 0 in the alarm's expression.
LEAST_SPREAD = 1e-9


def package(
    folder: Path, record: Record, storage: Storage, environment: Mapping[str, str]
) -> Iterator[str]:
    """Upload the package and write verified/packaged.yaml and verified/configuration.json."""
    architecture = environment.get("FUNCTION_ARCHITECTURE", "arm64")
    key = scorer_package.key(folder / "scoring", architecture)
    content = storage.read(key, "scorer's package")
    if content is None:
        content = scorer_package.built(folder, architecture)
        storage.write_once(key, content, "scorer's package")
        yield f"built the scorer's package: {key}"
    model = folder / WORK / "model"
    if not model.is_dir():
        raise ReleaseError("there is no verified model here; run `make verify` first")
    files = {f"model/{path.name}": path.read_bytes() for path in model.iterdir()}
    whole = packed(files, onto=content)
    check_size(whole, sum(map(len, files.values())))
    name = f"packages/{record.name}/{sha256(whole)}.zip"
    version = storage.write_once(name, whole, "release's package")
    yield f"package of {len(whole) / 1e6:.1f} MB: s3://{storage.bucket}/{name}"
    out = folder / VERIFIED
    out.mkdir(exist_ok=True)
    code = {"Bucket": storage.bucket, "Key": name, "Version": version}
    (out / "packaged.yaml").write_text(packaged((folder / TEMPLATE).read_text(), code))
    golden = json.loads((folder / GOLDEN).read_bytes())
    settings = configuration(record, golden.get("spread"), environment, architecture)
    (out / "configuration.json").write_text(json.dumps(settings, indent=1) + "\n")
    yield f"stack to deploy: {record.document['stack']}-serving-{record.document['model']}"


def check_size(whole: bytes, model: int) -> None:
    """Raise ReleaseError if the package is too large for Lambda. `model` is the model's bytes."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > LARGEST_FUNCTION:
        raise ReleaseError(
            f"the scoring function has {size / 1e6:.0f} MB unpacked, {model / 1e6:.0f} MB of them "
            f"the model, and Lambda allows {LARGEST_FUNCTION / 1e6:.0f} MB; {SMALLER}"
        )


def packaged(template: str, code: Mapping[str, str]) -> str:
    """The template, with its code at the uploaded object's version."""
    if template.count(LOCAL_CODE) != 1:
        raise ReleaseError(f"{TEMPLATE} must have the line {LOCAL_CODE.strip()!r} exactly once")
    return template.replace(LOCAL_CODE, f"    CodeUri: {json.dumps(code)}\n")


def configuration(
    record: Record, spread: float | None, environment: Mapping[str, str], architecture: str
) -> dict[str, dict[str, str]]:
    """CodePipeline's template configuration: parameters of serving.yaml and tags of the stack."""
    document, serving = record.document, record.document["serving"]
    champion = document.get("champion") or {}
    previous = environment.get("PREVIOUS_RELEASE") or champion.get("release") or "none"
    if str(previous) == str(document["release"]):  # deployed again
        previous = "none"  # its own requests are not those of an earlier release
    parameters: dict[str, Any] = {
        "Model": document["model"],
        "Release": document["release"],
        "PreviousRelease": previous,
        "ArtifactSha256": record.artifact.sha256,
        "MemoryMb": serving["memory_mb"],
        "TimeoutSeconds": serving["timeout_seconds"],
        "Concurrency": serving["concurrency"],
        "CaptureShare": serving["capture_share"],
        "FunctionArchitecture": architecture,
        "Canary": serving["canary"],
        "MaximumLatencyMs": serving["maximum_latency_ms"],
        "MaximumScoreShift": serving["maximum_score_shift"],
        "ScoreSpread": max(float(spread or 0), LEAST_SPREAD),
        "DataBucket": environment["DATA_BUCKET"],
        "NotificationsTopicArn": environment["NOTIFICATIONS_TOPIC_ARN"],
        "LogRetentionDays": environment["LOG_RETENTION_DAYS"],
        "PermissionsBoundaryArn": environment["PERMISSIONS_BOUNDARY_ARN"],
    }
    return {
        "Parameters": {name: _written(value) for name, value in parameters.items()},
        # Without the release: it would change the tags of every resource each time.
        "Tags": {"kanmon:stack": document["stack"], "kanmon:model": document["model"]},
    }


def _written(value: Any) -> str:
    """A parameter as text. A metric expression does not accept a number like 1e-09."""
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(run(package, "Packaging"))
