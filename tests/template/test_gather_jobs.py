"""The jobs that gather: code of a model's folder, a network, and rights on this model alone."""

import re

import pytest

from core.names import is_model_name
from tests.support.policy_decisions import may
from tests.support.translation import GATHER_ROLES, granted, resources, source, whole

ROLES = sorted(resources("AWS::IAM::Role"))


def test_a_gather_job_writes_the_data_of_its_model_and_reads_its_program_and_nothing_else() -> None:
    bucket = "arn:aws:s3:::DataBucket"
    on_s3 = [
        (statement["Action"], statement["Resource"])
        for statement in granted("GatherRoleseashells")
        if statement["Action"][0].startswith("s3:")
    ]

    assert on_s3 == [
        (["s3:ListBucket"], [bucket]),
        (["s3:GetObject"], [f"{bucket}/definitions/sea-shells/*"]),
        (["s3:AbortMultipartUpload", "s3:PutObject"], [f"{bucket}/datasets/sea-shells/*"]),
    ]


@pytest.mark.parametrize(
    ("tags", "reads"),
    [
        ({"model": "sea-shells", "stage": "kanmon-test"}, True),
        ({"model": "sea-shells", "stage": "kanmon-prod"}, False),
        ({"model": "sea-shells"}, False),
        ({"model": "glasses", "stage": "kanmon-test"}, False),
        ({"stage": "kanmon-test"}, False),
        ({}, False),
    ],
)
def test_a_gather_job_reads_the_secrets_that_are_tagged_for_its_model_and_stage_alone(
    tags: dict[str, str], reads: bool
) -> None:
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:crm-1a2B3c"
    of = {f"secretsmanager__ResourceTag/kanmon:{name}": value for name, value in tags.items()}

    assert may("GatherRoleseashells", "secretsmanager:GetSecretValue", secret, **of) is reads
    assert not may("GatherRoleseashells", "secretsmanager:PutSecretValue", secret, **of)


def test_nobody_else_reads_a_secret() -> None:
    readers = {
        role
        for role in ROLES
        for statement in granted(role)
        if any(action.startswith("secretsmanager:") for action in statement["Action"])
    }

    # That of the tracking server is named by the stack: test_experiments.py.
    assert readers == {*GATHER_ROLES, "RecordExperimentRole"}


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ("", True),
        ("crm,sea-shells", True),
        ("a2345678901234567890,x1,b-3-5-7-9-1-3-5-7-90", True),
        ("a23456789012345678901", False),
        ("crm,b-3-5-7-9-1-3-5-7-901", False),
        *[(wrong, False) for wrong in ("c", "crm,", "crm, sea", "CRM", "crm-", "a--b", "9to5")],
    ],
)
def test_what_is_named_can_be_a_models_name(names: str, allowed: bool) -> None:
    pattern = source()["Parameters"]["GatherModels"]["AllowedPattern"]

    assert (re.fullmatch(pattern, names) is not None) is allowed
    assert not names or all(map(is_model_name, names.split(","))) is allowed


def test_no_role_of_a_gather_job_is_there_where_no_model_is_named() -> None:
    assert whole()["Resources"]["GatherJobs"]["Condition"] == "GathersInJobs"
    assert source()["Parameters"]["GatherModels"]["Default"] == ""
