"""Scores rows by calling a model's live alias, one batch at a time."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contract.number_format import NumberFormat
from kanmon.errors import BadInputError, NoServiceError, RunFailedError
from kanmon.releases.records import champion_of, find_release, release_record, withdrawal_of
from kanmon.scoring.rows import Row, Schema
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from core.stage.release_records import Champion
    from kanmon.stage.connection import Connection

# The scorer says the same: serving/scoring/scorer/answering.py.
BATCH_ONLY = (
    "the model {model} computes its features with features.py, which runs only in batch; score "
    "files with `kanmon score-batch {model}`"
)
# Rows in a request: below the scorer's 5,000 rows, and Lambda's 6 MB with 100 columns.
BATCH_ROWS = 1000


@dataclass(frozen=True)
class Scored:
    """A row's prediction and the release that made it, or why the row was refused.

    key: what the row has of the model's key. request_id: the request that the row was sent in.
    """

    row: int
    release: int | None = None
    answer: dict[str, Any] | None = None
    problem: str | None = None
    warnings: tuple[str, ...] = ()
    key: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True)
class Service:
    """A model in service: its alias, its release, and the schema of its rows.

    keyed: the release takes rows with their key. Releases of earlier versions refuse it.
    """

    model: str
    alias_arn: str
    release: int
    schema: Schema
    keyed: bool = True


def service_of(connection: "Connection", model: str) -> Service:
    """The model's service. Its schema is that of the definition its release was trained with."""
    champion = in_service(connection, model)
    number = champion.release
    record = release_record(connection, find_release(connection, f"{model}/{number}"))
    definition = _definition(connection, record)
    if definition.inputs is not None:
        raise BadInputError(BATCH_ONLY.format(model=model))
    schema = schema_from(definition)
    return Service(model, champion.alias_arn, number, schema, keyed="key" in record)


def in_service(connection: "Connection", model: str) -> "Champion":
    """The model's champion. Raises NoServiceError, with the fix, where it has none."""
    champion = champion_of(connection, model)
    if champion is None:
        flag = stage_flag(connection.name)
        gone = withdrawal_of(connection, model)
        if gone is not None:
            raise NoServiceError(
                f"model {model} was withdrawn from service: {gone.reason or 'no reason given'}",
                f"`kanmon rollback {model} --to {gone.release}{flag}` brings its release back.",
            )
        raise NoServiceError(
            f"model {model} has no release in service",
            f"`kanmon releases {model}{flag}` shows which ones wait for a review.",
        )
    return champion


def definition_of(connection: "Connection", model: str, release: int) -> Any:
    """The definition that a release was trained with."""
    record = release_record(connection, find_release(connection, f"{model}/{release}"))
    return _definition(connection, record)


def _definition(connection: "Connection", record: dict[str, Any]) -> Any:
    from core.definition.parse import parse_definition

    uri = str(record["definition"]["uri"]).rstrip("/")
    key = uri.split("/", 3)[-1].removesuffix("/model.yaml") + "/model.yaml"
    text = connection.s3.get_object(Bucket=connection.bucket, Key=key)["Body"].read().decode()
    return parse_definition(text, "model.yaml")


def schema_from(definition: Any) -> Schema:
    """The schema of the rows in a model's definition."""
    columns = {
        feature.derive.column if feature.derive else feature.name: "date"
        if feature.derive
        else feature.kind
        for feature in definition.features
    }
    return Schema(
        columns,
        frozenset(
            {definition.target, *definition.data.key, *definition.split.columns, *definition.ignore}
            - columns.keys()
        ),
        frozenset(definition.data.null_values),
        definition.data.delimiter,
        NumberFormat.of(definition.data.model_dump()),
        key=tuple(definition.data.key),
    )


def score(connection: "Connection", service: Service, batch: list[Row]) -> Iterator[Scored]:
    """Score a batch; one answer for each row, in order."""
    asked = [row for row in batch if row.problem is None]
    answer = _ask(connection, service, asked) if asked else {}
    yield from matched(batch, asked, answer)


def matched(batch: list[Row], asked: list[Row], answer: dict[str, Any]) -> Iterator[Scored]:
    """The scorer's answer about the rows that were sent, as one entry for each row of the batch."""
    answers = {asked[one["row"]].number: one for one in answer.get("predictions", [])}
    refused, warned = (_remarks(asked, answer.get(kind, [])) for kind in ("errors", "warnings"))
    release = answer.get("release")
    for row in batch:
        if row.problem is not None:
            yield Scored(row.number, problem=row.problem)
        elif row.number in answers:
            warnings = tuple(warned.get(row.number, ()))
            yield Scored(
                row.number,
                release,
                answers[row.number],
                warnings=warnings,
                key=row.key,
                request_id=answer.get("request_id"),
            )
        else:
            why = refused.get(row.number) or refused.get(0) or ["the scorer gave no answer"]
            yield Scored(row.number, release, problem="; ".join(why))


def _remarks(asked: list[Row], remarks: list[dict[str, Any]]) -> dict[int, list[str]]:
    """The scorer's remarks by row number; 0 is the whole request."""
    found: dict[int, list[str]] = {}
    for one in remarks:
        number = 0 if one["row"] is None else asked[one["row"]].number
        found.setdefault(number, []).append(_words(one))
    return found


def _words(error: dict[str, Any]) -> str:
    feature = f"{error['feature']}: " if error.get("feature") else ""
    return f"{feature}{error.get('message', 'was refused')}"


def sent(row: Row, keyed: bool) -> dict[str, Any]:
    """A row as a request has it: with its key, if it has one and the release takes it.

    >>> row = Row(1, {"age": 4.0}, key={"customer": "c-1"})
    >>> sent(row, keyed=True), sent(row, keyed=False)
    ({'customer': 'c-1', 'age': 4.0}, {'age': 4.0})
    """
    return {**row.key, **row.values} if keyed else row.values


def _ask(connection: "Connection", service: Service, rows: list[Row]) -> dict[str, Any]:
    invoked = connection.client("lambda").invoke(
        FunctionName=service.alias_arn,
        Payload=json.dumps({"rows": [sent(row, service.keyed) for row in rows]}).encode(),
    )
    text = invoked["Payload"].read()
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if invoked.get("FunctionError") or not isinstance(answer, dict):
        message = answer.get("errorMessage") if isinstance(answer, dict) else None
        flag = stage_flag(connection.name)
        raise RunFailedError(
            f"the service of {service.model} failed: {message or 'no reason was given'}",
            f"`kanmon show {service.model}/{service.release}{flag}` shows its status.",
        )
    return answer
