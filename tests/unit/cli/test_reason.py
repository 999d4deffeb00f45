"""The reason of a run or a monitoring is checked before anything is started."""

import pytest

from kanmon.errors import BadInputError
from kanmon.monitoring.request import monitoring_input
from kanmon.runs.request import run_input


@pytest.mark.parametrize(("reason", "characters"), [("x" * 1001, "1001"), ("  ", "0")])
def test_a_reason_that_says_nothing_or_too_much_is_refused(reason: str, characters: str) -> None:
    for ask in (
        lambda: run_input("wine", reason, False, {}, "0" * 64, None),
        lambda: monitoring_input("wine", reason, None, None, None),
    ):
        with pytest.raises(BadInputError, match=f"the reason has {characters} characters"):
            ask()
