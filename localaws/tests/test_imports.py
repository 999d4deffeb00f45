"""Modules that are loaded at their first use."""

import importlib
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from localaws import imports

SLOW = """
import sys
first = 1
sys.modules["gates"].begun.set()
sys.modules["gates"].go_on.wait(10)
last = 2
"""


def test_whoever_uses_a_module_while_it_loads_waits_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_library.py").write_text(SLOW)
    gates = SimpleNamespace(begun=threading.Event(), go_on=threading.Event())
    monkeypatch.setitem(sys.modules, "gates", gates)  # type: ignore[arg-type]
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(imports, "_LIBRARIES", frozenset({"slow_library"}))
    imports.delay_unused(frozenset())

    module = importlib.import_module("slow_library")
    loaded_at_import = gates.begun.is_set()
    seen: list[int] = []
    users = [threading.Thread(target=lambda: seen.append(module.last)) for _ in range(3)]
    for user in users:
        user.start()
    gates.begun.wait(10)
    gates.go_on.set()
    for user in users:
        user.join()

    assert not loaded_at_import
    assert seen == [2, 2, 2]
