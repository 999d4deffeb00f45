"""The examples in the docstrings of the command line are true."""

import doctest
import importlib
import pkgutil

import pytest

import kanmon

MODULES = [
    module.name
    for module in pkgutil.walk_packages(kanmon.__path__, "kanmon.")
    if module.name != "kanmon.__main__"
]


@pytest.mark.parametrize("name", MODULES)
def test_every_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
