"""Manual approvals: the notice that goes out when one begins to wait."""

import json
from datetime import UTC, datetime
from typing import Protocol

from localaws.codepipeline.names import Names
from localaws.codepipeline.ports import Acting, ActionError, Result, Task

MOST_SUBJECT = 100


class NoticeError(Exception):
    """The topic did not take the notice; worded as AWS words it."""


class Notices(Protocol):
    """SNS as a role sees it; raises NoticeError."""

    def publish(self, acting: Acting, topic: str, subject: str, message: str) -> None: ...


class ManualApproval:
    """The provider "Manual": tells of the approval. To wait for it is not its business."""

    def __init__(self, notices: Notices, names: Names) -> None:
        self._notices = notices
        self._names = names

    def __call__(self, task: Task) -> Result:
        topic = task.configuration.get("NotificationArn")
        if topic and task.approval:
            token, expires = task.approval["token"], task.approval["expires"]
            subject = f"APPROVAL NEEDED: AWS CodePipeline {task.pipeline} for action {task.action}"
            message = json.dumps(notice(task, self._names, token, expires))
            try:
                self._notices.publish(task.acting, topic, subject[:MOST_SUBJECT], message)
            except NoticeError as error:
                raise ActionError(
                    "PermissionError",
                    f"The approval's notice could not be published to {topic}: {error}",
                ) from error
        return Result()


def notice(task: Task, names: Names, token: str, expires: float) -> dict[str, object]:
    """The message in AWS's format for approvals."""
    path = (task.stage, task.action, "approve", token)
    approval = {
        "pipelineName": task.pipeline,
        "stageName": task.stage,
        "actionName": task.action,
        "token": token,
        "expires": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "externalEntityLink": task.configuration.get("ExternalEntityLink"),
        "approvalReviewLink": names.console(task.pipeline, *path),
        "customData": task.configuration.get("CustomData"),
    }
    return {
        "region": names.region,
        "consoleLink": names.console(task.pipeline),
        "approval": approval,
    }
