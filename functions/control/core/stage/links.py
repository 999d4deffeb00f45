"""Addresses in the AWS console that people open from a mail, on a phone too. Pure.

Where people sign in through a portal of IAM Identity Center, an address leads through it: with the
account and the permission set, so that nobody has to find and choose them.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from core.stage.partition import console_host


def console_address(uri: str, region: str) -> str:
    """Where an S3 object is opened through the AWS console's own sign-in."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"https://{console_host(region)}/s3/object/{bucket}?region={region}&prefix={quote(key)}"


@dataclass(frozen=True)
class Links:
    """`portal` is the host of the sign-in portal, `permission_set` what approvers choose there;
    `dashboard` is the dashboard's address where reviews lead to it."""

    region: str
    account: str = ""
    portal: str = ""
    permission_set: str = ""
    dashboard: str = ""

    def object(self, uri: str) -> str:
        return self._signed_in(console_address(uri, self.region))

    def execution(self, pipeline: str, execution: str) -> str:
        """Where an execution of a pipeline is shown, and its approval answered."""
        return self._signed_in(
            f"https://{console_host(self.region)}/codesuite/codepipeline/pipelines/"
            f"{quote(pipeline)}/executions/{quote(execution)}/visualization?region={self.region}"
        )

    def review(self, model: str, run: str, page: str) -> str:
        """What a release is judged by: its page, or the dashboard of just this model and run."""
        if self.dashboard:
            return f"{self.dashboard}#p.model={quote(model)}&p.run={quote(run)}"
        return self.object(page)

    def _signed_in(self, destination: str) -> str:
        """
        >>> links = Links("eu-west-1", "123456789012", "d-1.awsapps.com", "Approver")
        >>> links._signed_in("https://x/?a=b")
        'https://d-1.awsapps.com/start/#/console?account_id=123456789012&role_name=Approver&destination=https%3A%2F%2Fx%2F%3Fa%3Db'
        """
        if not self.portal:
            return destination
        asked = {"account_id": self.account, "role_name": self.permission_set}
        return f"https://{self.portal}/start/#/console?" + urlencode(
            {**asked, "destination": destination}
        )
