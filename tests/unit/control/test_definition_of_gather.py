"""Data that a query or a program makes: the key of model.yaml, and gather.sql or gather.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.gather import Gather, gather_problem
from core.definition.parse import DefinitionError, parse_definition
from core.definition.program import MOST_BYTES as MOST_BYTES_OF_A_PROGRAM
from core.definition.program import ProgramError, check
from core.definition.query import MOST_BYTES, QueryError, statement
from core.definition.schema import ModelDefinition

SHORT = """name: wine
task: regression
target: quality
features: [{name: alcohol, kind: numeric}]
metrics: {primary: rmse}
"""
QUERY = b"SELECT alcohol, quality FROM tastings"
PROGRAM = b"def gather(folder, secret): ...\n"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:wine/crm-1a2B3c"


def parsed(keys: str) -> ModelDefinition:
    return parse_definition(SHORT + keys, "model.yaml")


def test_a_query_has_a_database_and_limits() -> None:
    assert parsed("gather: {database: cellar}").gather == Gather(
        database="cellar", maximum_gb=10, timeout_minutes=30
    )
    assert parsed("").gather is None


def test_a_program_has_a_secret_and_a_machine_where_they_are_named() -> None:
    found = parsed(f"gather: {{secret: '{SECRET}', instance_type: ml.m5.large}}").gather

    assert found is not None
    assert not found.is_query
    assert found.model_dump(mode="json") == {
        "secret": SECRET,
        "instance_type": "ml.m5.large",
        "timeout_minutes": 30,
    }
    assert parsed("gather: {}").gather == Gather()


def test_a_query_is_written_as_before_there_were_programs() -> None:
    assert parsed("gather: {database: cellar}").model_dump(mode="json")["gather"] == {
        "database": "cellar",
        "maximum_gb": 10,
        "timeout_minutes": 30,
    }


def test_a_definition_without_the_key_is_written_as_before_there_was_one() -> None:
    assert "gather" not in parsed("").model_dump(mode="json")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            "gather: {maximum_gb: 10}",
            "gather.maximum_gb: is of gather.sql, which needs gather.database too; add that, or",
        ),
        (
            "gather: {database: a, volume_gb: 5}",
            "gather.volume_gb: is of gather.py, and gather.database of gather.sql; remove one",
        ),
        ("gather: {secret: 'my password'}", "gather.secret: is not the ARN of a secret; write all"),
        # Without its last six characters Secrets Manager would still find it. IAM would not.
        (
            "gather: {secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm'}",
            "is not the ARN of a secret",
        ),
        ("gather: {instance_type: ml.m7g.large}", "has an arm64 processor, and step images are"),
        (
            "gather: {}\ndata: {location: datasets/other/}",
            "data.location: gather makes the data, so there is no location; remove it",
        ),
        (
            "gather: {}\nretrain: {on: [data]}",
            "retrain.on: gather makes the data, so none arrives; write retrain.schedule",
        ),
        ("gather: {database: My Cellar}", "'My Cellar' is not a database of the Glue catalog"),
        ("gather: {database: a, maximum_gb: 5}", "5 is not one of 1, 10, 100, 1000; write one"),
        ("gather: {database: a, maximum_gb: 0}", "0 is not one of 1, 10, 100, 1000; write one"),
        ("gather: {database: a, maximum_gb: true}", "True is not one of 1, 10, 100, 1000; write"),
        ("gather: {database: a, maximum_gb: 1.0}", "1.0 is not one of 1, 10, 100, 1000; write"),
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

    assert found == query.split(";\n-- the end")[0].rstrip().removesuffix(";").rstrip()


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
        # A carriage return alone ends a comment, too.
        ("SELECT 1 -- x\r) TO 's3://another/'", "line 1: this parenthesis closes nothing; remove"),
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


def depth_after(query: str) -> int | None:
    """How many parentheses are open at the end, read letter by letter as SQL is.

    None where one closes what is not open, or text, a name or a comment has no end.
    """
    depth, place = 0, 0
    while place < len(query):
        two = query[place : place + 2]
        if two == "--":
            ends = [found for end in "\r\n" if (found := query.find(end, place)) >= 0]
            place = min(ends, default=len(query))
        elif two == "/*" or query[place] in "'\"":
            end = "*/" if two == "/*" else query[place]
            found = query.find(end, place + (2 if two == "/*" else 1))
            if found < 0:
                return None
            place = found + len(end)
        else:
            depth += {"(": 1, ")": -1}.get(query[place], 0)
            if depth < 0:
                return None
            place += 1
    return depth


@given(st.text("SELECT'\"()/*-; \r\n", max_size=30))
def test_what_is_accepted_cannot_end_the_parenthesis_around_it(text: str) -> None:
    try:
        query = statement(f"SELECT {text}".encode())
    except QueryError:
        return

    assert depth_after(query) == 0


@pytest.mark.parametrize(
    ("files", "gather", "words"),
    [
        ({"gather.sql": QUERY}, None, "gather.sql is there, but model.yaml has no gather; add"),
        ({}, Gather(database="a"), "model.yaml has gather, but no gather.sql is beside it"),
        ({"gather.sql": b"DROP"}, Gather(database="a"), "gather.sql line 1: begins with DROP"),
        ({"gather.py": PROGRAM}, None, "gather.py is there, but model.yaml has no gather; add gat"),
        ({}, Gather(), "model.yaml has gather, but no gather.py is beside it; write it, or remove"),
        ({"gather.py": PROGRAM}, Gather(database="a"), "gather.py asks no database; remove gather"),
        ({"gather.sql": QUERY}, Gather(), "gather.sql needs a database; add gather.database, or"),
        (
            {"gather.py": PROGRAM, "gather.sql": QUERY},
            Gather(),
            "gather.sql and gather.py are both there, and one of them makes the data; remove one",
        ),
    ],
)
def test_the_key_and_the_file_belong_together(
    files: dict[str, bytes], gather: Gather | None, words: str
) -> None:
    assert words in (gather_problem(files, gather) or "")


def test_a_good_pair_has_no_problem() -> None:
    assert gather_problem({"gather.sql": QUERY}, Gather(database="a")) is None
    assert gather_problem({"gather.py": PROGRAM}, Gather()) is None
    assert gather_problem({}, None) is None


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (b"", "gather.py line 1: defines no function gather; write `def gather(folder, secret):`"),
        (b"def gather(\n", "gather.py line 1: is not Python: '(' was never closed; fix the line"),
        (b"x = 1\nx = (2", "gather.py line 2: is not Python"),
        (b"def gather(folder): ...", "line 1: gather must take two arguments, the folder and the"),
        (b"def gather(folder, secret=None): ...", "line 1: gather must take two arguments"),
        (b"def gather(*given): ...", "line 1: gather must take two arguments"),
        (b"async def gather(folder, secret): ...", "line 1: gather is asynchronous; write"),
        (PROGRAM * 2, "line 2: defines gather a second time; remove one"),
        (b"# \xff", "gather.py is not UTF-8 text (byte 2); save it as UTF-8"),
        (b"\0", "gather.py"),
        (b"#" * (MOST_BYTES_OF_A_PROGRAM + 1), "gather.py has 200001 bytes; write at most 200000"),
    ],
)
def test_a_program_that_cannot_be_run_is_refused_with_its_line(program: bytes, words: str) -> None:
    with pytest.raises(ProgramError) as error:
        check(program)

    assert words in str(error.value)
