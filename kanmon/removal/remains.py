"""What stays after a removal: on purpose, or because AWS keeps it. And how to remove it later."""

from dataclasses import dataclass

from kanmon.removal.stage_inventory import SAM_STACK
from kanmon.removal.things import Kind, Thing
from kanmon.runs.job_logs import LOG_GROUPS


@dataclass(frozen=True)
class Remaining:
    """Something that stays, and why or until when."""

    what: str
    why: str


JOBS = Remaining("records of processing jobs", "SageMaker deletes none; they have names and times")
METRICS = Remaining("metrics", "CloudWatch keeps them up to 15 months")
TRAIL = Remaining("CloudTrail's events", "its history has 90 days; trails of your own keep theirs")
OUTSIDE = Remaining("mails that were sent, files that people downloaded", "they left AWS")

OF_A_STAGE = (
    JOBS,
    Remaining("history of executions", "Step Functions keeps it up to 90 days after their end"),
    METRICS,
    Remaining("traces", "X-Ray keeps them 30 days"),
    TRAIL,
    *(
        Remaining(
            f"StepFunctionsGetEventsForSageMaker{kind}JobsRule",
            "a rule of EventBridge that Step Functions shares in the account",
        )
        for kind in ("Processing", "Training")
    ),
    *(
        Remaining(group, "the log group of all jobs of the account; this stage's streams go")
        for group in LOG_GROUPS
    ),
    Remaining(f"the stack {SAM_STACK}", "SAM's bucket for all applications; this stage's files go"),
    OUTSIDE,
)
BACKUP = Remaining("a backup of the model table", "DynamoDB keeps the last state 35 days, for free")

OF_A_MODEL = (
    Remaining("data outside datasets/<model>/", "where model.yaml's data.location named it"),
    JOBS,
    Remaining("history of executions", "Step Functions keeps it up to 90 days after their end"),
    Remaining("history of releases", "CodePipeline keeps executions 12 months, CodeBuild a year"),
    Remaining(
        "copies of bundles in the pipeline's bucket",
        "they have names that AWS made, and expire with its other artifacts",
    ),
    Remaining(
        "what people tried in notebooks", "below scratch/<person>/; it expires after 30 days"
    ),
    Remaining("what it cost, by month", "part of the stage's budget and of `kanmon cost`, unnamed"),
    Remaining("the model table's backups", "point-in-time recovery reaches back 35 days"),
    METRICS,
    TRAIL,
    Remaining("access logs, the functions' log", "they expire (LogRetentionDays)"),
    OUTSIDE,
)


def of_stage(kept: list[Thing], things: list[Thing], later: str) -> list[Remaining]:
    """What stays of a stage; `later` is the command that removes what was kept on purpose."""
    on_purpose = [
        Remaining(f"{one.kind} {one.name} ({one.contents})", f"kept on purpose; remove: `{later}`")
        for one in kept
    ]
    table_goes = any(one.kind is Kind.TABLE for one in things) and not kept
    return [*on_purpose, *([BACKUP] if table_goes else []), *OF_A_STAGE]


def of_model(kept: list[Thing], later: str) -> list[Remaining]:
    """What stays of a model."""
    on_purpose = [
        Remaining(f"{one.name} ({one.contents})", f"kept on purpose; remove: `{later}`")
        for one in kept
    ]
    return [*on_purpose, *OF_A_MODEL]
