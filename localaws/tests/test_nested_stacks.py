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
