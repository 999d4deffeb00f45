"""What is deployed depends on content only."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from kanmon.deployment import package, platform
from kanmon.errors import BadInputError
from kanmon.project import Project

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Globals:
  Function: {CodeUri: functions/}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {Role: !GetAtt Job.Arn, Name: !Sub "${AWS::StackName}-x", Where: !Ref Bucket}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: machine.asl.yaml}
  Ready:
    Type: AWS::SNS::Topic
    Condition: IsReady
    Properties: {Tags: !If [IsReady, [!Ref A], !Ref "AWS::NoValue"]}
"""


def written(folder):
    (folder / "functions/inner").mkdir(parents=True)
    (folder / "functions/b.py").write_text("b = 2\n")
    (folder / "functions/inner/a.py").write_text("a = 1\n")
    (folder / "functions/requirements.txt").write_text("boto3\n")
    (folder / "functions/__pycache__").mkdir()
    (folder / "functions/__pycache__/b.pyc").write_bytes(b"\0")
    (folder / "machine.asl.yaml").write_text("StartAt: A\n")
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder


def test_the_same_code_is_the_same_bytes(tmp_path):
    one, other = written(tmp_path / "one"), written(tmp_path / "other")
    os.utime(other / "functions/b.py", (0, 0))

    packed = package.code_zip(one / "functions")

    assert packed == package.code_zip(other / "functions")
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["b.py", "inner/a.py"]


def test_short_forms_of_cloudformation_are_written_out(tmp_path):
    resources = package.read_template(written(tmp_path) / "template.yaml")["Resources"]

    assert resources["Hello"]["Properties"] == {
        "Role": {"Fn::GetAtt": ["Job", "Arn"]},
        "Name": {"Fn::Sub": "${AWS::StackName}-x"},
        "Where": {"Ref": "Bucket"},
    }
    assert resources["Ready"]["Properties"]["Tags"] == {
        "Fn::If": ["IsReady", [{"Ref": "A"}], {"Ref": "AWS::NoValue"}]
    }


def test_local_places_become_uploads_and_each_is_uploaded_once(tmp_path):
    root = written(tmp_path)
    uploaded = {}

    def upload(name, content):
        uploaded[name] = content
        return {"Bucket": "code", "Key": name}

    template = package.read_template(root / "template.yaml")
    pointed = package.point_at_uploads(template, root, upload)

    code, machine = uploaded
    assert pointed["AWSTemplateFormatVersion"] == "2010-09-09"
    assert pointed["Globals"]["Function"]["CodeUri"] == {"Bucket": "code", "Key": code}
    assert pointed["Resources"]["Machine"]["Properties"]["DefinitionUri"]["Key"] == machine
    assert (code.endswith(".zip"), machine.endswith(".asl.yaml")) == (True, True)
    assert template["Globals"]["Function"]["CodeUri"] == "functions/"


def test_a_layer_is_uploaded_whole_with_its_locks(tmp_path):
    root = written(tmp_path)
    template = {"Resources": {"Source": {"Properties": {"ContentUri": "functions/"}}}}
    uploaded = {}

    def upload(name, content):
        uploaded[name] = content
        return {"Bucket": "code", "Key": name}

    package.point_at_uploads(template, root, upload)

    [content] = uploaded.values()
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert names == ["b.py", "inner/a.py", "requirements.txt"]


def test_a_nested_template_is_at_an_address_that_its_content_decides(tmp_path):
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner/part.yaml"
    template = {
        "Resources": {
            "Part": {
                "Type": "AWS::Serverless::Application",
                "Properties": {"Location": "inner/part.yaml"},
            }
        }
    }
    uploaded = {}

    def address(name):
        path.write_text(f"Resources: {{Topic: {{Type: AWS::SNS::Topic, Name: !Sub {name}}}}}\n")
        pointed = package.point_at_uploads(
            template, tmp_path, lambda key, body: uploaded.update({key: body}) or place(key)
        )
        return pointed["Resources"]["Part"]["Properties"]["Location"]

    def place(key):
        return {"Bucket": "code", "Key": key}

    first, other, again = address("a"), address("b"), address("a")

    assert first == again != other
    assert first == f"https://s3.amazonaws.com/code/{next(iter(uploaded))}"
    assert b'"Name": {"Fn::Sub": "a"}' in uploaded[first.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "template.yaml",
            "Resources:\n  A: {Type: x}\n  B: {Type: y}\n  A: {Type: z}\n",
            "template.yaml line 4: the key 'A' is there twice. Remove one of them.",
        ),
        (
            "statemachine/retrain.asl.yaml",
            "States:\n  Train:\n    Retry: [{MaxAttempts: 3, MaxAttempts: 30}]\n",
            "retrain.asl.yaml line 3: the key 'MaxAttempts' is there twice. Remove one of them.",
        ),
        (
            "stacks/people.yaml",
            "A: !Sub [x, {B: 1, B: 2}]\n",
            "people.yaml line 1: the key 'B' is there twice. Remove one of them.",
        ),
        ("serving/serving.yaml", "A: [\n", "serving.yaml line 2 is not YAML: "),
    ],
)
def test_a_key_that_is_there_twice_is_refused_before_anything_is_deployed(
    tmp_path, name, text, said
):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)

    with pytest.raises(BadInputError) as refused:
        platform.run_sam(Project(tmp_path), "dev")

    assert refused.value.line().startswith(said)


def test_the_projects_own_templates_and_state_machines_have_no_key_twice():
    package.check_sources(Path(__file__).parents[3])
