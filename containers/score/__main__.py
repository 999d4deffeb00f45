"""`python -m score`: the shell of the Score step, which knows where the job's files are.

1. Read the batch's plan (input/plan/plan.json) and the release's model (input/model).
2. Plan the shards, as every host does; take those of this host that have no done record.
3. Look at the columns of all their files, then score one shard after the other.
4. Write scores, rejects and last the done record of each shard to S3; after all, usage.json.
"""

import shutil
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from contract.artifact import Artifact
from contract.paths import Paths
from contract.problem import counted
from contract.step import run_step
from contract.usage import Meter, processors, usage_name
from reading.shards import Shard, document, planned
from reading.source import common_folder, s3_client
from score import done
from score.batch_plan import BatchPlan
from score.storage import Results


def main(paths: Paths) -> None:
    """Score this host's share of the batch, and leave what it used."""
    with Meter(paths) as meter:
        batch, results, rows = scored(paths)
        used = meter.document()
        results.write_json(usage_name(paths), used)
    what = f"{counted(rows, 'row')} with release {batch.release}"
    print(f"scored {batch.batch}: {what} in {used['seconds']:.1f} s")


def scored(paths: Paths) -> tuple[BatchPlan, Results, int]:
    """Score this host's share; return the batch, where its results are, and how many rows came."""
    batch = BatchPlan.read(paths.input("plan") / "plan.json")
    artifact = Artifact.read(paths.input("model"), batch.artifact_sha256)
    # After the checks above, so they fail fast: polars and pandera take most of the start.
    from reading.row_groups import REQUESTS, groups_of

    client = s3_client(2 * REQUESTS)
    results = Results(batch.bucket, batch.prefix, client)
    host, hosts = paths.host()
    groups = groups_of(batch.objects, batch.shard_bytes, client)
    shards = planned([entry.size for entry in batch.objects], groups, batch.shard_bytes, hosts)
    if host == 0:
        results.write_json("shards.json", document(shards))
    mine = [shard for shard in shards if shard.host == host]
    waiting = done.missing(results, mine, batch.release, batch.artifact_sha256)
    print(
        f"{batch.batch}: {counted(len(batch.objects), 'file')} in {counted(len(shards), 'shard')}, "
        f"of which this host scores {len(waiting):,}; of its own {len(mine) - len(waiting):,} done",
        flush=True,
    )
    folder = paths.scratch_folder("score")
    try:
        rows = score(batch, artifact, waiting, results, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return batch, results, rows


def score(
    batch: BatchPlan, artifact: Artifact, shards: Sequence[Shard], results: Results, folder: Path
) -> int:
    """Score these shards, if every file of theirs has its columns; return how many rows came."""
    from reading.columns import Layout
    from reading.downloads import fetched
    from reading.row_groups import kept_path
    from score.heads import check_heads
    from score.pipeline import Scoring

    client = results.client
    names = [entry.key.removeprefix(common_folder(batch.objects)) for entry in batch.objects]
    parts = list(chain.from_iterable(shard.parts for shard in shards))
    first = {part.file: part for part in reversed(parts)}
    heads = [
        (batch.objects[file], names[file], kept_path(folder, part))
        for file, part in sorted(first.items())
    ]
    check_heads(heads, batch.plan, Layout.to_score(batch.plan, batch.allow_missing), client)
    rows = 0
    with Scoring(batch, artifact, names, results, processors()) as scoring:
        files = fetched(parts, batch.objects, folder, client)
        for number, shard in enumerate(shards, start=1):
            started = time.monotonic()
            record = scoring.score(shard, files)
            results.write_json(f"{done.FOLDER}/{done.name_of(shard.number)}", record)
            read = sum(file["rows_in"] for file in record["files"])
            rows += read
            print(
                f"shard {number} of {len(shards)}: {counted(read, 'row')}, "
                f"{read / max(time.monotonic() - started, 0.001):,.0f} rows/s",
                flush=True,
            )
    return rows


if __name__ == "__main__":
    # As in Preprocess: where hypothesis is installed, pandera would load it.
    import sys

    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    run_step(main)
