"""Imports that wait until somebody uses them: a faster start of the emulator.

MiniStack's CloudFormation imports the module of every service it could create. Those that are not
served here, and the big libraries behind them, are loaded at their first use, which never comes.
moto's interpreter wants one enumeration of moto.batch, whose package would load all of EC2.
Together that is more than half of all that the first deployment would import.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_SERVICES = "ministack.services."
_LIBRARIES = frozenset({"docker", "duckdb", "requests"})


# Packages whose modules are wanted, but not what the package itself imports.
_HOLLOW = frozenset({"moto.batch"})


class _Nothing(importlib.abc.Loader):
    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""


class _OnFirstUse(importlib.abc.MetaPathFinder):
    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        service = name.removeprefix(_SERVICES) if name.startswith(_SERVICES) else None
        unwanted = service and "." not in service and service not in self.wanted
        if not unwanted and name not in _LIBRARIES and name not in _HOLLOW:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec and spec.loader:
                hollow = name in _HOLLOW
                spec.loader = _Nothing() if hollow else importlib.util.LazyLoader(spec.loader)
                return spec
        return None


def delay_unused(wanted: frozenset[str]) -> None:
    """Delay every import described above; MiniStack's service modules in `wanted` are not."""
    sys.meta_path.insert(0, _OnFirstUse(wanted))
