"""In which order a model's history is read."""

from __future__ import annotations

from itertools import permutations

from core.stage.release_history import HistoryEntry, in_order

AT, LATER = "2026-11-21T06:00:00Z", "2026-11-21T06:00:01Z"


def test_entries_of_one_second_are_in_the_order_in_which_they_were_written() -> None:
    entries = [
        HistoryEntry(AT, "rolled back", 7, key="000007-3-live-a", previous=8, number=9),
        HistoryEntry(AT, "withdrawal started", 7, key="000007-2-started-b", number=10),
        HistoryEntry(AT, "withdrawn", 7, key="000007-3-withdrawn-b", number=11),
        HistoryEntry(AT, "rollback started", 6, key="000006-2-started-c", number=12),
        HistoryEntry(LATER, "approved", 5, key="000005-2-approved", number=8),  # written late
    ]

    assert all(in_order(mixed) == entries for mixed in permutations(entries))


def test_entries_of_earlier_versions_go_by_their_keys_and_before_newer_ones() -> None:
    entries = [
        HistoryEntry(AT, "opened", 7, key="000007-1-opened"),
        HistoryEntry(AT, "approved", 7, key="000007-2-approved"),
        HistoryEntry(AT, "promoted", 7, key="000007-3-live-a"),
        HistoryEntry(AT, "rollback started", 6, key="000006-2-started-b", number=1),
    ]

    assert all(in_order(mixed) == entries for mixed in permutations(entries))


def test_a_release_is_opened_before_what_its_pipeline_wrote_faster() -> None:
    entries = [
        HistoryEntry(AT, "promoted", 6, key="000006-3-live-a", number=1),
        HistoryEntry(AT, "opened", 7, key="000007-1-opened", number=3),
        HistoryEntry(AT, "approved", 7, key="000007-2-approved", number=2),
        HistoryEntry(AT, "promoted", 7, key="000007-3-live-b", number=4),
    ]

    assert all(in_order(mixed) == entries for mixed in permutations(entries))
