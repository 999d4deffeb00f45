"""kanmon score."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from core.words.formats import counted
from kanmon.errors import BAD_INPUT, FAILED, OK, BadInputError
from kanmon.terminal.invocation import Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.scoring.online import Scored
    from kanmon.scoring.rows import Row, Schema

# At most this many refused rows are listed.
MOST_PROBLEMS = 20


@click.command(
    cls=Verb,
    name="score",
    examples="""
    kanmon score abalone rows.csv
    kanmon score abalone rows.jsonl --json
    head -3 datasets/abalone/abalone.csv | kanmon score abalone -
    cut -d , -f 2- rows.csv | kanmon score abalone - --allow-missing sex
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.argument("rows")
@click.option(
    "--allow-missing",
    "optional",
    metavar="NAME",
    multiple=True,
    help="Score rows that leave out this feature, as if its value were unknown. Repeatable.",
)
def command(model: str, rows: str, optional: tuple[str, ...]) -> int:
    """Score rows (CSV or JSON lines) with the release in service.

    ROWS is a file, or - for standard input. Prints CSV: row key, row number, prediction, release.
    Rows have every feature, empty (in JSON null) where its value is unknown. The model's other
    columns (target, key, ignored) may be there; the key is sent with the row and printed first.
    Refused rows are listed on stderr; the exit code is then 1, or 2 if no row was scored.
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
        schema = allowing(service.schema, optional)
        absent = set(schema.optional)
        found = note_features(read_rows(lines, schema), absent)
        answers = (
            one
            for batch in batches(found, online.BATCH_ROWS)
            for one in online.score(connection, service, batch)
        )
        scored, refused = print_predictions(answers, schema.key, screen.as_json)
    if not scored and not refused:
        raise BadInputError("there are no rows below the header", "Add at least one row.")
    left_out = [name for name in schema.features if name in absent]
    note_problems(scored, refused, left_out)
    screen.document({"model": model, **document(scored, refused), "absent": left_out})
    if not refused:
        return OK
    return FAILED if scored else BAD_INPUT


def warnings_of(scored: "Sequence[Scored]") -> list[tuple[int, str]]:
    """What the release remarks about rows that it scored, each with its row."""
    return [(one.row, warning) for one in scored for warning in one.warnings]


def note_problems(
    scored: "Sequence[Scored]", refused: "Sequence[Scored]", left_out: Sequence[str]
) -> None:
    """Print beside the predictions what is wrong with rows."""
    screen = current().screen
    if scored and left_out:
        screen.note(f"no row has a value of {', '.join(left_out)}: sent as null")
    remarks = [f"row {row}: {warning}" for row, warning in warnings_of(scored)]
    for lines in (remarks, [f"row {one.row}: {one.problem}" for one in refused]):
        for line in lines[:MOST_PROBLEMS]:
            screen.note(line)
        if len(lines) > MOST_PROBLEMS:
            screen.note(f"and {len(lines) - MOST_PROBLEMS:,} more like these")
    if refused:
        screen.problem(f"{counted(len(refused), 'row')} refused, {len(scored):,} scored.")


def document(scored: "Sequence[Scored]", refused: "Sequence[Scored]") -> dict[str, Any]:
    """The rows for `--json`."""
    return {
        "predictions": [
            {
                **({"key": one.key} if one.key else {}),
                **{name: value for name, value in (one.answer or {}).items() if name != "key"},
                "row": one.row,
                "release": one.release,
                # As a label of this answer names it.
                "request_id": one.request_id,
                "request_row": (one.answer or {}).get("row"),
            }
            for one in scored
        ],
        "errors": [{"row": one.row, "message": one.problem} for one in refused],
        "warnings": [{"row": row, "message": warning} for row, warning in warnings_of(scored)],
    }


def allowing(schema: "Schema", names: tuple[str, ...]) -> "Schema":
    """The schema whose rows may leave out these features."""
    from core.definition.messages import nearest

    for name in names:
        if name not in schema.features:
            fix = nearest(name, list(schema.features))
            raise BadInputError(
                f"--allow-missing {name}: the model has no such feature",
                fix[0].upper() + fix[1:] + ("" if fix.endswith("?") else "."),
            )
    return replace(schema, optional=frozenset(names))


def note_features(rows: "Iterable[Row]", absent: set[str]) -> "Iterator[Row]":
    """Pass the rows on; remove from `absent` every feature that has a value in a row.

    >>> from kanmon.scoring.rows import Row
    >>> absent = {"age", "size", "sex"}
    >>> rows = [Row(1, {"age": 3.0, "size": None, "sex": None}), Row(2, {"sex": "F"})]
    >>> len(list(note_features(rows, absent))), absent
    (2, {'size'})
    """
    for row in rows:
        absent.difference_update([name for name in absent if row.values.get(name) is not None])
        yield row


def print_predictions(
    answers: "Iterator[Scored]", key: "Sequence[str]", as_json: bool
) -> "tuple[list[Scored], list[Scored]]":
    """Print each prediction as it comes; the scored rows and the refused rows.

    The columns of the key come first, if the first row has any.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    scored: list[Scored] = []
    refused: list[Scored] = []
    for one in answers:
        if one.answer is None:
            refused.append(one)
            continue
        if not as_json:
            columns = extra(one.answer)
            if not scored:
                key = key if one.key else ()
                names = ["row", "prediction", *columns, "release"]
                named = [f"{name}_key" if name in names else name for name in key]
                writer.writerow([*named, *names])
            cells = [one.answer["prediction"], *columns.values()]
            writer.writerow([*(one.key.get(name) for name in key), one.row, *cells, one.release])
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
