"""The ARNs of what CodeDeploy keeps, and the names it makes up."""

import secrets
import string
from dataclasses import dataclass

TARGET_PREFIX = "CodeDeploy_20141006."
PREDEFINED = "CodeDeployDefault."
_LETTERS = string.ascii_uppercase + string.digits

APPLICATION = {"CreateApplication", "GetApplication", "DeleteApplication", "ListDeploymentGroups"}


@dataclass(frozen=True)
class Names:
    """Makes ARNs in one region and account."""

    region: str
    account: str

    def application(self, name: str) -> str:
        return self._arn(f"application:{name}")

    def group(self, application: str, name: str) -> str:
        """
        >>> Names("us-east-1", "123456789012").group("shop", "live")
        'arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:shop/live'
        """
        return self._arn(f"deploymentgroup:{application}/{name}")

    def config(self, name: str) -> str:
        return self._arn(f"deploymentconfig:{name}")

    def _arn(self, resource: str) -> str:
        return f"arn:aws:codedeploy:{self.region}:{self.account}:{resource}"


def deployment_id() -> str:
    return "d-" + "".join(secrets.choice(_LETTERS) for _ in range(9))
