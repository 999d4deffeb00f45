"""Every command in the documents works as it stands there.

The ```sh blocks of a document are run in order, in one shell, in a fresh copy of the project. For a
block that names the stage dev, a second local stage stands in for the AWS account: the SDKs' own
endpoint variable points there, and the same `sam build` and `sam deploy` run as for a reader.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sam_cli import bare_path

ROOT = Path(__file__).parents[2]
WRITTEN = ("README.md", "CONTRIBUTING.md", "models/README.md")
DOCUMENTS = sorted([*(ROOT / name for name in WRITTEN), *ROOT.glob("docs/*.md")])
LINKING = [*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "localaws/README.md"]

# What a document says and this test must not run, and why.
ELSEWHERE = {
    "git clone": "the copy stands for the clone",
    "cd kanmon": "the copy stands for the clone",
    "make setup": "continuous integration starts with it",
    "make test": "continuous integration runs it first",
    "make test-docker": "needs a Docker engine; continuous integration runs it where there is one",
    "make test-browser": "needs Chromium; continuous integration runs it where there is one",
    "make check": "make test begins with it",
    "make .venv-sam/ready": "the copy has the environments",
    "make .venv-notebook/ready": "the copy has the environments",
    "make .venv-mlflow/ready": "the copy has the environments",
    "make test-mlflow": "continuous integration runs it",
    "make bench": "takes minutes; its figures are quoted with the machine they came from",
    "make images": "needs a Docker engine and a registry",
    "kanmon --stage prod": "prod asks a person to confirm",
}

# What runs in a command's place, because pushing images needs a Docker engine and a registry. make
# calls the program by its path, with the PATH of a shell in which no environment is active.
INSTEAD = {
    "make deploy STAGE=dev": 'PATH="$BARE_PATH" .venv/bin/kanmon deploy --stage dev --no-images'
}

# What a document's commands must print besides doing their work.
PRINTED = {
    "docs/monitoring.md": (
        "alarm  support_calls has drifted",
        "alarm  internet is unknown in",
        "alarm  monthly_charge has drifted",
        "2,550 of 2,550 labels used",
        "no row was captured or scored in batch from 2020-01-01 to 2020-01-07",
    )
}

ACCOUNT = "KANMON_HOME=$HOME/account kanmon"
NETWORK = ("UV_", "PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
LONG_AGO = 946_684_800  # the year 2000; zip files know nothing before 1980


def blocks(document: Path) -> list[str]:
    """The shell blocks of a document, without the commands that are run elsewhere."""
    found = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [
        "".join(
            substituted(line)
            for line in block.splitlines(keepends=True)
            if not any(re.match(rf"{re.escape(start)}(\s|$)", line) for start in ELSEWHERE)
        )
        for block in found
    ]


def substituted(line: str) -> str:
    for written, run in INSTEAD.items():
        line = re.sub(rf"^{re.escape(written)}(?=\s|$)", run, line)
    return line


def script(document: Path) -> str:
    """The blocks as one script; those for dev with their SDK pointed at the account's stand-in."""
    found = blocks(document)
    for_dev = [bool(re.search(r"--(stage|config-env)[ =]dev\b", block)) for block in found]
    parts = [f"{ACCOUNT} up"] if any(for_dev) else []
    for block, dev in zip(found, for_dev, strict=True):
        parts.append(f'(eval "$({ACCOUNT} env)"\n{block})' if dev else block)
    return "\n".join(parts)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of what git tracks, as it is in the work tree, with the environments already made."""
    copy = tmp_path / "kanmon"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
            # Older than the environments: `make run` must not renew the ones this copy borrows.
            os.utime(copy / name, (LONG_AGO, LONG_AGO))
    for made in (".venv", ".venv-sam", ".venv-notebook", ".venv-mlflow"):
        if (ROOT / made).exists():
            (copy / made).symlink_to(ROOT / made)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    yield copy
    if any(home.exists() for home in (copy / ".kanmon", tmp_path / "account")):
        shell(f"kanmon down --erase; {ACCOUNT} down --erase", copy, check=False)


def shell(commands: str, project: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(project.parent),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": f"{project}/.venv/bin:{project}/.venv-sam/bin:{os.environ['PATH']}",
        "BARE_PATH": bare_path(),
        "SAM_CLI_POLL_DELAY": "0.2",  # SAM looks every five seconds otherwise
        "SAM_CLI_TELEMETRY": "0",
        **{name: os.environ[name] for name in os.environ if name.startswith(NETWORK)},
        # The developer's own package index and cache, for `sam build`.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(Path.home() / ".config")),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert not check or done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.docs
@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_the_commands_of_a_document_work_in_order(document: Path, project: Path) -> None:
    commands = script(document)

    if commands.strip():
        done = shell(commands, project)
        for words in PRINTED.get(named(document), ()):
            assert words in done.stdout


def anchors(document: Path) -> set[str]:
    """What a link may name after #: the headings, spelled as GitHub spells them."""
    prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", LINKING, ids=named)
def test_what_a_document_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text())

    missing = [
        f"{target}#{anchor}"
        for target, anchor in links
        if not (page := document.parent / target if target else document).exists()
        or (anchor and anchor not in anchors(page))
    ]

    assert missing == []
