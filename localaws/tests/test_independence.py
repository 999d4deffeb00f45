"""localaws serves any project: nothing in it imports another package of the repository it is in."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# Of this package: itself and what its tests share.
OWN = {"localaws", "support"}


def imported(file: Path) -> Iterator[str]:
    """The top-level names of all modules that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}: write imports in full"
            yield node.module.partition(".")[0]


def test_only_installed_packages_and_its_own_modules_are_imported():
    released = {
        name
        for name, distributions in packages_distributions().items()
        if "kanmon" not in distributions
    }
    files = [*(PACKAGE / "src").rglob("*.py"), *(PACKAGE / "tests").rglob("*.py")]

    strangers = {
        (file.relative_to(PACKAGE).as_posix(), name)
        for file in files
        for name in set(imported(file)) - OWN - released - set(sys.stdlib_module_names)
    }

    assert strangers == set()
    assert len(files) > 100


def test_no_name_of_the_project_beside_it_is_in_the_code():
    named = [
        file.relative_to(PACKAGE).as_posix()
        for file in (PACKAGE / "src").rglob("*.py")
        if "kanmon" in file.read_text().lower()
    ]

    assert named == []
