"""The local stage: the one module of the command line that knows the embedded AWS."""

from localaws.stage import (
    LEAST_FREE_BYTES,
    Stage,
    StageError,
    down,
    ended_unexpectedly,
    status,
    up,
)

__all__ = [
    "LEAST_FREE_BYTES",
    "Stage",
    "StageError",
    "down",
    "ended_unexpectedly",
    "status",
    "up",
]
