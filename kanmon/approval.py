"""A person's decision about a run's package, written into the model registry."""

from typing import TYPE_CHECKING, Literal

from kanmon.errors import BadInputError

if TYPE_CHECKING:
    from kanmon.invocation import Invocation


Decision = Literal["Approved", "Rejected"]


def decide(invocation: "Invocation", run: str, status: Decision, comment: str) -> None:
    """Set the approval status of the package that a run registered."""
    from kanmon.records import find_run
    from kanmon.stage import stage_flag

    connection, screen = invocation.connection, invocation.screen
    record = find_run(connection, invocation.project, run)
    if record.equals:
        record = find_run(connection, invocation.project, str(record.equals))
    if not record.package_arn:
        raise BadInputError(
            f"run {record.run} has registered no package",
            f"`kanmon show {record.run}{stage_flag(connection.name)}` tells why.",
        )
    arn = str(record.package_arn)
    before = connection.sagemaker.describe_model_package(ModelPackageName=arn)
    if before["ModelApprovalStatus"] != status:
        connection.sagemaker.update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=comment
        )
    version = before.get("ModelPackageVersion")
    screen.say(f"{record.model} version {version} (run {record.run}) is {status.lower()}")
    if status == "Approved" and record.verdict == "reject":
        screen.note(
            "The gate had rejected it; it is the champion all the same, until you reject it"
        )
    screen.document(
        {
            "run": record.run,
            "model": record.model,
            "package_arn": arn,
            "before": before["ModelApprovalStatus"],
            "status": status,
        }
    )
