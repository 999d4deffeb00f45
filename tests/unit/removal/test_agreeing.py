"""Nothing is removed unless a person types the name, or a script says so."""

import sys
from types import SimpleNamespace
from typing import Any

import click
import pytest

from kanmon.errors import BadInputError, InterruptedByUserError
from kanmon.removal import showing


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, types: str, *, terminal: bool = True) -> Any:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: terminal))
    monkeypatch.setattr(click, "prompt", lambda text, **more: types)
    return SimpleNamespace(as_json=False)


def test_the_right_name_agrees_and_so_does_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    showing.agree(at_a_terminal(monkeypatch, "dev"), "stage", "dev", yes=False)
    showing.agree(at_a_terminal(monkeypatch, "", terminal=False), "stage", "dev", yes=True)


@pytest.mark.parametrize("typed", ["", "y", "yes", "prod", "dev "])
def test_anything_else_removes_nothing(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    with pytest.raises(BadInputError, match=f"{typed!r} is not 'dev'; nothing was removed"):
        showing.agree(at_a_terminal(monkeypatch, typed), "stage", "dev", yes=False)


def test_nobody_is_asked_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match="nobody is here to agree"):
        showing.agree(at_a_terminal(monkeypatch, "dev", terminal=False), "stage", "dev", yes=False)


def test_an_interrupted_removal_says_how_to_go_on() -> None:
    with pytest.raises(InterruptedByUserError) as raised, showing.may_be_interrupted():
        raise KeyboardInterrupt

    assert raised.value.exit_code == 130
    assert raised.value.line() == (
        "the removal was interrupted; what is removed is gone. "
        "The same command goes on with the rest."
    )
