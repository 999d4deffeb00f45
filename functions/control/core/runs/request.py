"""What may be asked of a run: the input of one execution of `retrain`."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.definition.messages import nearest, shown
from core.definition.scalar import Parameter
from core.names import MODEL_RULE, is_model_name
from core.runs.instances import checked

_EXAMPLE = '{"model": "abalone", "reason": "manual"}'


class RunRequestError(Exception):
    """The execution's input does not ask for a run; the message has one line, with the fix."""


def model_name(text: str) -> str:
    if not is_model_name(text):
        raise ValueError(f"{shown(text)} is not a model name, which has {MODEL_RULE}")
    return text


class RunRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    model: Annotated[str, AfterValidator(model_name)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = "manual"
    force: bool = False
    # These replace the trainer's own: {"rounds": 500, "learning_rate": 0.05}.
    parameters: dict[str, Parameter] = {}
    # The machine of a step for this run alone: {"train": "ml.m5.4xlarge"}. The step is then a job.
    instances: Annotated[dict[str, str], AfterValidator(checked)] = {}
    # The commit the request came from, for the lineage of what comes of it.
    commit: Annotated[str, Field(max_length=100)] | None = None
    # What a person wants to remember of it, and who that is by their own word: CloudTrail knows.
    note: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    by: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    # The sha256 of the definition to run; without it, the one the stage holds as current.
    definition: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    def document(self) -> dict[str, Any]:
        """The request as an execution's input."""
        empty = set() if self.instances else {"instances"}
        return self.model_dump(exclude_none=True, exclude=empty)


def parse_request(raw: Any) -> RunRequest:
    """The request in an execution's input, or RunRequestError."""
    try:
        return RunRequest.model_validate(raw)
    except ValidationError as error:
        raise RunRequestError(problem_of(error, RunRequest, "the run", _EXAMPLE)) from error


def problem_of(error: ValidationError, kind: type[BaseModel], whose: str, example: str) -> str:
    """The first thing that is wrong with an execution's input, in one line with the fix."""
    problem, *_ = error.errors(include_url=False)
    where = ".".join(str(part) for part in problem["loc"]) or "input"
    if problem["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in kind.model_fields.items()]
        words = f"unknown key; {nearest(where, known)}"
    elif problem["type"] == "value_error":
        words = str(problem["ctx"]["error"])
    else:
        words = f"{problem['msg'][0].lower()}{problem['msg'][1:]}"
    return f"{whose}'s input, {where}: {words}; write an input such as {example}"
