"""What a deployment that ended well has put behind a model's live alias."""

from __future__ import annotations

from dataclasses import dataclass


class NotLiveError(Exception):
    """The live alias does not answer as it should; the message is one line."""


@dataclass(frozen=True)
class Live:
    """A deployment that ended well, and where its model answers. `by` and `reason` are of a
    rollback or a withdrawal: who asked for it, and why. A promotion has them in its decision."""

    model: str
    release: int
    purpose: str
    execution: str
    alias_arn: str
    function_url: str
    by: str | None = None
    reason: str | None = None
