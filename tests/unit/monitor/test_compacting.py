"""Compaction: complete days become one file each, and nothing is lost or counted twice."""

import pytest
from botocore.exceptions import ClientError

from contract.step import StepError
from monitor import compacting
from tests.support.monitored_world import customers


@pytest.fixture
def ours(world):
    ours = world()
    for day in (0, 1):
        ours.answer(day, customers("binary", 200, day, first=1000 * day))
    return ours


def names(ours):
    return [key.rpartition("/")[2] for key in sorted(ours.bucket.contents)]


def without(report):
    return {key: value for key, value in report.items() if key != "compacted"}


def test_a_day_becomes_one_file_written_before_the_others_are_deleted(ours):
    report = ours.monitor()

    assert report["compacted"] == {"days": 2, "files": 8}
    assert [name[:10] for name in names(ours)] == ["compacted-"] * 2
    assert [call for call, _ in ours.bucket.calls] == ["put"] * 2 + ["delete"] * 8


def rewritten(ours, key):
    """`kanmon forget` writes the file without its first row."""
    first, rest = ours.bucket.contents[key].split(b"\n", 1)
    assert first
    ours.bucket.contents[key] = rest
    ours.bucket.versions[key] = "2"


def test_a_day_with_a_file_that_was_written_again_is_not_compacted(ours):
    first = min(ours.bucket.contents)
    get = ours.bucket.get_object

    def read(Bucket, Key):  # noqa: N803 - boto3's names
        found = get(Bucket, Key)
        if Key == first:
            rewritten(ours, first)
        return found

    ours.bucket.get_object = read

    report = ours.monitor()

    assert report["compacted"] == {"days": 1, "files": 4}
    assert report["rows"]["captured"] == 400
    assert sum(name.endswith(".jsonl") for name in names(ours)) == 4
    assert [key for call, key in ours.bucket.calls if "dt=2026-11-01" in key] == []


@pytest.mark.parametrize("code", ["404", "403"])
def test_a_day_with_a_file_that_is_gone_is_not_compacted(ours, code):
    head, first = ours.bucket.head_object, min(ours.bucket.contents)

    def gone(Bucket, Key):  # noqa: N803 - boto3's names
        if Key == first:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject")
        return head(Bucket, Key)

    ours.bucket.head_object = gone

    assert ours.monitor()["compacted"] == {"days": 1, "files": 4}


def test_a_file_that_was_written_again_after_it_was_compacted_is_not_deleted(ours):
    first = min(ours.bucket.contents)
    put = ours.bucket.put_object

    def write(Bucket, Key, Body):  # noqa: N803 - boto3's names
        put(Bucket, Key, Body)
        if "dt=2026-11-01" in Key:
            rewritten(ours, first)

    ours.bucket.put_object = write

    ours.monitor()

    assert first in ours.bucket.contents
    assert len(names(ours)) == 3


def test_the_next_monitoring_finds_the_same_rows_and_nothing_to_do(ours):
    first = ours.monitor()
    ours.bucket.calls.clear()

    second = ours.monitor()

    assert without(second) == without(first)
    assert second["compacted"] == {"days": 0, "files": 0}
    assert ours.bucket.calls == []


def test_a_day_that_is_not_over_for_an_hour_stays_as_it_is(ours):
    report = ours.monitor(asked_at="2026-11-03T00:59:00Z")

    assert report["compacted"] == {"days": 1, "files": 4}
    assert sum(name.endswith(".jsonl") for name in names(ours)) == 4


def test_stopped_before_it_deletes_a_day_has_both_and_the_next_deletes_the_rest(ours):
    delete = ours.bucket.delete_object
    ours.bucket.delete_object = _stopped
    with pytest.raises(KeyboardInterrupt):
        ours.monitor()
    assert len(names(ours)) == 10
    ours.bucket.delete_object = delete

    report = ours.monitor()

    assert report["rows"]["captured"] == 400
    assert [name[:10] for name in names(ours)] == ["compacted-"] * 2


def _stopped(**request):
    raise KeyboardInterrupt


def test_a_request_that_comes_after_its_day_was_compacted_is_taken_in(ours):
    ours.monitor()
    late = customers("binary", 30, 9, first=9000)
    ours.answer(0, late, size=30)
    # answer() names a request by its place; this one is another.
    [key] = [key for key in ours.bucket.contents if key.endswith(".jsonl")]
    content = ours.bucket.contents.pop(key)
    ours.bucket.contents[key.replace("r-7-0-0", "late")] = content.replace(b"r-7-0-0", b"late")

    report = ours.monitor()

    assert report["rows"]["captured"] == 430
    assert report["compacted"] == {"days": 1, "files": 2}
    assert [name[:10] for name in names(ours)] == ["compacted-"] * 2


def test_a_file_with_a_damaged_line_is_kept_beside_and_its_good_rows_count(ours):
    key = min(ours.bucket.contents)
    ours.bucket.contents[key] += b"{\n"

    first, second = ours.monitor(), ours.monitor()

    assert first["rows"]["captured"] == second["rows"]["captured"] == 400
    assert key in ours.bucket.contents
    assert second["damaged"] == {"lines": 1, "files": 0, "batches": []}


def test_a_day_that_does_not_fit_into_memory_becomes_several_files_that_stay(ours, monkeypatch):
    monkeypatch.setattr(compacting, "PEAK_PER_BYTE", (2048 - compacting.FIXED_MB) * 2**20 // 25_000)

    first = ours.monitor()
    kept = names(ours)
    second = ours.monitor()

    assert len(kept) == len(names(ours)) > 2
    assert {name[:10] for name in kept} == {"compacted-"}
    assert without(second) == without(first)
    assert first["rows"]["captured"] == 400


def test_a_role_that_may_not_write_fails_in_one_line_and_deletes_nothing(ours):
    def refused(**request):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    ours.bucket.put_object = refused
    before = names(ours)

    with pytest.raises(
        StepError,
        match=r"s3://data/capture/m/7/dt=2026-11-01/compacted-\w+.parquet "
        "cannot be written: .+; check the permissions of the job's role",
    ):
        ours.monitor()

    assert names(ours) == before
