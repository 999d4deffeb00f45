"""A stack within a stack: made, read and updated with the one that it is in."""

import json
import uuid

from support.making import Client
from support.waiting import eventually

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def role(description: str) -> dict[str, object]:
    properties = {"AssumeRolePolicyDocument": TRUST, "Description": description}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def test_an_update_changes_what_is_new_and_keeps_what_others_answer(client: Client) -> None:
    stack, s3 = f"outer-{uuid.uuid4().hex[:8]}", client("s3")
    bucket, cloudformation = f"{stack}-code", client("cloudformation")
    s3.create_bucket(Bucket=bucket)

    def template(changing: str) -> dict[str, object]:
        inner = {
            "Resources": {"Same": role("the same"), "Changing": role(changing)},
            "Outputs": {
                name: {"Value": {"Fn::GetAtt": [name, "Arn"]}} for name in ("Same", "Changing")
            },
        }
        s3.put_object(Bucket=bucket, Key=f"{changing}.json", Body=json.dumps(inner))
        url = f"https://s3.amazonaws.com/{bucket}/{changing}.json"
        outer = {
            "Resources": {
                "Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
            },
            "Outputs": {
                name: {"Value": {"Fn::GetAtt": ["Inner", f"Outputs.{name}"]}}
                for name in ("Same", "Changing")
            },
        }
        return {
            "StackName": stack,
            "TemplateBody": json.dumps(outer),
            "Capabilities": ["CAPABILITY_IAM"],
        }

    def ended(status: str) -> dict[str, str]:
        def found() -> dict[str, str] | None:
            [now] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            if now["StackStatus"].endswith("_IN_PROGRESS"):
                return None
            assert now["StackStatus"] == status
            return {output["OutputKey"]: output["OutputValue"] for output in now["Outputs"]}

        return eventually(found)

    cloudformation.create_stack(**template("one"))
    first = ended("CREATE_COMPLETE")
    cloudformation.update_stack(**template("two"))
    second = ended("UPDATE_COMPLETE")

    assert second == first
    changed = first["Changing"].rpartition("/")[2]
    assert client("iam").get_role(RoleName=changed)["Role"]["Description"] == "two"


def test_a_loop_in_a_nested_template_makes_what_its_parameter_lists(client: Client) -> None:
    stack, s3 = f"loop-{uuid.uuid4().hex[:8]}", client("s3")
    cloudformation = client("cloudformation")
    s3.create_bucket(Bucket=stack)
    named = {"RoleName": {"Fn::Sub": f"{stack}-${{Name}}"}, "AssumeRolePolicyDocument": TRUST}
    inner = {
        "Transform": "AWS::LanguageExtensions",
        "Parameters": {"Names": {"Type": "CommaDelimitedList"}},
        "Resources": {
            "Fn::ForEach::Roles": [
                "Name",
                {"Ref": "Names"},
                {"Role&{Name}": {"Type": "AWS::IAM::Role", "Properties": named}},
            ]
        },
    }
    s3.put_object(Bucket=stack, Key="inner.json", Body=json.dumps(inner))

    def asked(names: str, *capabilities: str, named: bool = True) -> dict[str, object]:
        url = f"https://s3.amazonaws.com/{stack}/inner.json"
        handed = {"TemplateURL": url, "Parameters": {"Names": names}}
        part = {"Type": "AWS::CloudFormation::Stack", "Properties": handed}
        return {
            "StackName": stack,
            "TemplateBody": json.dumps({"Resources": {"Inner": part}}),
            "Capabilities": [f"CAPABILITY_{'NAMED_' if named else ''}IAM", *capabilities],
        }

    def made(status: str) -> list[str]:
        def over() -> bool:
            [now] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            return bool(now["StackStatus"] == status)

        eventually(over)
        roles = client("iam").list_roles()["Roles"]
        return sorted(each["RoleName"] for each in roles if each["RoleName"].startswith(stack))

    cloudformation.create_stack(**asked("crm", "CAPABILITY_AUTO_EXPAND", named=False))
    assert made("ROLLBACK_COMPLETE") == []
    cloudformation.delete_stack(StackName=stack)
    cloudformation.create_stack(**asked("crm,sea-shells", "CAPABILITY_AUTO_EXPAND"))
    assert made("CREATE_COMPLETE") == [f"{stack}-crm", f"{stack}-sea-shells"]
    cloudformation.update_stack(**asked("crm,new", "CAPABILITY_AUTO_EXPAND"))
    assert made("UPDATE_COMPLETE") == [f"{stack}-crm", f"{stack}-new"]
