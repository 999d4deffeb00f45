"""What may be scored in batch, how it is planned, and what proves a batch whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.batches.manifest import Work, manifest_document
from core.batches.plan import (
    LARGEST_SHARD,
    SMALLEST_SHARD,
    UnknownColumnError,
    missing_allowed,
    plan_document,
    sizes,
)
from core.batches.proof import prove
from core.batches.request import BatchRequest, BatchRequestError, batch_of, parse_request
from core.batches.results import Results
from core.cost.prices import SAMPLE
from core.definition.scorable import PRIVATE, check_key, check_prefix
from core.releases.live_release import LiveRelease
from core.stage.bucket import DataObject
from tests.support.batches import BATCH, FOLDER, RELEASE, done, parts, plan, results, shards
from tests.support.control_cases import DEFINITION

NOW = datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC)

# ---- The request


def test_only_the_model_is_required() -> None:
    assert parse_request({"model": "churn"}) == BatchRequest(model="churn", reason="manual")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "model: field required"),
        ({"model": "churn", "prefixx": "a/"}, "prefixx: unknown key; did you mean prefix?"),
        (
            {"model": "churn", "prefix": "datasets/churn"},
            "prefix: 'datasets/churn' is not a folder",
        ),
        ({"model": "churn", "prefix": "runs/churn/"}, "prefix: runs/ is Kanmon's own"),
        ({"model": "churn", "objects": ["labels/churn/a.csv"]}, "objects.0: labels/ is Kanmon's"),
        ({"model": "churn", "objects": []}, "objects: list should have at least 1 item"),
        ({"model": "churn", "prefix": "a/", "objects": ["a/b.csv"]}, "input: prefix and objects"),
        ({"model": "churn", "batch": BATCH, "hosts": 2}, "input: a batch is resumed with its own"),
        ({"model": "churn", "hosts": 0}, "hosts: input should be greater than"),
        ({"model": "churn", "explain": 21}, "explain: input should be less than"),
        (None, "input: input should be"),
    ],
)
def test_a_wrong_input_gets_one_line_with_an_example(raw: Any, words: str) -> None:
    with pytest.raises(BatchRequestError) as raised:
        parse_request(raw)

    assert str(raised.value).startswith(f"the batch's input, {words}")
    assert str(raised.value).endswith(
        'write an input such as {"model": "churn", "prefix": "datasets/churn/"}'
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.dictionaries(st.sampled_from([*BatchRequest.model_fields, "x"]), inner)
        | st.lists(inner, max_size=2)
    ),
)


@given(raw=anything)
def test_any_input_is_a_request_or_a_request_error(raw: Any) -> None:
    try:
        assert isinstance(parse_request(raw), BatchRequest)
    except BatchRequestError as error:
        assert "\n" not in str(error)


def test_a_batch_is_named_by_its_execution_or_by_the_request_that_resumes_it() -> None:
    begins, resumes = BatchRequest(model="churn"), BatchRequest(model="churn", batch=BATCH)

    assert batch_of(begins, BATCH) == BATCH
    assert batch_of(resumes, f"{BATCH}-r2") == BATCH
    for wrong in ("Odd Name", None, "x" * 38):
        with pytest.raises(BatchRequestError, match="must be named with at most 37"):
            batch_of(begins, wrong)


# ---- What may be scored


@pytest.mark.parametrize(
    "prefix",
    ["datasets/churn/", "inputs/churn/b/", f"{FOLDER}/scores/", "ours/2026/", "runsheet/"],
)
def test_folders_of_the_team_may_be_scored(prefix: str) -> None:
    assert check_prefix(prefix) == prefix
    assert check_key(f"{prefix}a.csv") == f"{prefix}a.csv"


@pytest.mark.parametrize(
    "path",
    [
        *(f"{folder}/churn/" for folder in PRIVATE),
        *(f"{FOLDER}/", f"{FOLDER}/done/", f"{FOLDER}/rejects/", "batches/"),
        *("", "/", "a//", "a/../runs/", "./a/", "a/*/"),
    ],
)
def test_kanmons_own_folders_and_what_is_no_folder_may_not(path: str) -> None:
    with pytest.raises(ValueError, match=r"; (name|write) "):
        check_prefix(path)
    with pytest.raises(ValueError, match=r"; (name|write) "):
        check_key(f"{path}a.csv" if path else "a.csv")


# ---- The plan


@given(total=st.integers(0, 10**15), hosts=st.integers(1, 100))
def test_shards_are_neither_too_small_nor_too_large_and_every_host_has_one(
    total: int, hosts: int
) -> None:
    cut = sizes(total, hosts)

    assert SMALLEST_SHARD <= cut.shard_bytes <= LARGEST_SHARD
    assert 1 <= cut.hosts <= hosts
    assert cut.hosts == 1 or total > (cut.hosts - 1) * SMALLEST_SHARD


CONTENT = DEFINITION.model_dump(mode="json")


def planned(request: BatchRequest, **definition: Any) -> dict[str, Any]:
    current = DEFINITION.model_copy(update=definition)
    objects = [DataObject("datasets/churn/a.csv", "v7", 100, "etag")]
    live = LiveRelease(**RELEASE)  # type: ignore[arg-type]
    stage = {"bucket": "b", "stack": "s"}
    return plan_document(stage, BATCH, request, live, CONTENT, current, objects, NOW)


def test_a_plan_names_the_release_and_the_exact_versions() -> None:
    found = planned(BatchRequest(model="churn", reason="monthly"))

    assert found["release"] == RELEASE
    assert found["objects"] == [{"key": "datasets/churn/a.csv", "version_id": "v7", "size": 100}]
    assert found["definition"]["content"]["features"] == CONTENT["features"]
    assert (found["batch"], found["run"], found["prefix"]) == (BATCH, BATCH, FOLDER)
    assert (found["reason"], found["hosts"], found["memory_mb"]) == ("monthly", 1, 2048)
    assert found["options"] == {"allow_missing": [], "explain": 0}


def test_the_request_wins_over_the_definition_and_adds_to_what_may_be_missing() -> None:
    batch = DEFINITION.batch.model_copy(update={"explain": 5, "allow_missing": ["tenure", "gone"]})
    asked = BatchRequest(model="churn", explain=0, allow_missing=["gender"])

    assert planned(asked, batch=batch)["options"] == {
        "allow_missing": ["tenure", "gender"],
        "explain": 0,
    }
    assert planned(BatchRequest(model="churn"), batch=batch)["options"]["explain"] == 5


def test_a_column_that_the_release_does_not_read_is_named() -> None:
    with pytest.raises(
        UnknownColumnError, match="'tenur' is no column that the release reads; did"
    ):
        missing_allowed(CONTENT, [], ["tenur"])


def test_key_columns_and_the_columns_of_dates_may_be_missing() -> None:
    derived = {"name": "age", "kind": "numeric", "derive": {"column": "born", "part": "year"}}
    content = {"features": [derived], "data": {"key": ["id"]}}

    assert missing_allowed(content, [], ["born", "id"]) == ["born", "id"]


# ---- The proof


def problems(found: Results, planned: dict[str, Any] | None = None) -> list[str]:
    return prove(planned or plan(), found).problems


def test_a_batch_whose_rows_are_all_accounted_for_is_proven() -> None:
    proof = prove(plan(), results())

    assert proof.problems == []
    assert vars(proof.total) == {"rows_in": 20, "scored": 18, "rejected": 2}
    assert [rows.rows_in for rows in proof.files] == [10, 10]


def test_files_without_rows_are_proven_too() -> None:
    records = [{**done(index, 0, 0), "scores": [], "rejects": []} for index in range(2)]

    proof = prove(plan(), Results(shards(), records, {}))

    assert (proof.problems, proof.total.rows_in) == ([], 0)


def without_a_shard(found: Results) -> None:
    found.done.pop()


def a_shard_twice(found: Results) -> None:
    found.done.append(found.done[0])


def a_shard_that_was_not_planned(found: Results) -> None:
    found.shards.pop()


def another_release(found: Results) -> None:
    found.done[1]["release"] = 4


def another_model_file(found: Results) -> None:
    found.done[1]["artifact_sha256"] = "e" * 64


def another_version(found: Results) -> None:
    found.done[1]["files"][0]["version_id"] = "v9"


def a_row_that_is_lost(found: Results) -> None:
    found.done[0]["files"][0]["scored"] -= 1


def a_row_that_was_not_written(found: Results) -> None:
    found.done[0]["scores"][0]["rows"] -= 1


def a_part_that_was_left_out(found: Results) -> None:
    found.done[0]["files"] = []
    found.done[0]["scores"] = []


def another_part(found: Results) -> None:
    found.done[0]["files"][0]["first_row"] = 5


def fewer_rows_than_the_footer(found: Results) -> None:
    found.shards[0]["parts"][0]["rows"] = 11


def an_object_that_is_gone(found: Results) -> None:
    found.parts.pop(f"{FOLDER}/scores/00000-0000.parquet")


def an_object_that_was_changed(found: Results) -> None:
    found.parts[f"{FOLDER}/scores/00000-0000.parquet"] += 1


def an_object_too_many(found: Results) -> None:
    found.parts[f"{FOLDER}/scores/00000-0001.parquet"] = 1


def a_file_that_is_not_planned(found: Results) -> None:
    found.done[0]["files"][0]["file"] = 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_a_shard, "1 of 2 shards are not done, the first is shard 1"),
        (a_shard_twice, "shard 0 is there twice"),
        (a_shard_that_was_not_planned, "shard 1 is done, which the plan does not have"),
        (another_release, "shard 1 was scored with another model than the pinned release 3"),
        (another_model_file, "shard 1 was scored with another model than the pinned release 3"),
        (another_version, "datasets/churn/1.csv was read in another version than planned"),
        (a_row_that_is_lost, "datasets/churn/0.csv: 10 rows in are not 8 scored and 1 rejected"),
        (a_row_that_was_not_written, "shard 0 scored 9 rows and wrote 8"),
        (a_part_that_was_left_out, "shard 0 was not scored of the parts that it has"),
        (another_part, "datasets/churn/0.csv: row 1 should follow, and row 5 does"),
        (fewer_rows_than_the_footer, "shard 0 has 11 rows by the Parquet footer, and 10 were"),
        (an_object_that_is_gone, "scores/00000-0000.parquet is not there as it was written"),
        (an_object_that_was_changed, "scores/00000-0000.parquet is not there as it was written"),
        (an_object_too_many, "scores/00000-0001.parquet is there and belongs to no shard"),
        (a_file_that_is_not_planned, "datasets/churn/0.csv was read in another version"),
    ],
)
def test_whatever_is_wrong_is_found_and_named(
    change: Callable[[Results], None], words: str
) -> None:
    found = results()
    change(found)

    assert any(words in problem for problem in problems(found)), problems(found)


def a_file_in_two_parts(second_first_row: int) -> Results:
    """A Parquet file whose row groups are in two shards."""
    found = shards(1)
    found[0]["parts"] = [{"file": 0, "row_groups": [0, 1], "first_row": 1, "rows": 10}]
    second = [{"file": 0, "row_groups": [1, 2], "first_row": second_first_row, "rows": 4}]
    found.append({"shard": 1, "host": 1, "bytes": 50, "parts": second})
    records = [done(0), done(1, rows_in=4, rejected=0)]
    records[1]["files"][0] |= {"file": 0, "key": "datasets/churn/0.csv", "version_id": "v0"}
    records[1]["files"][0]["first_row"] = second_first_row
    return Results(found, records, parts(records))


def test_the_parts_of_a_file_follow_each_other_without_a_gap_or_an_overlap() -> None:
    assert problems(a_file_in_two_parts(11), plan(1)) == []
    for wrong in (10, 12):
        assert problems(a_file_in_two_parts(wrong), plan(1)) == [
            f"datasets/churn/0.csv: row 11 should follow, and row {wrong} does"
        ]


@given(
    lost=st.integers(0, 1), field=st.sampled_from(["rows_in", "scored", "rejected"]),
    by=st.integers(-9, 9).filter(bool),
)  # fmt: skip
def test_no_count_can_be_changed_alone_without_being_found(lost: int, field: str, by: int) -> None:
    found = results()
    found.done[lost]["files"][0][field] += by

    assert problems(found)


# ---- The manifest


def test_the_manifest_says_what_the_batch_consists_of() -> None:
    proof = prove(plan(), results())

    found = manifest_document(plan(), results(), proof, NOW, Work(7200.0), SAMPLE)

    assert found["rows"] == {"rows_in": 20, "scored": 18, "rejected": 2}
    assert found["files"][1] == {
        "key": "datasets/churn/1.csv",
        "version_id": "v1",
        "size": 100,
        "rows_in": 10,
        "scored": 9,
        "rejected": 1,
    }
    assert [one["rows"] for one in found["scores"]] == [9, 9]
    assert set(found["scores"][0]) == {"key", "rows", "bytes", "sha256"}
    assert (found["missing"], found["unknown"]) == ({"tenure": 4}, {})
    assert (found["seconds"], found["cost"]["usd"]) == (300.0, 0.23)


def test_the_manifest_says_which_machine_each_host_needs() -> None:
    used = {"seconds": 30.0, "cpu_seconds": 40.0, "peak_memory_mb": 700.0, "disk_mb": 90.0}

    found = manifest_document(
        plan(), results(), prove(plan(), results()), NOW, Work(60.0, None, used), SAMPLE
    )

    sized = found["sizing"]
    assert (sized["had"], sized["hosts"], sized["outcome"]) == ("ml.m5.large", 2, "smaller")
    assert (sized["fits"], sized["volume_mb"]) == ("ml.t3.medium", 30 * 1024)


def test_a_batch_that_a_function_scored_costs_its_memory_for_its_time() -> None:
    proof = prove(plan(), results())

    found = manifest_document(plan(), results(), proof, NOW, Work(60.0, 2048), SAMPLE)

    assert found["cost"]["seconds"] == {"score": 60.0}
    assert found["cost"]["usd"] == round(2 * 60 * 0.0000166667 + 2e-7, 8)


def test_a_cost_that_is_known_in_part_is_not_shown_as_the_whole() -> None:
    found = manifest_document(plan(), results(), prove(plan(), results()), NOW, Work(None), SAMPLE)

    assert found["cost"]["usd"] is None
