"""The whole step on folders like those SageMaker mounts, with S3 played by moto.

test_rows_and_columns.py has what is wrong with rows.
"""

import gzip
import io
import json
from typing import Any

import polars as pl
import pytest

from contract.step import StepError
from score.storage import Results
from tests.support.batch_rows import KEYED, table
from tests.support.trained_releases import trained
from tests.support.training_cases import rows


def test_files_of_every_kind_are_scored_with_their_place_and_key(batch: Any) -> None:
    csv, packed = table(30, 1), table(20, 2, 30)
    job = batch(
        {
            "a.csv": csv.write_csv(),
            "deep/b.csv.gz": gzip.compress(packed.write_csv().encode()),
            "c.parquet": table(10, 3, 50),
        },
        data=KEYED,
    )

    job.run()

    found = job.frame("scores")
    assert found.columns == ["id", "file", "row", "prediction", "release"]
    assert sorted(map(int, found["id"])) == list(range(60))
    places = found.filter(pl.col("file") == "deep/b.csv.gz")
    assert places.select("id", "row").rows() == [(str(30 + at), at + 1) for at in range(20)]
    assert found["release"].unique().to_list() == [7]
    [record] = job.done()
    assert [(one["key"], one["rows_in"], one["scored"], one["rejected"]) for one in record["files"]]
    assert sum(one["scored"] for one in record["files"]) == 60
    assert [entry["rows"] for entry in record["scores"]] == [60]
    assert job.names("rejects") == []


def test_the_target_and_other_columns_do_not_matter(batch: Any) -> None:
    frame = table(20).drop("id")
    job = batch(
        {
            "a.parquet": frame,
            "b.csv": frame.with_columns(target=pl.lit("?"), more=pl.lit(1)).write_csv(),
        }
    )

    job.run()

    found = job.frame("scores")
    first, second = (found.filter(file=name)["prediction"] for name in ("a.parquet", "b.csv"))
    assert first.to_list() == second.to_list()


def test_a_resumed_batch_scores_only_what_has_no_record(batch: Any) -> None:
    files = {f"{name}.csv": table(2000, seed).write_csv() for seed, name in enumerate("abc")}
    job = batch(files, data=KEYED, shard_bytes=50_000)
    job.run()
    before = {name: job.read(f"scores/{name}") for name in job.names("scores")}
    records = job.done()
    assert [record["shard"] for record in records] == [0, 1, 2]
    job.bucket.Object("batches/m/m-1/done/00001.json").delete()
    job.bucket.Object("batches/m/m-1/scores/00001-0000.parquet").delete()
    job.bucket.Object("batches/m/m-1/scores/00000-0000.parquet").delete()

    job.run()

    after = {name: job.read(f"scores/{name}") for name in job.names("scores")}
    assert after == {name: before[name] for name in before if not name.startswith("00000")}
    assert [record["shard"] for record in job.done()] == [0, 1, 2]
    assert job.done()[0] == records[0]


