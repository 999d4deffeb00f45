"""The models that come with Kanmon: they are valid, trainable and pass their own gate."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from contract.plan import Plan
from core.definition.parse import parse_definition
from core.gate.rules import judge
from evaluate.evaluation import Evidence, Models, evaluate
from sample_data import abalone, churn, segments
from train.model import train

PROJECT = Path(__file__).resolve().parents[3]
MODELS = sorted(path.parent.name for path in (PROJECT / "models").glob("*/model.yaml"))
GENERATED = {"churn": churn, "segments": segments}


def definition(name):
    path = PROJECT / "models" / name / "model.yaml"
    return parse_definition(path.read_text(encoding="utf-8"), str(path))


def test_each_task_has_a_model():
    assert {definition(name).task for name in MODELS} == {"regression", "binary", "multiclass"}


@pytest.mark.parametrize("name", MODELS)
def test_a_models_name_is_its_folders_and_every_line_is_commented_where_it_is_not_plain(name):
    text = (PROJECT / "models" / name / "model.yaml").read_text(encoding="utf-8")

    assert definition(name).name == name
    assert text.startswith("#")


@pytest.mark.parametrize("name", GENERATED)
def test_a_generator_writes_the_same_bytes_every_time_and_is_marked_as_one(name, tmp_path):
    module = GENERATED[name]
    digests = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        module.write(folder)
        written = sorted(folder.rglob("*.csv"))
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in written])

    assert digests[0] == digests[1] != []
    assert "GENERATED" in module.__doc__


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_data_has_the_columns_the_model_declares(name):
    declared = definition(name)

    frame = GENERATED[name].generate(500)

    columns = {feature.name for feature in declared.features} | {declared.target}
    assert set(frame.columns) == columns | set(declared.data.key) | set(declared.ignore)
    for feature in declared.features:
        assert frame[feature.name].dtype.is_numeric() == (feature.kind == "numeric")
        if not feature.nullable:
            assert frame[feature.name].null_count() == 0


@pytest.mark.parametrize("name", GENERATED)
def test_the_model_passes_its_gate_on_its_sample_data(name):
    declared = definition(name)
    content = json.loads(declared.model_dump_json())
    plan = Plan.from_document({"run": "r", "model": name, "definition": {"content": content}})
    frame = GENERATED[name].generate()
    bounds = [int(frame.height * share) for share in (0.7, 0.85)]
    training, validation, test = (
        frame[start:stop] for start, stop in zip([0, *bounds], [*bounds, frame.height], strict=True)
    )
    report = {
        "rows_read": frame.height,
        "rows_rejected": 0,
        "rows_written": {"train": training.height, "validation": validation.height},
    }

    artifact = train(plan, training, validation).artifact
    document = evaluate(
        plan, test, Models(artifact), Evidence(report, {"features": {}}, None)
    ).document

    assert judge(declared, document).verdict == "promote"


def test_churns_fairness_rule_has_groups_to_compare():
    genders = churn.generate(500)["gender"].value_counts()

    assert set(genders["gender"]) == {"female", "male"}
    assert [rule.column for rule in definition("churn").gate.fairness] == ["gender"]


def wheel(folder: Path, content: bytes) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("abalone.csv", content)
    path = folder / "scikit_lego-0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(abalone.MEMBER, inner.getvalue())
    return path


def test_abalone_data_that_is_not_the_file_we_know_is_refused(tmp_path):
    with pytest.raises(abalone.SampleDataError, match=r"has sha256 .+ delete the file"):
        abalone.from_wheel(wheel(tmp_path, b"sex,rings\nM,1\n"))


def test_abalone_data_that_is_right_is_taken_as_it_is(tmp_path, monkeypatch):
    content = b"sex,rings\nM,1\n"
    monkeypatch.setattr(abalone, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(abalone, "WHEELS", tmp_path)
    wheel(tmp_path, content)

    target = abalone.write(tmp_path / "datasets")

    assert target.read_bytes() == content
    assert target == tmp_path / "datasets" / "abalone" / "abalone.csv"


def test_abalone_data_that_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    content = b"sex,rings\nM,1\n"
    monkeypatch.setattr(abalone, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(abalone, "_wheel", lambda: pytest.fail("fetched"))
    there = tmp_path / "abalone" / "abalone.csv"
    there.parent.mkdir()
    there.write_bytes(content)

    assert abalone.write(tmp_path) == there


def test_abalones_columns_are_the_ones_declared():
    header = (
        b"sex,length,diameter,height,whole_weight,shucked_weight,viscera_weight,shell_weight,rings"
    )
    declared = definition("abalone")

    columns = pl.read_csv(header + b"\nM,1,1,1,1,1,1,1,9\n").columns

    assert columns == [*(feature.name for feature in declared.features), declared.target]
