"""The examples in the rules' docstrings are true."""

import doctest
import importlib
import pkgutil

import lifecycle
import pytest
import releases

MODULES = [
    module.name
    for package in (lifecycle, releases)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_every_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