def test_a_job_that_is_killed_in_a_shard_leaves_no_record_of_it(
    batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{name}.csv": table(2000, seed).write_csv() for seed, name in enumerate("ab")}
    job = batch(files, data=KEYED, shard_bytes=50_000)
    write = Results.write

    def killed(self: Results, name: str, content: bytes) -> dict[str, Any]:
        if name == "scores/00001-0000.parquet":
            raise KeyboardInterrupt
        return write(self, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(Results, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            job.run()
    assert job.names("done") == ["00000.json"]

    job.run()

    assert job.names("done") == ["00000.json", "00001.json"]
    found = job.frame("scores")
    assert found.height == found.select("file", "row").unique().height == 4000


def test_a_record_of_another_release_is_refused(batch: Any) -> None:
    job = batch({"a.csv": table(20).write_csv()}, data=KEYED)
    job.run()
    plan = json.loads((job.paths.input("plan") / "plan.json").read_text())
    job.plan(release={**plan["release"], "number": 8})

    with pytest.raises(StepError, match="of release 7, but the batch is pinned to release 8"):
        job.run()


def test_another_artifact_than_the_plan_names_is_refused(batch: Any) -> None:
    job = batch({"a.csv": table(20).write_csv()}, data=KEYED)
    job.plan(release={"number": 7, "artifact_sha256": "0" * 64})

    with pytest.raises(StepError, match=r"model\.tar\.gz: its sha256 is .*, but 0000"):
        job.run()
    assert job.names("scores") == []


def test_hosts_share_the_shards_and_find_the_same_plan(batch: Any) -> None:
    files = {f"{at}.csv": table(500 + 100 * at, at).write_csv() for at in range(5)}
    job = batch(files, data=KEYED, shard_bytes=20_000)
    hosts = ["algo-1", "algo-2"]

    job.run("algo-1", hosts)
    first = set(job.names("done"))
    job.run("algo-2", hosts)

    plan = job.document("shards.json")["shards"]
    assert {f"{one['shard']:05d}.json" for one in plan if one["host"] == 0} == first
    assert len(job.names("done")) == len(plan) == 5
    assert sum(one["rows_in"] for record in job.done() for one in record["files"]) == 3500


@pytest.mark.parametrize("contents", [{}, {"a.csv": "id,size,weight,colour\n"}])
def test_a_batch_without_rows_is_done(batch: Any, contents: dict[str, str]) -> None:
    job = batch(contents, data=KEYED)

    job.run()

    assert len(job.document("shards.json")["shards"]) == len(contents)
    assert [record["files"][0]["rows_in"] for record in job.done()] == [0] * len(contents)
    if contents:
        assert job.frame("scores").columns == ["id", "file", "row", "prediction", "release"]


def test_a_replaced_file_is_read_as_it_was_and_a_deleted_version_is_named(batch: Any) -> None:
    job = batch({"a.csv": table(20).write_csv(), "b.csv": table(20).write_csv()}, data=KEYED)
    job.put("a.csv", "nothing\n")
    job.bucket.Object("inputs/m/b.csv").delete()

    job.run()

    assert job.frame("scores").height == 40
    again = batch({"c.csv": table(20).write_csv()}, data=KEYED, prefix="batches/m/m-2")
    version = again.objects[0]["version_id"]
    again.bucket.Object("inputs/m/c.csv").Version(version).delete()
    with pytest.raises(StepError, match=r"c\.csv version .* is gone .*start a new batch"):
        again.run()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv: is empty"),
        ("a.csv.gz", b"id,size,weight,colour\n", "is named .gz but is not gzip"),
        ("a.parquet", b"PAR1 and more", "is damaged Parquet"),
        ("a.csv", b"id,size,weight,colour\n1,2,\xff,x\n", "is not UTF-8"),
        ("a.csv", "id,size,weight,colour\n".encode("utf-16"), "is UTF-16, not UTF-8"),
        ("a.csv.gz", gzip.compress(table(900).write_csv().encode())[:4000], "gzip ends early"),
        ("a.csv", b"id;size;weight;colour\n", "';'|not its delimiter"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    batch: Any, name: str, content: bytes, said: str
) -> None:
    job = batch({name: content}, data=KEYED)

    with pytest.raises(StepError, match=said) as failed:
        job.run()

    assert name in str(failed.value)
    assert job.names("done") == []


def test_a_large_parquet_file_is_cut_between_row_groups_of_any_size(batch: Any) -> None:
    frame = table(9_000)
    file = io.BytesIO()
    pl.concat([frame[:100], frame[100:5000], frame[5000:]], rechunk=False).write_parquet(
        file, row_group_size=1000
    )
    whole = batch({"whole.parquet": file.getvalue()}, data=KEYED)
    whole.run()
    cut = batch(
        {"whole.parquet": file.getvalue()}, data=KEYED, shard_bytes=30_000, prefix="batches/m/cut"
    )
    cut.run()

    records = [
        json.loads(found.get()["Body"].read())
        for found in cut.bucket.objects.filter(Prefix="batches/m/cut/done/")
    ]
    assert len(records) == 3
    scores = [
        pl.read_parquet(io.BytesIO(found.get()["Body"].read()))
        for found in cut.bucket.objects.filter(Prefix="batches/m/cut/scores/")
    ]
    assert pl.concat(scores).sort("row").equals(whole.frame("scores"))
    first = [record["files"][0]["first_row"] for record in records]
    assert sorted(first)[0] == 1 and len({*first}) == len(records)


def test_explanations_name_the_features_that_moved_the_score_most(batch: Any) -> None:
    artifact = trained("multiclass", "xgboost")
    frame = rows("multiclass", 60, 4)
    options = {"allow_missing": [], "explain": 2}
    job = batch({"a.parquet": frame}, artifact, "multiclass", options=options)

    job.run()

    found = job.frame("scores")
    assert found.columns[-4:] == [
        *("because_1", "because_1_effect"),
        *("because_2", "because_2_effect"),
    ]
    from contract.native_model import native_model

    matrix = artifact.encoding.matrix(frame)
    values = native_model("xgboost", artifact.native).contributions(matrix)
    names = artifact.encoding.names
    for at, row in enumerate(found.iter_rows(named=True)):
        chosen = values[at, artifact.encoding.classes.index(row["prediction"]), :-1]
        effects = dict(zip(names, chosen, strict=True))
        strongest = sorted(effects, key=lambda name: -abs(effects[name]))[:2]
        assert [row["because_1"], row["because_2"]] == strongest
        assert row["because_1_effect"] == pytest.approx(effects[strongest[0]])


def test_more_explanations_than_features_are_empty_also_without_rows(batch: Any) -> None:
    options = {"allow_missing": [], "explain": 5}
    frame = rows("regression", 4, missing=False)
    job = batch({"a.parquet": frame, "b.parquet": frame.clear()}, options=options, shard_bytes=1)

    job.run()

    found = job.frame("scores")
    assert found.height == 4
    assert set(found["because_3"]) <= {"size", "weight", "colour"}
    assert found["because_4"].null_count() == found["because_5_effect"].null_count() == 4
    assert len(job.names("scores")) == 2


@pytest.mark.parametrize("files", [60, pytest.param(5000, marks=pytest.mark.faults)])
def test_many_small_files_are_one_shard(batch: Any, files: int) -> None:
    one = table(2).write_csv()
    job = batch({f"{at:04d}.csv": one for at in range(files)}, data=KEYED)

    job.run()

    [record] = job.done()
    assert len(record["files"]) == files
    assert len(record["scores"]) == 1
    assert job.frame("scores").height == 2 * files


def test_counts_in_the_log_agree_with_their_nouns(
    batch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    batch({"a.csv": table(1).write_csv(null_value="NA")}, data=KEYED).run()

    # A slow machine prints a line more while it scores.
    first, *_, shard, last = capsys.readouterr().out.splitlines()
    assert first.startswith("m-1: 1 file in 1 shard, of which this host scores 1;")
    assert shard.startswith("shard 1 of 1: 1 row, ")
    assert last.startswith("scored m-1: 1 row with release 7 in ")


def test_a_batch_leaves_the_same_bytes_on_any_number_of_processors(
    batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{name}.csv": table(3000, seed).write_csv() for seed, name in enumerate("ab")}
    job = batch(files, data=KEYED, shard_bytes=50_000)
    written = []
    for processors in (1, 4):
        monkeypatch.setattr("score.__main__.processors", lambda processors=processors: processors)
        job.run()
        found = {each.key: each.get()["Body"].read() for each in job.bucket.objects.all()}
        written.append({key: body for key, body in found.items() if key.startswith("batches/")})
        job.bucket.objects.filter(Prefix="batches/").delete()

    first, second = written
    usage = json.loads(first.pop("batches/m/m-1/usage.json"))
    assert usage.keys() == json.loads(second.pop("batches/m/m-1/usage.json")).keys()
    assert usage["seconds"] > 0
    assert len(first) == 5  # shards.json; scores and a record of each shard
    assert first == second


def test_each_host_of_a_batch_leaves_what_it_used(batch: Any) -> None:
    files = {f"{name}.csv": table(100, seed).write_csv() for seed, name in enumerate("ab")}
    job = batch(files, data=KEYED)

    for host in ("algo-1", "algo-2"):
        job.run(host, ("algo-1", "algo-2"))

    assert job.document("usage.json")["format"] == job.document("usage-001.json")["format"] == 1
