"""The retrain lock: one run at a time, one queued request, and no model blocked for good."""

from hypothesis import given
from hypothesis import strategies as st

from core.names import is_run_name
from core.runs.lock import MOST_REASONS, SECONDS_TO_OPEN, ask, hand_over, merge
from core.stage.run_table import QueuedRequest, RetrainLock

HELD = RetrainLock(holder="abalone-1", until=100, revision=3)
REQUEST = {"model": "abalone", "reason": "manual"}


def never(run: str) -> bool:
    """No execution has ended."""
    return False


def test_a_free_lock_is_taken_for_as_long_as_the_run_may_take() -> None:
    asked = ask(RetrainLock(), "abalone-1", now=10, seconds=90, request=REQUEST, has_ended=never)

    assert (asked.outcome, asked.behind) == ("taken", None)
    assert (asked.lock.holder, asked.lock.until) == ("abalone-1", 100)


def test_asking_again_for_ones_own_lock_gets_it_again() -> None:
    assert (
        ask(HELD, "abalone-1", now=50, seconds=90, request=REQUEST, has_ended=never).outcome
        == "taken"
    )


def test_a_lock_that_another_run_holds_queues_the_request() -> None:
    asked = ask(HELD, "abalone-2", now=50, seconds=90, request=REQUEST, has_ended=never)

    assert (asked.outcome, asked.behind) == ("queued", "abalone-1")
    assert asked.lock.holder == "abalone-1"
    assert asked.lock.queued == QueuedRequest(("manual",), REQUEST, 50, ("abalone-2",))


def test_an_expired_lock_is_taken_over_and_what_waits_stays_queued() -> None:
    waiting = ask(HELD, "abalone-2", now=50, seconds=90, request=REQUEST, has_ended=never).lock

    asked = ask(waiting, "abalone-3", now=100, seconds=90, request=REQUEST, has_ended=never)

    assert (asked.outcome, asked.behind) == ("taken over", "abalone-1")
    assert asked.lock.holder == "abalone-3"
    assert asked.lock.queued == waiting.queued


def test_a_lock_whose_run_has_ended_is_taken_over_although_it_has_not_expired() -> None:
    ended = ask(
        HELD, "abalone-2", now=50, seconds=90, request=REQUEST, has_ended="abalone-1".__eq__
    )

    assert (ended.outcome, ended.behind) == ("taken over", "abalone-1")
    assert (ended.lock.holder, ended.lock.until) == ("abalone-2", 140)


def test_a_request_that_replaces_what_another_one_waited_for_says_so() -> None:
    waiting = ask(HELD, "abalone-2", now=50, seconds=90, request=REQUEST, has_ended=never)
    alike = ask(waiting.lock, "abalone-3", now=60, seconds=90, request=REQUEST, has_ended=never)
    other = {**REQUEST, "parameters": {"rounds": 5}}

    differs = ask(alike.lock, "abalone-4", now=70, seconds=90, request=other, has_ended=never)

    assert [waiting.replaced, alike.replaced, differs.replaced] == [False, False, True]


def test_requests_that_wait_become_one_with_all_reasons_and_the_latest_settings() -> None:
    forced = {**REQUEST, "force": True, "parameters": {"rounds": 5}}
    first = merge(None, "abalone-2", forced, now=50)

    drift = {**REQUEST, "reason": "drift", "parameters": {"rounds": 9}}
    second = merge(first, "abalone-3", drift, now=60)

    assert second == QueuedRequest(
        ("manual", "drift"),
        {
            "model": "abalone",
            "reason": "manual, drift",
            "force": True,
            "parameters": {"rounds": 9},
        },
        50,
        ("abalone-2", "abalone-3"),
    )


@given(reasons=st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=30))
def test_a_merged_request_keeps_each_reason_once_and_stays_a_valid_request(
    reasons: list[str],
) -> None:
    queued = None
    for reason in [*reasons, *reasons]:
        queued = merge(queued, "abalone-2", {"model": "abalone", "reason": reason}, now=1)

    assert queued is not None
    assert list(queued.reasons) == list(dict.fromkeys(reasons))[:MOST_REASONS]
    assert 1 <= len(queued.input["reason"]) <= 1000


def test_a_lock_nobody_waits_for_is_released() -> None:
    left, handed = hand_over(HELD, "abalone-1", "abalone", now=70)

    assert handed is None
    assert (left.holder, left.until, left.queued) == (None, 0, None)


def test_a_run_that_does_not_hold_the_lock_cannot_give_it_away() -> None:
    assert hand_over(HELD, "abalone-2", "abalone", now=70) == (HELD, None)


def test_the_lock_passes_to_the_queued_request_for_long_enough_to_open() -> None:
    waiting = ask(HELD, "abalone-2", now=50, seconds=90, request=REQUEST, has_ended=never).lock

    left, handed = hand_over(waiting, "abalone-1", "abalone", now=70)

    assert handed is not None
    assert is_run_name(handed.to)
    assert (handed.by, handed.input, handed.runs) == ("abalone-1", REQUEST, ("abalone-2",))
    assert (left.holder, left.until, left.queued) == (handed.to, 70 + SECONDS_TO_OPEN, None)


def test_handing_over_twice_names_the_same_run_and_changes_nothing_more() -> None:
    waiting = ask(HELD, "abalone-2", now=50, seconds=90, request=REQUEST, has_ended=never).lock
    once, handed = hand_over(waiting, "abalone-1", "abalone", now=70)
    opened = ask(
        once, handed.to if handed else "", now=80, seconds=90, request=REQUEST, has_ended=never
    ).lock

    assert hand_over(once, "abalone-1", "abalone", now=75) == (once, handed)
    assert hand_over(opened, "abalone-1", "abalone", now=95) == (opened, handed)


@given(
    asks=st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 50)), max_size=40)
)
def test_whatever_happens_only_its_holder_or_its_expiry_ends_a_lock(
    asks: list[tuple[str, bool, int]],
) -> None:
    lock, now = RetrainLock(), 0
    for run, asking, seconds in asks:
        now += seconds
        before = lock
        if asking:
            lock = ask(before, run, now, 60, {"reason": run}, never).lock
        else:
            lock = hand_over(before, run, "abalone", now)[0]
        if before.holder not in (None, lock.holder):
            assert run == before.holder or before.until <= now
