"""People at the command line and at AWS's API, each with the role that the template makes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner, Result

from kanmon.cli import main
from tests.support.laptop import SESSION, Laptop

SCIENTIST, APPROVER, OPERATOR, STEWARD = (
    ("--as", role) for role in ("data-scientist", "approver", "operator", "steward")
)


def say(laptop: Laptop, *words: str) -> Result:
    """The command line in this process, which starts no interpreter for every word."""
    home = {"KANMON_HOME": str(laptop.home), "KANMON_PROJECT": str(laptop.root)}
    return CliRunner(env=home).invoke(main, words, prog_name="kanmon")


def must(laptop: Laptop, *words: str) -> Any:
    said = say(laptop, *words, "--json")
    assert said.exit_code == 0, (words, said.stdout, said.stderr)
    return json.loads(said.stdout) if said.stdout.strip() else None


@contextmanager
def denied(laptop: Laptop, role: str, action: str, resource: str) -> Iterator[None]:
    """Take a permission from a role of the stack for a while."""
    name = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId=role
    )["StackResourceDetail"]["PhysicalResourceId"]
    statement = {"Effect": "Deny", "Action": action, "Resource": resource}
    policy = {"RoleName": name, "PolicyName": "denied"}
    laptop.client("iam").put_role_policy(
        **policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    try:
        yield
    finally:
        laptop.client("iam").delete_role_policy(**policy)


def acting(laptop: Laptop, output: str, service: str) -> Any:
    """A client with the credentials of one of the roles for people."""
    keys = laptop.client("sts").assume_role(
        RoleArn=laptop.outputs[output], RoleSessionName="somebody"
    )["Credentials"]
    stage = json.loads((laptop.home / "stage.json").read_text())
    return SESSION.client(
        service,
        region_name=stage["region"],
        endpoint_url=stage["endpoint"],
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
