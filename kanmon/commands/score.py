"""kanmon score."""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from core.words.formats import counted
from kanmon.errors import BAD_INPUT, FAILED, OK, BadInputError
from kanmon.terminal.invocation import Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.scoring.online import Scored
    from kanmon.scoring.rows import Row

# At most this many refused rows are listed.
MOST_PROBLEMS = 20


@click.command(
    cls=Verb,
    name="score",
    examples="""
    kanmon score abalone rows.csv
    kanmon score abalone rows.jsonl --json
    head -3 datasets/abalone/abalone.csv | kanmon score abalone -
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.argument("rows")
def command(model: str, rows: str) -> int:
    """Score rows (CSV or JSON lines) with the release in service.

    ROWS is a file, or - for standard input. Prints CSV: row number, prediction, release. The
    model's other columns (target, key, ignored) may be there. Refused rows are listed on stderr;
    the exit code is then 1, or 2 if no row was scored.
    """
    from kanmon.project import check_model_name
    from kanmon.scoring import online
    from kanmon.scoring.rows import batches, read_rows

    check_model_name(model)
    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    with opened(rows) as lines:
        with invocation.check_service_of(model):
            service = online.service_of(connection, model)
        absent = set(service.schema.features)
        found = note_features(read_rows(lines, service.schema), absent)
        answers = (
            one
            for batch in batches(found, online.BATCH_ROWS)
            for one in online.score(connection, service, batch)
        )
        scored, refused = print_predictions(answers, screen.as_json)
    if not scored and not refused:
        raise BadInputError("there are no rows below the header", "Add at least one row.")
    warnings = [(one.row, warning) for one in scored for warning in one.warnings]
    if scored and absent:
        named = ", ".join(name for name in service.schema.features if name in absent)
        screen.note(f"no row has {named}: scored as missing")
    remarks = [f"row {row}: {warning}" for row, warning in warnings]
    for lines_of in (remarks, [f"row {one.row}: {one.problem}" for one in refused]):
        for line in lines_of[:MOST_PROBLEMS]:
            screen.note(line)
        if len(lines_of) > MOST_PROBLEMS:
            screen.note(f"and {len(lines_of) - MOST_PROBLEMS:,} more like these")
    if refused:
        screen.problem(f"{counted(len(refused), 'row')} refused, {len(scored):,} scored.")
    screen.document(
        {
            "model": model,
            "predictions": [
                {**(one.answer or {}), "row": one.row, "release": one.release} for one in scored
            ],
            "errors": [{"row": one.row, "message": one.problem} for one in refused],
            "warnings": [{"row": row, "message": warning} for row, warning in warnings],
            "absent": [name for name in service.schema.features if name in absent],
        }
    )
    if not refused:
        return OK
    return FAILED if scored else BAD_INPUT


def note_features(rows: "Iterable[Row]", absent: set[str]) -> "Iterator[Row]":
    """Pass the rows on; remove from `absent` every feature that a row names.

    >>> from kanmon.scoring.rows import Row
    >>> absent = {"age", "size", "sex"}
    >>> passed = list(note_features([Row(1, {"age": 3.0}), Row(2, {"sex": None})], absent))
    >>> len(passed), absent
    (2, {'size'})
    """
    for row in rows:
        absent.difference_update(row.values)
        yield row


def print_predictions(
    answers: "Iterator[Scored]", as_json: bool
) -> "tuple[list[Scored], list[Scored]]":
    """Print each prediction as it comes; the scored rows and the refused rows."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    scored: list[Scored] = []
    refused: list[Scored] = []
    for one in answers:
        if one.answer is None:
            refused.append(one)
            continue
        if not as_json:
            if not scored:
                writer.writerow(["row", "prediction", *extra(one.answer), "release"])
            columns = extra(one.answer)
            cells = [one.answer["prediction"], *columns.values()]
            writer.writerow([one.row, *cells, one.release])
        scored.append(one)
    sys.stdout.flush()
    return scored, refused


def extra(answer: dict[str, Any]) -> dict[str, Any]:
    """The probability that goes with a class.

    >>> extra({"row": 0, "prediction": "gold", "probabilities": {"gold": 0.7, "tin": 0.3}})
    {'probability': 0.7}
    """
    if "probability" in answer:
        return {"probability": answer["probability"]}
    if "probabilities" in answer:
        return {"probability": answer["probabilities"].get(answer["prediction"])}
    return {}


@contextmanager
def opened(rows: str) -> Iterator[TextIO]:
    """The file ROWS names; - is standard input."""
    if rows == "-":
        yield sys.stdin
        return
    path = Path(rows)
    from kanmon.models.datasets import check_is_file

    check_is_file(path, "Name a file of rows.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise BadInputError(f"{rows} is not UTF-8 text", "Save it as UTF-8.") from error
