"""What subscribers receive about a run, batch or release: one event, as JSON and as mail."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from core.stage.links import Links
from core.words.catalogue import say
from core.words.formats import MINUS, moment, one_line

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

LONGEST_SUBJECT = 100  # set by SNS, which also wants it in ASCII


Event = Literal[
    "candidate registered",
    "nothing new",
    "run failed",
    "batch scored",
    "batch failed",
    "release waiting",
    "release promoted",
    "release back in service",
    "release withdrawn",
    "release rejected",
    "release rolled back",
    "release failed",
    "monitoring alarm",
    "monitoring recovered",
    "monitoring failed",
]


@dataclass(frozen=True)
class Notice:
    """`run` is the run's name, or the batch's; `summary` the verdict's summary, the message of
    the failure or the reason of a decision."""

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
    # Why the run, batch or monitoring was started.
    reason: str | None = None


def subject(notice: Notice) -> str:
    about_release = notice.event.startswith("release ")
    what = None if about_release else notice.verdict
    if what is None:
        what = say(f"mail.subject.{notice.event}")
    line = f"{notice.stack}: {_name(notice)}: {what} ({notice.run})"
    ascii_line = line.replace(MINUS, "-").encode("ascii", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in ascii_line)[:LONGEST_SUBJECT]


def text(notice: Notice, links: Links, stage: str) -> str:
    """The mail's body: what happened, why, and where to look. Its commands name the stage."""
    name = _name(notice)
    worked = say(f"mail.fact.{_worked(notice)}")
    facts = [(say("mail.fact.model"), notice.model), (worked, notice.run)]
    if notice.reason:
        facts.append((say("mail.fact.reason"), one_line(notice.reason)))
    if notice.release is not None:
        facts.append((say("mail.fact.release"), name))
    if notice.package_arn:
        facts.append((say("mail.fact.package"), notice.package_arn))
    if notice.review_uri:
        watched = _worked(notice) == "monitoring"
        page = say("mail.fact.page" if watched else "mail.fact.review")
        facts.append((page, links.object(notice.review_uri)))
    if notice.event == "release waiting":
        if notice.execution:
            pipeline = f"{notice.stack}-release"
            address = links.execution(pipeline, notice.execution)
            facts.append((say("mail.fact.approve"), address))
        facts.append((say("mail.fact.decide"), say("mail.decide", release=name, stage=stage)))
    facts.append((say("mail.fact.time"), moment(notice.at)))
    width = max(len(label) for label, _ in facts) + 2
    about = name if notice.event.startswith("release") else notice.model
    headline = say(f"mail.headline.{notice.event}", name=about)
    lines = [f"{label:<{width}}{value}" for label, value in facts]
    return "\n".join([headline, "", notice.summary, "", *lines, ""])


def _worked(notice: Notice) -> str:
    """What `run` names: a run, a batch or a monitoring."""
    kind = notice.event.split(" ")[0]
    return kind if kind in ("batch", "monitoring") else "run"


def _name(notice: Notice) -> str:
    """The release as it is called on the command line; without one, the model."""
    return notice.model if notice.release is None else f"{notice.model}/{notice.release}"


class NoticeBoard:
    def __init__(self, client: SNSClient, topic_arn: str, links: Links, stage: str) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._links = links
        self._stage = stage  # local, dev or prod

    def publish(self, notice: Notice) -> None:
        document = json.dumps({"format": 1, **asdict(notice)})
        forms = {
            "default": document,
            "email": text(notice, self._links, self._stage),
        }
        self._client.publish(
            TopicArn=self._topic_arn,
            Subject=subject(notice),
            Message=json.dumps(forms),
            MessageStructure="json",
        )
