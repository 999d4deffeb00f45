"""Names fit what AWS allows, and each is made in one way."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.names import (
    RunNameError,
    check_run_name,
    following_run_name,
    is_model_name,
    is_run_name,
    job_prefix,
    new_run_name,
)

models = st.from_regex(r"[a-z][a-z0-9-]{0,18}[a-z0-9]", fullmatch=True).filter(is_model_name)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("abalone", True),
        ("a1", True),
        ("site-members-2", True),
        ("a" * 20, True),
        ("a" * 21, False),
        ("a", False),
        ("1a", False),
        ("a-", False),
        ("a--b", False),
        ("Abalone", False),
        ("a_b", False),
        ("ä1", False),
        ("ab\n", False),
        ("", False),
    ],
)
def test_a_model_name_fits_every_name_made_of_it(name: str, allowed: bool) -> None:
    assert is_model_name(name) is allowed


@given(model=models, moment=moments, seed=st.binary(max_size=8))
def test_every_new_run_name_is_one_and_its_jobs_names_fit(
    model: str, moment: datetime, seed: bytes
) -> None:
    run = new_run_name(model, moment, seed)

    assert is_run_name(run)
    job = f"{job_prefix('kanmon-local', run)}-preprocess-6017"
    assert len(job) <= 63
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", job)


@given(model=models, asked_at=st.integers(1_600_000_000, 4_000_000_000))
def test_the_run_after_a_run_always_has_the_same_name(model: str, asked_at: int) -> None:
    assert following_run_name(model, "before", asked_at) == following_run_name(
        model, "before", asked_at
    )
    assert is_run_name(following_run_name(model, "before", asked_at))


@pytest.mark.parametrize("run", [None, 7, "", "A", "a_b", "-a", "a--b", "a" * 38, "x" * 500, "a\n"])
def test_a_bad_run_name_is_refused_with_the_rule(run: object) -> None:
    with pytest.raises(RunNameError, match="at most 37 lower-case letters") as raised:
        check_run_name(run)

    assert len(str(raised.value)) < 300
