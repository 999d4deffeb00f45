"""What subscribers are told about a run or a release: one event, as JSON and as text for mail."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

LONGEST_SUBJECT = 100  # set by SNS, which also wants it in ASCII


Event = Literal[
    "candidate registered",
    "nothing new",
    "run failed",
    "release waiting",
    "release promoted",
    "release back in service",
    "release rejected",
    "release rolled back",
    "release failed",
]


@dataclass(frozen=True)
class Notice:
    """`summary` is the gate's own words, or the failure's, or those of who decided."""

    event: Event
    stack: str
    model: str
    run: str
    at: str
    summary: str
    verdict: str | None = None
    package_arn: str | None = None
    review_uri: str | None = None
    error: str | None = None
    release: int | None = None
    execution: str | None = None


def subject(notice: Notice) -> str:
    if notice.event.startswith("release "):
        what = notice.event.removeprefix("release ")
        text = f"{notice.stack}: {notice.model}/{notice.release}: {what} ({notice.run})"
    else:
        what = notice.verdict or notice.event
        text = f"{notice.stack}: {notice.model}: {what} ({notice.run})"
    ascii_text = text.encode("ascii", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in ascii_text)[:LONGEST_SUBJECT]


def text(notice: Notice, region: str) -> str:
    """The mail's body."""
    lines = [notice.summary, "", f"Model    {notice.model}", f"Run      {notice.run}"]
    if notice.release is not None:
        lines.append(f"Release  {notice.model}/{notice.release}")
    if notice.package_arn:
        lines.append(f"Package  {notice.package_arn}")
    if notice.review_uri:
        lines.append(f"Review   {console_address(notice.review_uri, region)}")
    return "\n".join([*lines, f"Time     {notice.at}", ""])


def console_address(uri: str, region: str) -> str:
    """Where an S3 object is opened through the AWS console's own sign-in."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return (
        f"https://{region}.console.aws.amazon.com/s3/object/{bucket}"
        f"?region={region}&prefix={quote(key)}"
    )


class NoticeBoard:
    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, notice: Notice) -> None:
        document = json.dumps({"format": 1, **asdict(notice)})
        forms = {"default": document, "email": text(notice, self._client.meta.region_name)}
        self._client.publish(
            TopicArn=self._topic_arn,
            Subject=subject(notice),
            Message=json.dumps(forms),
            MessageStructure="json",
        )
