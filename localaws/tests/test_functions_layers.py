"""Layers: files and libraries that functions share."""

import io
import json
import uuid
import zipfile

from support.making import LOGS, Client, invoke, make_function, make_role, package
from support.waiting import eventually

READS = """
import os
from pathlib import Path
import shared
def handler(event, context):
    root = Path(os.environ.get("LAYERS_ROOT", "/opt"))
    return [shared.NAME, sorted(path.name for path in root.iterdir()), (root / "a.txt").read_text()]
"""


def layer(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_py", ".py"), text)
    return packed.getvalue()


def publish(client: Client, content: bytes) -> str:
    published = client("lambda").publish_layer_version(
        LayerName=f"layer-{uuid.uuid4().hex[:8]}", Content={"ZipFile": content}
    )
    return str(published["LayerVersionArn"])


def test_a_function_finds_its_layers_and_later_ones_win(client: Client) -> None:
    name = make_function(client, READS)
    first = publish(client, layer(python__shared_py="NAME = 'first'", **{"a.txt": "first"}))
    second = publish(client, layer(**{"a.txt": "second", "b.txt": ""}))
    configure = client("lambda").update_function_configuration

    configure(FunctionName=name, Layers=[first, second])
    assert invoke(client, name)[0] == ["first", ["a.txt", "b.txt", "python"], "second"]

    configure(FunctionName=name, Layers=[second, first])
    assert invoke(client, name)[0] == ["first", ["a.txt", "b.txt", "python"], "first"]


def test_a_template_may_have_a_layer_and_a_new_content_makes_a_new_version(client: Client) -> None:
    bucket, stack = f"code-{uuid.uuid4().hex[:8]}", f"layers-{uuid.uuid4().hex[:8]}"
    s3, cloudformation = client("s3"), client("cloudformation")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="code.zip", Body=package(READS))
    for name in ("one", "two"):
        content = layer(python__shared_py=f"NAME = {name!r}", **{"a.txt": name})
        s3.put_object(Bucket=bucket, Key=f"{name}.zip", Body=content)
    role = make_role(client, "lambda.amazonaws.com", LOGS)

    def template(content: str) -> str:
        source = {"ContentUri": f"s3://{bucket}/{content}.zip", "RetentionPolicy": "Delete"}
        function = {
            "CodeUri": f"s3://{bucket}/code.zip",
            "Handler": "app.handler",
            "Runtime": "python3.13",
            "Role": role,
            "Layers": [{"Ref": "Source"}],
        }
        return json.dumps(
            {
                "Transform": "AWS::Serverless-2016-10-31",
                "Resources": {
                    "Source": {"Type": "AWS::Serverless::LayerVersion", "Properties": source},
                    "Reader": {"Type": "AWS::Serverless::Function", "Properties": function},
                },
                "Outputs": {"Reader": {"Value": {"Ref": "Reader"}}},
            }
        )

    def deployed() -> str | None:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        if found["StackStatus"].endswith("_IN_PROGRESS"):
            return None
        assert found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return str(found["Outputs"][0]["OutputValue"])

    capabilities = {"Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
    cloudformation.create_stack(StackName=stack, TemplateBody=template("one"), **capabilities)
    assert invoke(client, eventually(deployed))[0][::2] == ["one", "one"]

    cloudformation.update_stack(StackName=stack, TemplateBody=template("two"), **capabilities)
    assert invoke(client, eventually(deployed))[0][::2] == ["two", "two"]
