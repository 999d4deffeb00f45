"""Tables and colours as people read them, and the examples in docstrings."""

import doctest

import click
import pytest

from kanmon import project
from kanmon.models import datasets
from kanmon.models.drafting import model_file, sample, target
from kanmon.runs import records, retrain
from kanmon.terminal import screen


@pytest.mark.parametrize(
    "module",
    [
        datasets,
        target,
        model_file,
        project,
        records,
        retrain,
        screen,
        sample,
    ],
    ids=lambda module: module.__name__,
)
def test_the_examples_in_the_docstrings_hold(module):
    result = doctest.testmod(module)

    assert result.attempted
    assert not result.failed


def test_a_table_is_aligned_whatever_its_colours():
    rows = [[screen.coloured("pass"), "a"], [screen.coloured("reject"), "b"]]

    lines = [click.unstyle(line) for line in screen.table(rows)]

    assert lines == ["pass    a", "reject  b"]


def test_no_color_means_no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    assert screen.colour_choice() is False
