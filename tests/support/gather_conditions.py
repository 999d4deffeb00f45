"""The conditions of what jobs that gather may do, and of what others may do with them."""

from typing import Any

from tests.support.translation import GATHERING_MODELS

Conditions = dict[tuple[str, str], dict[str, Any]]


def _of(model: str) -> dict[str, dict[str, Any]]:
    """The conditions of a model's job, by statement."""
    return {
        "FindTheProgramAndTheData": {
            "StringLike": {"s3:prefix": [f"definitions/{model}/*", f"datasets/{model}/*"]}
        },
        "ReadSecretsForThisModel": {
            "StringEquals": {
                "secretsmanager:ResourceTag/kanmon:model": model,
                "secretsmanager:ResourceTag/kanmon:stage": "kanmon-test",
            }
        },
        "ShowCpuAndMemoryOfJobs": {
            "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/ProcessingJobs"}
        },
    }


OF_GATHER_JOBS: Conditions = {
    (f"GatherRole{model.replace('-', '')}", statement): condition
    for model in GATHERING_MODELS
    for statement, condition in _of(model).items()
}
ON_GATHER_JOBS: Conditions = {
    ("TakeSnapshotRole", "FindWhatTheJobWrote"): {"StringLike": {"s3:prefix": "datasets/*"}},
    ("RetrainStateMachineRole", "GiveGatherJobsTheirRole"): {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    },
}
