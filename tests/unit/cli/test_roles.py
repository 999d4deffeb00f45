"""Acting as a role of the stage."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from kanmon.errors import StageError
from kanmon.project import StageSettings
from kanmon.stage.connection import Connection, light_session
from kanmon.stage.roles import assume
from kanmon.terminal.invocation import describe_error
from tests.support.standin import refusal

ARN = "arn:aws:iam::123456789012:role/kanmon-local-Approver"


def connected(assume_role, **outputs):
    """A connection to a stage whose STS answers so."""
    session = light_session(None)
    session.set_credentials("mine", "secret")
    session.set_config_variable("region", "us-east-1")
    connection = Connection(
        StageSettings("local", "kanmon-local", "us-east-1", None, {}), session, "http://127.0.0.1:1"
    )
    connection.outputs = outputs
    connection._clients["sts"] = SimpleNamespace(assume_role=assume_role)
    return connection


def keys(access, minutes=60):
    """What STS gives, for so many minutes."""
    return {
        "AccessKeyId": access,
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": datetime.now(UTC) + timedelta(minutes=minutes),
    }


def test_the_role_is_assumed_under_the_name_of_whoever_is_logged_in(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada lovelace")
    asked = []

    def assume_role(**request):
        asked.append(request)
        return {"Credentials": keys("theirs")}

    mine = connected(assume_role, ApproverRoleArn=ARN)
    assumed = assume(mine, "approver")

    assert asked == [{"RoleArn": ARN, "RoleSessionName": "ada-lovelace"}]
    signer = assumed.client("sts")._request_signer
    assert signer._credentials.access_key == "theirs"
    assert (assumed.outputs, assumed.region) == (mine.outputs, "us-east-1")


def test_a_role_is_assumed_again_before_its_credentials_end():
    given = iter([keys("the first", minutes=1), keys("the second"), keys("one too many")])
    mine = connected(lambda **_: {"Credentials": next(given)}, ApproverRoleArn=ARN)
    assumed = assume(mine, "approver")

    signer = assumed.client("sts")._request_signer

    assert signer._credentials.get_frozen_credentials().access_key == "the second"
    assert signer._credentials.get_frozen_credentials().access_key == "the second"


def test_whoever_cannot_assume_a_role_again_is_told_why():
    given = iter([{"Credentials": keys("theirs", minutes=1)}])

    def assume_role(**request):
        for one in given:
            return one
        raise refusal("ExpiredToken", "AssumeRole")

    console = assume(connected(assume_role, ApproverRoleArn=ARN), "approver")

    with pytest.raises(ClientError) as refused:
        console.client("sts").get_caller_identity()

    line, code = describe_error(refused.value)
    assert line == "AWS refuses the credentials: ExpiredToken. Sign in again."
    assert code == 3


def test_who_may_not_assume_it_is_told_what_to_ask_for():
    def assume_role(**request):
        raise refusal("AccessDenied")

    with pytest.raises(StageError) as refused:
        assume(connected(assume_role, ApproverRoleArn=ARN), "approver")

    assert refused.value.line() == (
        "these credentials may not assume the role approver. "
        f"Ask for sts:AssumeRole on {ARN}, or omit --as."
    )


def test_a_stage_without_roles_must_be_deployed_again():
    with pytest.raises(StageError, match="stage local has no role approver"):
        assume(connected(None, DataBucketName="data"), "approver")
