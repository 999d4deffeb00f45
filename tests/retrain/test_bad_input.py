"""Whatever is wrong with a model or its data: one clear line, nothing registered, the lock free."""

import gzip
import json
import shutil
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.laptop import TINY, Laptop, Said, rows

GOOD = rows(200).splitlines()
BAD_DATA: dict[str, tuple[str | bytes, str, list[str]]] = {
    # what is wrong: (content, file name, what the line must say)
    "header only": ("a,b,y\n", "data.csv", ["no rows"]),
    "missing column": ("a,y\n1,2\n2,3\n", "data.csv", ["data.csv, column b"]),
    "extra column": ("a,b,y,z\n1,u,2,3\n2,v,3,4\n", "data.csv", ["column z", "ignore"]),
    "wrong type": ("\n".join([*GOOD[:4], "x1,u,2.0", *GOOD[4:]]), "data.csv", ["5", "'x1'", "a"]),
    "not a number": ("\n".join([*GOOD[:4], "NaN,u,2.0", *GOOD[4:]]), "data.csv", ["5", "NaN"]),
    "infinite": ("\n".join([*GOOD[:4], "inf,u,2.0", *GOOD[4:]]), "data.csv", ["5", "inf"]),
    "missing target": ("\n".join([*GOOD[:4], "1.0,u,", *GOOD[4:]]), "data.csv", ["5", "y"]),
    "all missing": ("a,b,y\n" + ",u,1\n,v,2\n" * 50, "data.csv", ["column a", "missing"]),
    "constant target": (
        "a,b,y\n" + "".join(f"{i},u,1\n" for i in range(90)),
        "data.csv",
        ["column y", "every row"],
    ),
    "wrong encoding": ("a,b,y\n1,é,2\n".encode("latin-1") * 2, "data.csv", ["UTF-8"]),
    "gzip that is not": (b"a,b,y\n1,u,2\n", "data.csv.gz", ["gzip", "data.csv.gz"]),
    "parquet that is not": (b"a,b,y\n1,u,2\n", "data.parquet", ["Parquet", "data.parquet"]),
    "ten megabyte line": (
        b"a,b,y\n1," + b"u" * 10_000_000 + b",2\n",
        "data.csv",
        ["data.csv", "line"],
    ),
    "too few rows": ("a,b,y\n1,u,2\n2,v,3\n", "data.csv", ["rows"]),
    "awkward name": ("a,y\n1,2\n2,3\n", 'my "own" däta\'s.csv', ["column b", "däta"]),
}


@pytest.fixture(scope="module")
def laptop(shared: Laptop) -> Laptop:
    return shared


@pytest.fixture(scope="module", autouse=True)
def bad_model(laptop: Laptop) -> None:
    laptop.add_model("bad")
    laptop.add_model("keyed", TINY.format(name="keyed", floor=5).replace("target: y", KEYED))
    laptop.add_model("kinds", KINDS)


KEYED = "data: {key: [id]}\ntarget: y"
KINDS = """
name: kinds
task: multiclass
target: y
features: [{name: a, kind: numeric}]
metrics: {primary: accuracy}
"""


def assert_nothing_happened(laptop: Laptop, model: str, said: Said) -> None:
    assert said.code == 1, said
    line = said.err.strip().splitlines()[-1]
    assert line.startswith("kanmon: "), said.err
    assert "Traceback" not in said.out + said.err
    assert len(line) < 1600
    assert "holder" not in laptop.retrain_lock(model)
    with pytest.raises(ClientError, match="does not exist"):
        laptop.packages(model)


# Of each kind of finding (a table's shape, a cell, a file, its size, its name) one takes the whole
# way here. That Preprocess finds each of them is tested in tests/unit/preprocess/test_bad_input.py.
ON_THE_WHOLE_WAY = {
    *("missing column", "wrong type", "gzip that is not", "ten megabyte line"),
    *("too few rows", "awkward name"),
}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=() if fault in ON_THE_WHOLE_WAY else pytest.mark.faults)
        for fault in BAD_DATA
    ],
)
def test_bad_data_is_one_clear_line(laptop: Laptop, fault: str) -> None:
    content, name, words = BAD_DATA[fault]
    laptop.put("bad", content, name)

    said = laptop.kanmon("run", "bad")

    assert_nothing_happened(laptop, "bad", said)
    line = said.err.strip().splitlines()[-1]
    assert [word for word in words if word not in line] == [], line
    clear(laptop, "bad")


