"""Imports that wait until their first use: a faster start of the emulator.

MiniStack's CloudFormation imports the module of every service it could create. Those that are not
served here, and the big libraries behind them, are loaded at their first use, which never comes;
so are the schemas of SAM's rarer resources.
moto's interpreter wants one enumeration of moto.batch, whose package would load all of EC2: it is
left hollow. Together that is more than half of all that the first deployment would import.
"""

import importlib.abc
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_SERVICES = "ministack.services."
_LIBRARIES = frozenset({"docker", "duckdb", "requests"})
# SAM's translator holds a function's properties against this only where it has a capacity provider,
# and the rest are resources of their own. It takes pydantic a tenth of a second to make them.
_SCHEMAS = frozenset(
    f"samtranslator.internal.schema_source.aws_serverless_{kind}"
    for kind in ("capacity_provider", "function", "microvmimage", "networkconnector")
)


# A module takes a fraction of a second to load. Rather half of one than two threads that wait for
# each other, should a module ever be loaded by one that waits for the other's import.
_LONGEST_LOAD_SECONDS = 10.0


class _Unloaded(ModuleType):
    """A module that is loaded at its first use. Other threads that use it meanwhile wait.

    The standard library's LazyLoader shows them half a module until Python 3.12.
    """

    def __getattribute__(self, name: str) -> Any:
        if name in ("__spec__", "__class__"):  # what the import system itself looks at
            return object.__getattribute__(self, name)
        state = object.__getattribute__(self, "__spec__").loader_state
        got = state.lock.acquire(timeout=_LONGEST_LOAD_SECONDS)
        try:
            if not state.begun:
                state.begun = True
                state.loader.exec_module(self)
                object.__setattr__(self, "__class__", ModuleType)
        finally:
            if got:
                state.lock.release()
        return object.__getattribute__(self, name)


class _State:
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader
        self.lock = threading.RLock()
        self.begun = False


class _AtFirstUse(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Put off running it."""
        spec = module.__spec__
        if spec:  # always, here: it has just been made from one
            spec.loader = module.__loader__ = self._loader
            spec.loader_state = _State(self._loader)
            module.__class__ = _Unloaded


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
        if not unwanted and name not in _LIBRARIES | _SCHEMAS:
            return None
        spec = _found_by_others(self, name, path, target)
        if spec and spec.loader:
            spec.loader = _AtFirstUse(spec.loader)
        return spec


class _Hollow(importlib.abc.MetaPathFinder):
    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = _found_by_others(self, name, path, target) if name == self.package else None
        if spec:
            spec.loader = _Nothing()
        return spec


def _found_by_others(
    finder: importlib.abc.MetaPathFinder,
    name: str,
    path: Sequence[str] | None,
    target: ModuleType | None,
) -> ModuleSpec | None:
    found = (one.find_spec(name, path, target) for one in sys.meta_path if one is not finder)
    return next((spec for spec in found if spec), None)


def delay_unused(wanted: frozenset[str]) -> None:
    """Delay every import described above; MiniStack's service modules in `wanted` are not."""
    sys.meta_path.insert(0, _OnFirstUse(wanted))


def leave_hollow(package: str) -> None:
    """Import the modules of a package without what the package itself would import and define."""
    sys.meta_path.insert(0, _Hollow(package))
