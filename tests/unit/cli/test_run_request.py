"""Which commit a run's request says it came from."""

import re
import subprocess

import pytest

from kanmon.project import Project
from kanmon.runs.request import current_commit


def git(project: Project, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=project.root, check=True, capture_output=True)


def test_without_git_or_a_commit_none_is_given(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))

    assert current_commit(project) is None
    git(project, "init")
    assert current_commit(project) is None
    monkeypatch.setenv("PATH", "")
    assert current_commit(project) is None


def test_the_commit_is_named_in_full_and_says_whether_files_differ_from_it(
    project: Project,
) -> None:
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "--message", "First")
    # A tag is not what a reader can look for in every clone.
    git(project, "tag", "--annotate", "v1", "--message", "v1")

    clean = current_commit(project)
    (project.root / "samconfig.toml").write_text("version = 0.1\n")

    assert clean is not None
    assert re.fullmatch("[0-9a-f]{40}", clean)
    assert current_commit(project) == f"{clean}-dirty"
    git(project, "checkout", "samconfig.toml")
    assert current_commit(project) == clean
    (project.root / "models").mkdir(exist_ok=True)
    (project.root / "models/new.yaml").write_text("in no commit\n")
    assert current_commit(project) == f"{clean}-dirty"
