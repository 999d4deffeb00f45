"""What will soon be called is begun while nobody waits for it: functions, and a run's steps."""

import threading
import time

from ministack.services import stepfunctions

from localaws import sagemaker
from localaws.patches import functions

# What a machine has in its definition whose steps can be jobs.
CREATES_JOBS = "sagemaker:createProcessingJob"
# From the end of a run until the steps of the next one are begun. Meanwhile the command that waited
# for the run prints its end, and has the processors.
PAUSE_SECONDS = 1.0
# All of them at once would be ready late, the first one too. Where a run has begun its steps, those
# that are missing are begun at once: see functions.prepare_steps_after.
APART_SECONDS = 0.25


def execution_changed(status: str, definition: str) -> None:
    """An execution of a machine with this definition has started (RUNNING) or ended."""
    if status == "RUNNING":
        _expect_functions(definition)
    # For this run, or for the next one. Nothing waits for it, least of all the request.
    pause = 0.0 if status == "RUNNING" else PAUSE_SECONDS
    later = threading.Timer(pause, expect_steps, args=[definition])
    later.daemon = True
    later.start()


def deployed() -> None:
    """A stack has been deployed: a run will soon be started."""
    for machine in list(stepfunctions._state_machines.values()):
        definition = machine.get("definition", "")
        if _first_step(functions.steps_of(definition)):
            _expect_functions(definition)
            expect_steps(definition)


def expect_steps(definition: str) -> None:
    """Begin a run's steps: their functions, or the first job where no step is a function."""
    steps = functions.steps_of(definition)
    if _first_step(steps):
        for step in functions.steps_of_a_run():
            if functions.prepare_step(step, definition):
                time.sleep(APART_SECONDS)
    elif not steps and CREATES_JOBS in definition:
        sagemaker.expect_jobs()


def _first_step(steps: list[str]) -> bool:
    """Work that has a later step alone is no run."""
    return any(step in steps for step in functions.steps_of_a_run()[:1])


def _expect_functions(definition: str) -> None:
    functions.prepare(lambda config: config["FunctionArn"] in definition)
