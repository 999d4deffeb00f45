"""What a step leaves running ends with its call. Each test is a function's process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTAINERS = Path(__file__).parents[3] / "containers"
# A daemon: of another session, and the child of none of the processes that the function began.
DAEMON = """
import os, pathlib, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        pathlib.Path({pid!r}).write_text(str(os.getpid()))
        {keeps}
        time.sleep(60)
    os._exit(0)
while not pathlib.Path({pid!r}).exists():
    time.sleep(0.01)
"""
FUNCTION = """
import json, time
from pathlib import Path
from on_lambda.limits import Limits, StepProcess
from contract.orphans import adopt_orphans, children, end_children

adopt_orphans()
process = StepProcess("tiny", Path({folder!r}), {{"PATH": "/"}})
began = time.monotonic()
ended = process.work({{}}, Limits(1e6, 1e6, began + 50), Path({folder!r}), "run")
process.end()
left = len(children())
end_children()
seconds = time.monotonic() - began
print(json.dumps([ended.code, left, len(children()), seconds]))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can adopt processes")


@pytest.mark.parametrize("keeps", ["os.close(0); os.close(1); os.close(2)", "pass"])
def test_a_daemon_that_a_step_leaves_is_ended_at_once_also_where_it_holds_the_log(
    tmp_path: Path, keeps: str
) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "tiny.py").write_text(DAEMON.format(pid=str(pid), keeps=keeps))
    folder = tmp_path / "on_lambda"
    folder.mkdir()
    for name in ("__init__.py", "waiting.py"):
        (folder / name).write_text((CONTAINERS / "on_lambda" / name).read_text())
    (folder / "preload.py").write_text("def preload(step: str) -> None: pass\n")

    done = subprocess.run(
        [sys.executable, "-c", FUNCTION.format(folder=str(tmp_path))],
        env={**os.environ, "PYTHONPATH": str(CONTAINERS)},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )

    code, left, after, seconds = json.loads(done.stdout.splitlines()[-1])
    assert (code, after) == (0, 0)
    assert left >= 1  # so the daemon was this process's to end
    assert seconds < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
