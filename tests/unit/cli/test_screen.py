"""What the terminal shows: tables and colours."""

import os
import sys
import time

import click
import pytest

from kanmon.terminal import screen


def test_a_table_is_aligned_whatever_its_colours():
    rows = [[screen.coloured("pass"), "a"], [screen.coloured("reject"), "b"]]

    lines = [click.unstyle(line) for line in screen.table(rows)]

    assert lines == ["pass    a", "reject  b"]


def test_no_color_means_no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    assert screen.colour_choice() is False


@pytest.mark.parametrize(("patience", "lines"), [(0.01, 1), (60, 0)])
def test_a_wait_that_takes_long_is_told_where_there_is_no_terminal(patience, lines, capsys):
    with screen.Screen(as_json=False).waiting("Starting the stage", patience):
        time.sleep(0.2)

    told = capsys.readouterr().err.splitlines()
    assert len(told) == lines
    assert all(line.startswith("Starting the stage takes longer than usual; ") for line in told)


@pytest.mark.parametrize(("columns", "narrow"), [(60, True), (120, False)])
def test_a_narrow_terminal_gets_two_lines_a_run(columns, narrow, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1)

    assert screen.is_narrow() is narrow