@pytest.mark.faults
def test_duplicate_row_keys_are_named(laptop: Laptop) -> None:
    table = "id,a,b,y\n" + "".join(f"{i % 95},{i},u,{i}\n" for i in range(100))
    laptop.put("keyed", table)

    said = laptop.kanmon("run", "keyed")

    assert_nothing_happened(laptop, "keyed", said)
    assert "id" in said.err and "5" in said.err


@pytest.mark.faults
def test_a_class_with_one_row_is_named(laptop: Laptop) -> None:
    table = "a,y\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(100)) + "7,lonely\n"
    laptop.put("kinds", table)

    said = laptop.kanmon("run", "kinds")

    assert_nothing_happened(laptop, "kinds", said)
    assert "lonely" in said.err


def clear(laptop: Laptop, model: str) -> None:
    """Take the model's data away again, so that the next case meets only its own file."""
    s3, bucket = laptop.client("s3"), laptop.outputs["DataBucketName"]
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"datasets/{model}/").get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=item["Key"])


def test_a_model_without_data_says_how_to_give_it_some(laptop: Laptop) -> None:
    laptop.add_model("nothing-yet")

    said = laptop.kanmon("run", "nothing-yet")

    assert_nothing_happened(laptop, "nothing-yet", said)
    assert "put-data" in said.err


def test_harmless_oddities_are_accepted(laptop: Laptop) -> None:
    laptop.add_model("odd")
    content = b"\xef\xbb\xbf" + rows(400).replace("\n", "\r\n").encode()  # BOM and CRLF
    laptop.put("odd", gzip.compress(content), 'spaced "and" quoted, ünicode.csv.gz')

    assert laptop.must("run", "odd")["verdict"]["verdict"] == "promote"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run", "nobody"], 2, "nobody"),
        (["run", "Bad Name!"], 2, "name"),
        (["run", "bad", "--set", "rounds=many"], 2, "rounds"),
        (["run", "bad", "--name", "x" * 60], 2, "37"),
        (["put-data", "bad", "no-such-file.csv"], 2, "no-such-file.csv"),
        (["put-data", "bad", "../no-such-file.csv"], 2, "../no-such-file.csv"),
        (["show", "no-such-run"], 2, "no-such-run"),
    ],
)
def test_wrong_usage_changes_nothing_and_exits_with_2(
    laptop: Laptop, words: list[str], code: int, says: str
) -> None:
    said = laptop.kanmon(*words)

    assert (said.code, len(said.err.strip().splitlines())) == (code, 1), said
    assert says in said.err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("target: y", "tarrget: y"), ["line 4", "tarrget", "target"]),
        (("kind: numeric", "kind: numerical"), ["features[0].kind", "numerical", "numeric"]),
        (("primary: rmse", "primary: rmsee"), ["metrics.primary", "rmsee", "rmse"]),
        (("rounds: 30", "rounds: thirty"), ["trainer.rounds", "thirty"]),
        (("task: regression", "task: [regression"), ["line", "YAML"]),
    ],
)
def test_a_wrong_definition_names_line_key_and_mend(
    laptop: Laptop, change: tuple[str, str], says: list[str]
) -> None:
    laptop.add_model("wrong", TINY.format(name="wrong", floor=5).replace(*change))

    said = laptop.kanmon("run", "wrong")

    shutil.rmtree(laptop.root / "models/wrong")  # nothing could be published beside it
    assert said.code == 2
    assert [word for word in ["models/wrong/model.yaml", *says] if word not in said.err] == []


@pytest.mark.parametrize(
    ("name", "request_body", "says"),
    [
        ("unknown-1", {"model": "unknown-model"}, "unknown-model"),
        ("empty-1", {}, "model"),
        ("wrong-type-1", {"model": 7}, "model"),
        ("extra-1", {"model": "bad", "modle": "bad"}, "modle"),
        ("Bad_Name", {"model": "bad"}, "Bad_Name"),
    ],
)
def test_a_bad_execution_input_fails_with_the_reason_as_cause(
    laptop: Laptop, name: str, request_body: dict[str, Any], says: str
) -> None:
    states = laptop.client("stepfunctions")
    arn = states.start_execution(
        stateMachineArn=laptop.outputs["RetrainStateMachineArn"],
        name=name,
        input=json.dumps(request_body),
    )["executionArn"]

    ended = laptop.ended(arn)
    assert ended["status"] == "FAILED"
    assert says in ended["cause"]
    assert "\n" not in ended["cause"]
