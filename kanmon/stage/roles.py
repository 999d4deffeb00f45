"""Assuming one of the stage's roles for people: data scientist, approver, operator or steward."""

import getpass
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanmon.errors import StageError
from kanmon.stage.connection import Connection, light_session, stage_flag

if TYPE_CHECKING:
    from botocore.credentials import RefreshableCredentials

OUTPUTS = {
    "data-scientist": "DataScientistRoleArn",
    "approver": "ApproverRoleArn",
    "operator": "OperatorRoleArn",
    "steward": "StewardRoleArn",
}
LONGEST_SESSION_NAME = 64


def assume(connection: Connection, role: str) -> Connection:
    """The same stage with the role's credentials; the session has the login name of this user.

    The credentials last an hour; botocore renews them.
    """
    arn = connection.outputs.get(OUTPUTS[role])
    if arn is None:
        raise StageError(
            f"stage {connection.name} has no role {role}",
            f"Deploy with `kanmon deploy{stage_flag(connection.name)}`.",
        )
    session = light_session(None)
    session.register_component("credential_provider", RoleCredentials(connection, role, arn))
    session.set_config_variable("region", connection.region)
    session.get_credentials()  # fails now if the role cannot be assumed
    account = arn.split(":")[4]
    assumed = Connection(connection.settings, session, connection.endpoint, account)
    # Reading them again would need another permission.
    assumed.outputs = connection.outputs
    return assumed


@dataclass(frozen=True)
class RoleCredentials:
    """Gives a session the credentials of a role, assumed with those of a connection."""

    connection: Connection
    role: str
    arn: str

    def load_credentials(self) -> "RefreshableCredentials":
        """Called by botocore for the session's first client."""
        from botocore.credentials import RefreshableCredentials

        return RefreshableCredentials.create_from_metadata(self._ask(), self._ask, "assume-role")

    def _ask(self) -> dict[str, str]:
        from botocore.exceptions import ClientError

        name = session_name(getpass.getuser())
        try:
            keys = self.connection.client("sts").assume_role(
                RoleArn=self.arn, RoleSessionName=name
            )["Credentials"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            raise StageError(
                f"these credentials may not assume the role {self.role}",
                f"Ask for sts:AssumeRole on {self.arn}, or omit --as.",
            ) from error
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }


def session_name(user: str) -> str:
    """A login name as STS takes it; history and registry show it as who did what.

    >>> session_name("ada lovelace"), session_name("o")
    ('ada-lovelace', 'o-')
    """
    return re.sub(r"[^\w+=,.@-]", "-", user, flags=re.ASCII)[:LONGEST_SESSION_NAME].ljust(2, "-")
