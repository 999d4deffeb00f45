"""What may be asked of a batch: the input of one execution of `score`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.definition.scorable import check_key, check_prefix
from core.names import RUN_RULE, is_attempt_name, is_run_name
from core.runs.request import model_name, problem_of

_EXAMPLE = '{"model": "churn", "prefix": "datasets/churn/"}'
MOST_HOSTS = 100
# With a batch to resume, nothing else is said: it has its plan.
_OF_A_RESUMPTION = {"model", "reason", "batch"}

Prefix = Annotated[str, AfterValidator(check_prefix)]
Key = Annotated[str, AfterValidator(check_key)]


class BatchRequestError(Exception):
    """The execution's input does not ask for a batch; the message has one line, with the fix."""


class BatchRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    model: Annotated[str, AfterValidator(model_name)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = "manual"
    # The files to score: all of a folder, or these. Without either, as model.yaml says.
    prefix: Prefix | None = None
    objects: Annotated[list[Key], Field(min_length=1)] | None = None
    # A batch to resume, which scores what is missing of it.
    batch: Annotated[str, Field(max_length=37)] | None = None
    # Columns that may be absent, besides those that model.yaml names.
    allow_missing: list[Annotated[str, Field(min_length=1, max_length=200)]] = []
    explain: Annotated[int, Field(ge=0, le=20)] | None = None
    hosts: Annotated[int, Field(ge=1, le=MOST_HOSTS)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> BatchRequest:
        if self.prefix is not None and self.objects is not None:
            raise ValueError("prefix and objects are both there; keep one of them")
        if self.batch is not None and (more := self.model_fields_set - _OF_A_RESUMPTION):
            named = ", ".join(sorted(more))
            raise ValueError(f"a batch is resumed with its own plan; leave out {named}")
        return self


def parse_request(raw: Any) -> BatchRequest:
    """The request in an execution's input, or BatchRequestError."""
    try:
        return BatchRequest.model_validate(raw)
    except ValidationError as error:
        raise BatchRequestError(problem_of(error, BatchRequest, "the batch", _EXAMPLE)) from error


def batch_of(request: BatchRequest, execution: object) -> str:
    """The batch that an execution works on: the one it resumes, or the one it begins."""
    resumes = request.batch is not None
    fits = isinstance(execution, str) and (is_attempt_name if resumes else is_run_name)(execution)
    if not fits:
        raise BatchRequestError(
            f"batch {str(execution)[:80]!r}: an execution of score must be named with {RUN_RULE}; "
            "start it with `kanmon score-batch`, which names it"
        )
    return request.batch or str(execution)
