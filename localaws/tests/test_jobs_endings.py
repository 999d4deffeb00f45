"""How a processing job ends: by itself, by a signal, at its limit, when it is stopped."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.credentials import Credentials
from localaws.jobs.runner import Control, Outcome
from localaws.stage import Stage
from support.waiting import PATIENCE_SECONDS
from support.workbench import START, Bench, Surroundings, appears, ends, s3_outputs


@pytest.fixture
def bench(stage: Stage, client, tmp_path: Path) -> Iterator[Bench]:
    root = Credentials(stage.access_key, stage.secret_key, "")
    bench = Bench(Surroundings(stage.endpoint, root), client("s3"), tmp_path, None)
    yield bench
    bench.close()


def test_a_failing_step_is_reported_with_its_message_and_exit_code(bench: Bench):
    outcome = bench.run(
        START
        + """
(ml / "output/message").write_text("row 3: age is missing")
(root / "output/0/half").write_text("")
sys.exit(3)
""",
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
    )

    assert outcome == Outcome(
        "Failed", "AlgorithmError: row 3: age is missing, exit code: 3", "row 3: age is missing"
    )
    assert bench.objects("out/") == {}


def test_a_message_is_kept_on_success_and_cut_at_1024_characters(bench: Bench):
    outcome = bench.run(START + '(ml / "output/message").write_text("x" * 5000)')

    assert outcome == Outcome("Completed", exit_message="x" * 1024)


def test_a_killed_step_counts_its_signal_from_128(bench: Bench):
    outcome = bench.run("import os; os.kill(os.getpid(), 9)")

    assert outcome == Outcome(
        "Failed", "AlgorithmError: See job logs for more information, exit code: 137"
    )


def test_a_step_that_takes_too_long_is_stopped_with_all_it_started(bench: Bench, tmp_path: Path):
    ours = tmp_path / "pid"

    outcome = bench.run(
        f"""
import subprocess, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
open({str(ours)!r}, "w").write(str(child.pid))
time.sleep(60)
""",
        StoppingCondition={"MaxRuntimeInSeconds": 4},
    )

    assert outcome == Outcome(
        "Stopped",
        "ClientError: MaxRuntimeExceeded: the job ran longer than the 4 seconds of"
        " StoppingCondition.MaxRuntimeInSeconds",
    )
    ends(int(ours.read_text()))


def test_a_stopped_job_may_say_a_last_word(bench: Bench, tmp_path: Path):
    begun = tmp_path / "begun"
    bench.runner = bench.make_runner(grace_seconds=60)

    outcome = bench.run_and_stop(
        START
        + f"""
import signal
def last(*_):
    (ml / "output/message").write_text("half done")
    sys.exit(0)
signal.signal(signal.SIGTERM, last)
Path({str(begun)!r}).touch()
time.sleep(60)
""",
        when=begun,
    )

    assert outcome == Outcome("Stopped", exit_message="half done")


def test_nothing_outlives_the_stage(bench: Bench, tmp_path: Path):
    """The launcher's input ends when the stage is killed, and with it every job."""
    ours = tmp_path / "pid"
    job = bench.job(
        f"""
import os, subprocess, time
child = subprocess.Popen(["sleep", "60"])
open({str(ours)!r} + "~", "w").write(str(child.pid))
os.rename({str(ours)!r} + "~", {str(ours)!r})
time.sleep(60)
"""
    )
    thread = threading.Thread(
        target=bench.runner.run, args=(job, bench.around.credentials, Control()), daemon=True
    )
    thread.start()
    appears(ours)

    bench.processes.close()
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()
    ends(int(ours.read_text()))
