"""gather.py runs in a process of its own: what it is given, and what is said when it fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.step import StepError
from gather import program
from tests.support.waiting import eventually

CONTAINERS = Path(__file__).parents[3] / "containers"
SECRET = '{"user": "shop-reader", "password": "hunter22"}'


def run(tmp_path: Path, code: str, secret: str | None = None) -> tuple[dict[str, str], str]:
    """What the program wrote into its folder, and what it printed."""
    source, folder = tmp_path / "gather.py", tmp_path / "data"
    source.write_text(code)
    folder.mkdir()
    shown: list[str] = []
    try:
        program.run(source, folder, secret, shown.append)
    except StepError as error:
        error.add_note("".join(shown))
        raise
    return {file.name: file.read_text() for file in folder.iterdir()}, "".join(shown)


def failure(tmp_path: Path, code: str, secret: str | None = None) -> tuple[str, str]:
    """The sentence with which it fails, and what it had printed."""
    with pytest.raises(StepError) as error:
        run(tmp_path, code, secret)
    return str(error.value), error.value.__notes__[0]


def test_it_writes_into_the_folder_and_its_output_is_shown(tmp_path: Path) -> None:
    code = (
        "def gather(folder, secret):\n    (folder / 'a.csv').write_text('x\\n')\n    print(secret)"
    )

    assert run(tmp_path, code) == ({"a.csv": "x\n"}, "None\n")


def test_it_is_given_the_secret_and_what_it_prints_of_it_is_masked(tmp_path: Path) -> None:
    code = (
        "import json, os, subprocess\n"
        "def gather(folder, secret):\n"
        "    (folder / 'a.csv').write_text(secret)\n"
        "    print('as', json.loads(secret)['user'], 'by', json.loads(secret))\n"
        "    os.write(2, secret.encode() + b'\\n')\n"
        "    subprocess.run(['echo', secret], check=True)\n"
    )

    written, shown = run(tmp_path, code, SECRET)

    assert written == {"a.csv": SECRET}
    assert sorted(shown.splitlines()) == sorted(
        ["as *** by {'user': '***', 'password': '***'}", "***", "***"]
    )


def test_it_has_no_credentials_and_nobody_else_sees_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the role")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x")
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "def gather(folder, secret):\n"
        "    own = [Path('/proc/self', name).read_bytes() for name in ('cmdline', 'environ')]\n"
        "    (folder / 'a.csv').write_text(str(secret.encode() in b' '.join(own)))\n"
        "    (folder / 'b.csv').write_text(' '.join(sorted(os.environ)))\n"
        "    (folder / 'c.csv').write_text(sys.stdin.read())\n"
    )

    written, _ = run(tmp_path, code, "hunter22")

    assert written["a.csv"] == "False"
    given = {name for name in written["b.csv"].split() if name.startswith("AWS_")}
    assert given <= {"AWS_EC2_METADATA_DISABLED", "AWS_DEFAULT_REGION"}
    assert written["c.csv"] == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "def gather(folder, secret):\n    ask()\n\ndef ask():\n    raise OSError('no route')",
            "gather.py line 5: OSError: no route",
        ),
        ("import nothing_such\n", "gather.py line 1: ModuleNotFoundError: No module named 'nothin"),
        ("def gather(folder, secret):\n  x = (\n", "gather.py line 2: SyntaxError: '(' was never"),
        ("x = 1\n", "gather.py: AttributeError: module 'gather_of_the_model' has no attribute"),
        (
            "import sys\ndef gather(folder, secret):\n    sys.exit(0)",
            "gather.py line 3: SystemExit: 0",
        ),
        (
            "import os\ndef gather(folder, secret):\n    os._exit(0)",
            "gather.py ended its process before it returned; let the function return instead",
        ),
        (
            "import os\ndef gather(folder, secret):\n    os.kill(os.getpid(), 9)",
            "gather.py was killed, most likely because the memory is full; give it a larger gath",
        ),
        (
            "import os\ndef gather(folder, secret):\n    os.kill(os.getpid(), 15)",
            "gather.py was ended by signal 15; see its log",
        ),
        (
            "def gather(folder, secret):\n    bytearray(1 << 62)",
            "gather.py line 2: the memory is full; give it a larger gather.instance_type in model.",
        ),
        (
            "import errno\ndef gather(folder, secret):\n"
            "    raise OSError(errno.ENOSPC, 'no room', folder / 'a.csv')",
            "gather.py line 3: the disk is full; raise gather.volume_gb in model.yaml",
        ),
        (
            "import polars\ndef gather(folder, secret):\n"
            "    raise polars.exceptions.ComputeError('No space left on device (os error 28)')",
            "gather.py line 3: the disk is full; raise gather.volume_gb in model.yaml",
        ),
        # The user's own matter: the sentence is of Python's library.
        (
            "from urllib.request import urlopen\n"
            "def gather(folder, secret):\n    urlopen('http://no.such.host.invalid/')",
            "gather.py line 3: URLError: <urlopen error",
        ),
    ],
)
def test_it_fails_with_the_line_and_the_reason(tmp_path: Path, code: str, words: str) -> None:
    sentence, _ = failure(tmp_path, code)

    assert sentence.startswith(words)


def test_the_traceback_is_in_the_log_and_the_secret_in_neither(tmp_path: Path) -> None:
    code = "def gather(folder, secret):\n    raise ValueError('cannot sign in with ' + secret)"

    sentence, shown = failure(tmp_path, code, "hunter22")

    assert sentence == "gather.py line 2: ValueError: cannot sign in with ***"
    assert "Traceback" in shown
    assert "hunter22" not in shown


def test_what_it_leaves_at_work_does_not_keep_the_step(tmp_path: Path) -> None:
    code = (
        "import threading, time\n"
        "def gather(folder, secret):\n"
        "    threading.Thread(target=time.sleep, args=(300,)).start()\n"
        "    (folder / 'a.csv').write_text('x')\n"
    )
    began = time.monotonic()

    written, _ = run(tmp_path, code)

    assert written == {"a.csv": "x"}
    assert time.monotonic() - began < program.PATIENCE_SECONDS


def test_a_step_that_is_asked_to_end_ends_the_program(tmp_path: Path) -> None:
    pid, definition = tmp_path / "pid", tmp_path / "input/definition"
    definition.mkdir(parents=True)
    (definition / "gather.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        f"def gather(folder, secret):\n    Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(300)\n"
    )
    own = {"PROCESSING_ROOT": str(tmp_path), "AWS_DEFAULT_REGION": "us-east-1"}
    model = {"KANMON_MODEL": "crm", "KANMON_DATA": "s3://data/datasets/crm/"}
    step = subprocess.Popen(
        [sys.executable, "-m", "gather"],
        env={**os.environ, "PYTHONPATH": str(CONTAINERS), **own, **model},
    )
    try:
        written = int(eventually(lambda: pid.is_file() and pid.read_text()))
        os.kill(written, 0)

        step.terminate()

        assert step.wait(60) == 128 + signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.kill(written, 0)
    finally:
        step.kill()
        step.wait()


def test_the_environment_of_the_step_stays_as_it_was(tmp_path: Path) -> None:
    before = dict(os.environ)
    run(tmp_path, "import os\ndef gather(folder, secret):\n    os.environ['A'] = 'b'")

    assert dict(os.environ) == before
