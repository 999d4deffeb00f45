"""The optimized integration `arn:aws:states:::sagemaker:<action>[.sync]`.

With `.sync` Step Functions starts the job, waits until it has ended, returns the job's description
or fails with it as the cause, and stops the job when the execution is stopped or the state times
out. On AWS it learns of the end through a rule it manages; here it asks. The permissions for that
rule are checked all the same, because a role without them fails on AWS at deployment.
"""

from __future__ import annotations

from typing import Any

from localaws.asl.waited import WaitedTask, Work

# A look at the job returns as soon as it has ended; a stopped execution is noticed this late.
WAIT_SECONDS = 0.2

# Action -> the job's kind, as in Describe<kind>, Stop<kind>, <kind>Name and <kind>Status.
_JOBS = {"createprocessingjob": "ProcessingJob", "createtrainingjob": "TrainingJob"}
_RULE = "StepFunctionsGetEventsForSageMaker{kind}sRule"
_RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
# StateMachine roles need these; the service would refuse to create the machine without them.


class SageMakerTask(WaitedTask):
    """One task state that calls SageMaker through the optimized integration."""

    service = "SageMaker"
    client_name = "sagemaker"
    succeeded = "Completed"
    failed = frozenset({"Failed", "Stopped"})
    ended_by_itself = frozenset({"ResourceNotFound", "ValidationException"})

    def _started(self, client: Any, parameters: dict[str, Any], answer: dict[str, Any]) -> Work:
        from localaws import sagemaker

        kind = _JOBS[self.resource.api_action.lower()]
        name = {f"{kind}Name": parameters[f"{kind}Name"]}

        def describe() -> Any:
            sagemaker.wait(kind, name[f"{kind}Name"], WAIT_SECONDS)
            return getattr(client, f"describe_{_snake(kind)}")(**name)

        return Work(
            describe=describe,
            status=lambda job: job[f"{kind}Status"],
            stop=lambda: getattr(client, f"stop_{_snake(kind)}")(**name),
        )

    def _check_permissions(self, runtime: Any, role_arn: str) -> None:
        from localaws import authorization

        rule = _RULE.format(kind=_JOBS[self.resource.api_action.lower()])
        arn = f"arn:aws:events:{runtime.region}:{runtime.account}:rule/{rule}"
        for action in _RULE_ACTIONS:
            if not authorization.allowed(role_arn, action, arn):
                raise PermissionError(
                    f"'{role_arn}' is not authorized to create managed-rule: it lacks {action} "
                    f"on {arn}."
                )


def _snake(kind: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)[1:]
