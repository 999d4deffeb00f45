"""Imports point one way: which part may import which, and no two files import each other.

Every import counts, also one inside a function or for type checking only.
"""

import ast
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The folders that modules are imported from. What lies under several counts for the innermost.
IMPORT_ROOTS = (
    "functions/control",
    "functions/rows",
    "containers",
    "serving/scoring",
    "serving",
    "localaws/src",
    ".",
)
OURS = (
    *("functions/control", "functions/rows", "containers", "serving", "localaws/src"),
    *("kanmon", "benchmarks", "sample_data"),
)

# The rooms from the bottom up: a room may import itself and those on lines before its own.
# A package's own name stands for what lies directly in it.
Rooms = tuple[tuple[str, ...], ...]
CONTROL: Rooms = (
    ("core",),
    ("core.words",),
    ("core.stage", "core.definition", "core.report"),  # the bus takes facts, a mail has links
    ("core.cost", "core.usage"),  # what a step used has a cost, and a machine that fits a price
    ("core.runs",),
    ("core.gate", "core.review"),
    ("core.releases",),
    ("core.batches", "core.experiments", "core.monitoring", "core.plan"),
    ("handlers",),
)
KANMON: Rooms = (
    ("kanmon",),
    ("kanmon.stage",),
    ("kanmon.terminal",),
    ("kanmon.models",),
    ("kanmon.deployment",),
    ("kanmon.runs", "kanmon.releases"),  # a run opens a release, a release is of a run
    ("kanmon.comparison", "kanmon.trend"),
    ("kanmon.scoring", "kanmon.labels"),
    ("kanmon.batches", "kanmon.monitoring", "kanmon.notices", "kanmon.planning", "kanmon.removal"),
    ("kanmon.costs",),
    ("kanmon.console",),
    ("kanmon.cli",),
    ("kanmon.commands",),
)


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by the name it is imported under."""
    files = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in OURS)
    return {_name(file): file for file in files}


def _name(file: Path) -> str:
    path = file.relative_to(ROOT)
    root = next(root for root in IMPORT_ROOTS if path.is_relative_to(root))
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of ours that this one imports."""
    tree = ast.parse(modules()[module].read_text())
    return frozenset(map(_module_of, _imported(tree))) - {"", module}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_of(name: str) -> str:
    """The module that an imported name is, or is in; empty for what is not ours."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name


def of(folder: str) -> list[str]:
    """The modules under a folder of the repository."""
    return [name for name, file in modules().items() if file.is_relative_to(ROOT / folder)]


def room(module: str) -> str:
    path = modules()[module].relative_to(ROOT)
    if path.parent == Path("functions/control"):
        return "handlers"
    if module in ("kanmon.cli", "kanmon.__main__"):
        return "kanmon.cli"
    package, *inner = module.split(".")
    inside = inner[:-1] if path.name != "__init__.py" else inner
    return ".".join([package, *inside[:1]])


@pytest.mark.parametrize(("folder", "rooms"), [("functions/control", CONTROL), ("kanmon", KANMON)])
def test_a_room_imports_only_rooms_below_it(
    folder: str, rooms: tuple[tuple[str, ...], ...]
) -> None:
    level = {name: number for number, names in enumerate(rooms) for name in names}
    ours = of(folder)

    assert {room(module) for module in ours} == set(level)
    assert not {
        f"{module} imports {other}"
        for module in ours
        for other in imports(module) & set(ours)
        if level[room(other)] > level[room(module)]
    }


@pytest.mark.parametrize(
    ("folder", "may_import"),
    [
        ("functions/control", ("functions/control",)),
        # It deploys the rest, and reads data and definitions with the very code that runs there.
        ("kanmon", ("kanmon", "functions/control/core", "containers", "serving", "localaws/src")),
        ("containers", ("containers",)),
        ("serving", ("serving",)),
        ("localaws/src", ("localaws/src",)),
        ("sample_data", ("sample_data",)),
    ],
)
def test_a_part_imports_only_what_comes_with_it(folder: str, may_import: tuple[str, ...]) -> None:
    known = set(chain.from_iterable(of(part) for part in may_import))

    assert not {
        f"{module} imports {other}" for module in of(folder) for other in imports(module) - known
    }


def test_only_one_module_of_the_command_line_knows_the_embedded_aws() -> None:
    embedded = set(of("localaws/src"))

    assert [module for module in of("kanmon") if imports(module) & embedded] == [
        "kanmon.stage.local"
    ]


def test_no_file_imports_itself_through_others() -> None:
    circles, done = [], set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            circles.append(" > ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for other in sorted(imports(module)):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(modules()):
        visit(module, ())
    assert circles == []
