"""What will soon be called is begun while nobody waits for it: functions, and the steps of a run."""

import threading

from ministack.services import stepfunctions

from localaws import sagemaker
from localaws.patches import functions

# What a machine has in its definition whose steps can be jobs.
CREATES_JOBS = "sagemaker:createProcessingJob"
# From the end of a run until the steps of the next one are begun. Whoever waited for the run is
# told about it meanwhile, and has the processors for himself.
PAUSE_SECONDS = 1.0


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
    """A stack has been deployed: whoever did that will soon start a run."""
    for machine in list(stepfunctions._state_machines.values()):
        definition = machine.get("definition", "")
        if functions.first_step() in functions.steps_of(definition):
            functions.prepare_steps_after(None, definition)
            _expect_functions(definition)


def expect_steps(definition: str) -> None:
    """Begin a run's steps: their functions, or the first job where no step is a function."""
    steps = functions.steps_of(definition)
    if functions.first_step() in steps:
        functions.prepare_steps_after(None, definition)
    elif not steps and CREATES_JOBS in definition:
        sagemaker.expect_jobs()


def _expect_functions(definition: str) -> None:
    functions.prepare(lambda config: config["FunctionArn"] in definition)
