"""Ctrl-C while rows are removed: it is said how far it came, and how to finish."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kanmon.commands.forget import remove
from kanmon.errors import INTERRUPTED, InterruptedByUserError
from kanmon.labels.forgetting import Found, Search

FILES = ("labels/churn/a.csv", "inputs/churn/b1/a.csv", "inputs/churn/b1/b.csv")


class Interrupted:
    """A removal that a person interrupts at the n-th file, or in the search afterwards."""

    def __init__(self, at: int) -> None:
        self.at = at

    def remove(self, found: Search, removing: Callable[[str], None]) -> None:
        for number, one in enumerate(found.found, 1):
            removing(one.key)
            if number == self.at:
                raise KeyboardInterrupt

    def search(self, looking: Callable[[str], None]) -> Search:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (2, "the removal was interrupted at 2 of 3 files"),
        (99, "the removal was interrupted at 3 of 3 files"),  # in the search afterwards
    ],
)
def test_an_interrupted_removal_says_how_far_it_came_and_how_to_finish(at: int, said: str) -> None:
    found = Search([Found(key, key.partition("/")[0], rows=1) for key in FILES])
    screen = SimpleNamespace(live=lambda text: None, settle=lambda: None, say=lambda text: None)
    invocation: Any = SimpleNamespace(screen=screen)
    forgetting: Any = Interrupted(at)

    with pytest.raises(InterruptedByUserError) as raised:
        remove(invocation, forgetting, found, yes=True)

    assert raised.value.what == f"{said}; what is removed is gone"
    assert "Run the same command again" in raised.value.fix
    assert raised.value.exit_code == INTERRUPTED
