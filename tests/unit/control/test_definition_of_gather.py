"""Data that a query makes: the key of model.yaml, and gather.sql beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.gather import Gather, gather_problem
from core.definition.parse import DefinitionError, parse_definition
from core.definition.query import MOST_BYTES, QueryError, statement
from core.definition.schema import ModelDefinition

SHORT = """name: wine
task: regression
target: quality
features: [{name: alcohol, kind: numeric}]
metrics: {primary: rmse}
"""
QUERY = b"SELECT alcohol, quality FROM tastings"


def parsed(keys: str) -> ModelDefinition:
    return parse_definition(SHORT + keys, "model.yaml")


def test_a_query_has_a_database_and_limits() -> None:
    assert parsed("gather: {database: cellar}").gather == Gather(
        database="cellar", maximum_gb=10, timeout_minutes=30
    )
    assert parsed("").gather is None


def test_a_definition_without_the_key_is_written_as_before_there_was_one() -> None:
    assert "gather" not in parsed("").model_dump(mode="json")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("gather: {}", "gather.database: is missing; add it"),
        ("gather: {database: My Cellar}", "'My Cellar' is not a database of the Glue catalog"),
        ("gather: {database: a, maximum_gb: 5}", "5 is not one of 1, 10, 100, 1000; write one"),
        ("gather: {database: a, maximum: 5}", "unknown key; did you mean maximum_gb?"),
        ("gather: {database: a, timeout_minutes: 241}", "241 is more than 240; write 240 or less"),
        (
            "gather: {database: a}\ndata: {location: datasets/other/}",
            "data.location: gather makes the data, so there is no location; remove it",
        ),
        (
            "gather: {database: a}\nretrain: {on: [data]}",
            "retrain.on: gather makes the data, so none arrives; write retrain.schedule",
        ),
    ],
)
def test_a_wrong_key_is_one_clear_line(keys: str, words: str) -> None:
    with pytest.raises(DefinitionError) as error:
        parsed(keys)

    [problem] = error.value.problems
    assert words in problem


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "select 1;",
        "  -- what this is; and why\nSELECT ';', \"a;b\" FROM t /* ) */ ;\n-- the end (\n",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION ALL (SELECT 2)",
        'SELECT \'it\'\'s (one\', "a ""("" b" FROM t',
    ],
)
def test_a_select_is_a_query(query: str) -> None:
    found = statement(query.encode())

    assert found == query.split(";\n-- the end")[0].strip().removesuffix(";")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "gather.sql is empty; write one SELECT"),
        ("-- SELECT 1", "gather.sql is empty; write one SELECT"),
        ("\nDROP TABLE t", "gather.sql line 2: begins with DROP; write one SELECT, which may"),
        ("INSERT INTO t SELECT 1", "line 1: begins with INSERT"),
        ("SELECT 1;\nSELECT 2", "line 2: there are several statements; keep one SELECT"),
        ("SELECT 1;;", "line 1: there are several statements"),
        ("SELECT (1", "line 1: this parenthesis is not closed; close it"),
        # It would end UNLOAD (…), and choose where the result is written.
        ("SELECT 1) TO 's3://another/' --", "line 1: this parenthesis closes nothing; remove it"),
        ("SELECT 'a", "line 1: what ' begins has no end; add it"),
        ("SELECT 1\n/* --", "line 2: what /* begins has no end; add it"),
        (
            "SELECT " + "1," * MOST_BYTES,
            f"gather.sql has {2 * MOST_BYTES + 7} bytes; write at most",
        ),
    ],
)
def test_anything_else_is_refused_with_its_line(query: str, words: str) -> None:
    with pytest.raises(QueryError) as error:
        statement(query.encode())

    assert words in str(error.value)


def test_a_query_is_text() -> None:
    with pytest.raises(QueryError, match=r"gather.sql is not UTF-8 text \(byte 7\); save it"):
        statement(b"SELECT \xff")


@given(st.text("SELECT'\"()/*-; \n", max_size=30))
def test_what_is_accepted_cannot_end_the_parenthesis_around_it(text: str) -> None:
    try:
        query = statement(f"SELECT {text}".encode())
    except QueryError:
        return

    # Were a quote or a parenthesis open, or a comment, the statement would be another one here.
    around = f"SELECT (\n{query}\n) FROM t"  # noqa: S608 - it is only read
    assert statement(around.encode()) == around


@pytest.mark.parametrize(
    ("files", "gather", "words"),
    [
        ({"gather.sql": QUERY}, None, "gather.sql is there, but model.yaml has no gather; add"),
        ({}, Gather(database="a"), "model.yaml has gather, but no gather.sql is beside it"),
        ({"gather.sql": b"DROP"}, Gather(database="a"), "gather.sql line 1: begins with DROP"),
    ],
)
def test_the_key_and_the_file_belong_together(
    files: dict[str, bytes], gather: Gather | None, words: str
) -> None:
    assert words in (gather_problem(files, gather) or "")


def test_a_good_pair_has_no_problem() -> None:
    assert gather_problem({"gather.sql": QUERY}, Gather(database="a")) is None
    assert gather_problem({}, None) is None
