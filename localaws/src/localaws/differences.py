"""What a stage does not show as AWS does, each stated by the code that differs.

`python -m localaws.differences FILE` renews the table of them in a Markdown file.
"""

import sys
from pathlib import Path

from localaws import (
    alarms,
    codebuild,
    codedeploy,
    codepipeline,
    functions,
    pace,
    queries,
    sagemaker,
)
from localaws.patches import deliveries

DIFFERENCES = (
    ("Alarms", alarms.DIFFERS),
    ("Functions", functions.DIFFERS),
    ("Time", pace.DIFFERS),
    (
        "Schedules",
        "`rate()` and `cron()` fire in real time, or at the time scale where that is set when the "
        "stage starts; one that was missed fires once at the next start. The scheduled time is the "
        "one at which it fires, and what cannot be delivered goes to the dead-letter queue at the "
        "first try, without attributes.",
    ),
    ("Rules", deliveries.DIFFERS),
    ("Builds", codebuild.DIFFERS),
    ("Pipelines", codepipeline.DIFFERS),
    ("Deployments", codedeploy.DIFFERS),
    ("Images", sagemaker.IMAGES_DIFFER),
    ("Networks", sagemaker.NETWORKS_DIFFER),
    ("Spot machines", sagemaker.SPOT_DIFFERS),
    ("Queries", queries.DIFFERS),
    (
        "Secrets",
        "Secrets are kept in a file of the stage's folder, which is its owner's alone; there is no "
        "KMS, and none is rotated. A job is a process of this machine's user, so a job could look "
        "into another's, unless the stage runs with `--docker`.",
    ),
    (
        "IAM",
        "Identity, resource and boundary policies are enforced with their conditions, for one "
        "account. `aws:SecureTransport` is always true: nothing leaves the machine. Permissions "
        "for X-Ray and for the delivery of a state machine's log are granted but not used here, "
        "and CloudFormation acts as the account's root.",
    ),
    (
        "MLflow",
        "There are no MLflow Apps of SageMaker. A function reaches a tracking server on this "
        "machine, or elsewhere, as it is reached from here.",
    ),
    (
        "Logs",
        "Functions and jobs write theirs; a state machine's own log stays empty (its history has "
        "everything) and retention is not applied.",
    ),
    (
        "Notifications",
        "No mail is sent. Every published message is a line of `logs/notifications.jsonl`.",
    ),
    ("S3", "Lifecycle rules, access logs and encryption settings are kept but have no effect."),
    (
        "DynamoDB",
        "On-demand capacity is never throttled; items past their time to live may stay for long.",
    ),
    (
        "Stopping",
        "What runs does not outlive the server. At the next start executions are `ABORTED` and "
        "cannot be redriven; jobs are Failed with `InternalServerError`, deployments Stopped, "
        "builds `FAULT`, pipeline actions failed so that their stage can be retried; waiting "
        "approvals still wait. Events of the last seconds before a kill may come twice; a killed "
        "server loses the last half second, or up to five seconds where it holds very much.",
    ),
    (
        "What is missing",
        "An operation, a member of a request or a property that is not here is refused by name, as "
        "`NotImplementedException` where the service is not MiniStack's.",
    ),
    ("Quotas and speed", "Service limits, capacity waits, cold starts and prices are not AWS's."),
)
HEADER = "| What | Here |"


def table() -> str:
    """The differences as a Markdown table."""
    return "\n".join([HEADER, "|---|---|", *(f"| {what} | {here} |" for what, here in DIFFERENCES)])


def renewed(page: str) -> str:
    """The page with its table of differences as the code has it now."""
    before, header, rest = page.partition(f"{HEADER}\n")
    if not header:
        raise ValueError(f"the page has no table that begins with {HEADER!r}")
    lines = rest.split("\n")
    after = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return "\n".join([before + table(), *lines[after:]])


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(renewed(file.read_text()))
