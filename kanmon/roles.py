"""Acting as one of the stage's roles for people: data scientist, approver or operator."""

import getpass
import re

from kanmon.errors import StageError
from kanmon.stage import Connection, light_session, stage_flag

OUTPUTS = {
    "data-scientist": "DataScientistRoleArn",
    "approver": "ApproverRoleArn",
    "operator": "OperatorRoleArn",
}
LONGEST_SESSION_NAME = 64


def assume(connection: Connection, role: str) -> Connection:
    """The same stage with the role's credentials, under the name of whoever is logged in here."""
    from botocore.exceptions import ClientError

    arn = connection.outputs.get(OUTPUTS[role])
    if arn is None:
        raise StageError(
            f"stage {connection.name} has no role {role}",
            f"Deploy with `kanmon deploy{stage_flag(connection.name)}`.",
        )
    try:
        keys = connection.client("sts").assume_role(
            RoleArn=arn, RoleSessionName=session_name(getpass.getuser())
        )["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise StageError(
            f"these credentials may not act as {role}",
            f"Ask for sts:AssumeRole on {arn}, or leave --as out.",
        ) from error
    session = light_session(None)
    session.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    session.set_config_variable("region", connection.region)
    account = arn.split(":")[4]
    assumed = Connection(connection.settings, session, connection.endpoint, account)
    # They are known, and reading them again would need another permission.
    assumed.outputs = connection.outputs
    return assumed


def session_name(user: str) -> str:
    """A login name as STS takes it; history and registry show it as who did what.

    >>> session_name("ada lovelace"), session_name("o")
    ('ada-lovelace', 'o-')
    """
    return re.sub(r"[^\w+=,.@-]", "-", user, flags=re.ASCII)[:LONGEST_SESSION_NAME].ljust(2, "-")
