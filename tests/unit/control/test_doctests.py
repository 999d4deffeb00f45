"""The examples in the rules' docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import core

MODULES = [module.name for module in pkgutil.walk_packages(core.__path__, "core.")]


@pytest.mark.parametrize("name", MODULES)
def test_every_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
