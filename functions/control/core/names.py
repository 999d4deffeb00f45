"""Names: of models, runs, jobs and package groups, all within what AWS allows for them.

A job's name is the longest: `<stack>-<run>-<step>-<attempt>`. SageMaker takes 63 characters, of
which a step has up to 10 and the number of an attempt 4; a name that is too long is shortened.
"""

import hashlib
import re
from datetime import UTC, datetime

LONGEST_RUN = 37
LONGEST_ATTEMPT = LONGEST_RUN + len("-r9999")
LONGEST_JOB_PREFIX = 63 - len("-preprocess-9999")
_MODEL = re.compile(r"[a-z](?:-?[a-z0-9])+")
_RUN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"

MODEL_RULE = (
    "2 to 20 lower-case letters, digits and single hyphens, beginning with a letter "
    "and not ending in a hyphen"
)
RUN_RULE = f"at most {LONGEST_RUN} lower-case letters, digits and single hyphens between them"


class RunNameError(Exception):
    """The execution's name cannot name a run."""


def is_model_name(text: str) -> bool:
    """
    >>> is_model_name("abalone"), is_model_name("2fast"), is_model_name("a--b")
    (True, False, False)
    """
    return 2 <= len(text) <= 20 and _MODEL.fullmatch(text) is not None


def is_run_name(text: str) -> bool:
    return len(text) <= LONGEST_RUN and _RUN.fullmatch(text) is not None


def is_attempt_name(text: str) -> bool:
    """Can it name an execution that resumes a batch, `<batch>-r<number>`?"""
    return len(text) <= LONGEST_ATTEMPT and _RUN.fullmatch(text) is not None


def check_run_name(run: object, workflow: str = "retrain", command: str = "kanmon run") -> str:
    """The name itself; raises RunNameError with the fix."""
    if isinstance(run, str) and is_run_name(run):
        return run
    raise RunNameError(
        f"run {_shown(run)}: an execution of {workflow} must be named with {RUN_RULE}; "
        f"start it with `{command}`, which names it"
    )


def new_run_name(model: str, moment: datetime, seed: bytes) -> str:
    """A run's name: `<model>-<yymmddHHMMSS>-<3 base36>`; `seed` decides the last three.

    >>> new_run_name("abalone", datetime(2026, 11, 21, 5, 55, 1, tzinfo=UTC), b"x")
    'abalone-261121055501-o3k'
    """
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big")
    suffix = "".join(_BASE36[number // 36**place % 36] for place in range(3))
    return f"{named_from(model, moment)}-{suffix}"


def named_from(model: str, moment: datetime) -> str:
    """What comes before the names of all that begins at this moment in UTC, or later.

    >>> named_from("abalone", datetime(2026, 11, 21, 5, 55, 1, tzinfo=UTC))
    'abalone-261121055501'
    """
    return f"{model}-{moment:%y%m%d%H%M%S}"


def following_run_name(model: str, closing_run: str, asked_at: int) -> str:
    """The run that takes over from `closing_run`: the same name however often it is asked for."""
    moment = datetime.fromtimestamp(asked_at, UTC)
    return new_run_name(model, moment, f"{closing_run}|{asked_at}".encode())


def job_prefix(stack: str, run: str) -> str:
    """What the names of a run's jobs begin with; the workflow adds step and attempt.

    >>> job_prefix("kanmon-local", "abalone-261121055501-o3k")
    'kanmon-local-abalone-261121055501-o3k'
    >>> job_prefix("kanmon-local", "twenty-letters-model-261121055501-o3k")
    'kanmon-local-twenty-letters-model-2611-1d007897'
    """
    whole = f"{stack}-{run}"
    if len(whole) <= LONGEST_JOB_PREFIX:
        return whole
    digest = hashlib.sha256(run.encode()).hexdigest()[:8]
    return f"{whole[: LONGEST_JOB_PREFIX - len(digest) - 1].rstrip('-')}-{digest}"


def package_group(stack: str, model: str) -> str:
    return f"{stack}-{model}"


def _shown(value: object) -> str:
    return repr(value if not isinstance(value, str) or len(value) <= 80 else value[:77] + "...")
