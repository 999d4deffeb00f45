"""What the terminal shows: tables and colours."""

import click

from kanmon.terminal import screen


def test_a_table_is_aligned_whatever_its_colours():
    rows = [[screen.coloured("pass"), "a"], [screen.coloured("reject"), "b"]]

    lines = [click.unstyle(line) for line in screen.table(rows)]

    assert lines == ["pass    a", "reject  b"]


def test_no_color_means_no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    assert screen.colour_choice() is False
