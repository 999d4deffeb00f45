"""Every job sees its own /opt/ml, by whichever means the machine allows."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.credentials import Credentials
from localaws.jobs.processes import Processes
from localaws.jobs.runner import Control, Outcome
from localaws.stage import Stage
from support.workbench import Bench, Surroundings, s3_outputs

PROGRAM = """
import json, os, sys
from pathlib import Path
root = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
facts = [str(root), sorted(os.listdir(root.parent)), os.getuid(), sorted(os.listdir("/opt"))]
Path(sys.argv[1]).write_text(json.dumps(facts))
"""


def names_in_opt() -> list[str]:
    opt = Path("/opt")
    return sorted(entry.name for entry in opt.iterdir()) if opt.exists() else []


@pytest.fixture(scope="module")
def best() -> Iterator[str]:
    """The strongest isolation of this machine: mount needs root, user needs the kernel's leave."""
    processes = Processes()
    yield processes.isolation
    processes.close()


@pytest.mark.parametrize("isolation", ["mount", "user", "folder"])
def test_a_job_sees_its_own_folders_and_the_machine_stays_as_it_was(
    stage: Stage, client, tmp_path: Path, best: str, isolation: str
):
    strength = ["folder", "user", "mount"]
    if strength.index(isolation) > strength.index(best):
        pytest.skip(f"this machine allows {best} isolation at most")
    before = names_in_opt()
    root = Credentials(stage.access_key, stage.secret_key, "")
    bench = Bench(Surroundings(stage.endpoint, root), client("s3"), tmp_path, isolation)
    job = bench.job(PROGRAM, ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"))
    job["AppSpecification"]["ContainerArguments"] = ["/opt/ml/processing/output/0/facts"]

    outcome = bench.runner.run(job, bench.around.credentials, Control())
    bench.close()

    own = bench.jobs / job["ProcessingJobName"] / "algo-1/ml/processing"
    seen = str(own) if isolation == "folder" else "/opt/ml/processing"
    beside = before if isolation == "folder" else sorted({*before, "ml"})
    assert outcome == Outcome("Completed")
    assert bench.objects("out/") == {
        "facts": json.dumps([seen, ["config", "output", "processing"], os.getuid(), beside])
    }
    assert names_in_opt() == before
