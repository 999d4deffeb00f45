"""What each role can and cannot do, by IAM's own rules: duties, reviews, releases, serving."""

import pytest

from tests.support.policy_decisions import BOUNDARY, bounded, decision, may
from tests.support.translation import policies, resources

HERE = "us-east-1:123456789012"
PIPELINE = f"arn:aws:codepipeline:{HERE}:kanmon-test-release"
APPROVAL = f"{PIPELINE}/Review/ApproveRelease"
MACHINE = f"arn:aws:states:{HERE}:stateMachine:kanmon-test-retrain"
PACKAGE = f"arn:aws:sagemaker:{HERE}:model-package/kanmon-test-abalone/1"
GROUP = f"arn:aws:sagemaker:{HERE}:model-package-group/kanmon-test-abalone"
TABLE = f"arn:aws:dynamodb:{HERE}:table/ModelTable"
SCORER = f"arn:aws:lambda:{HERE}:function:kanmon-test-serving-abalone-Scoring"
SERVING_ROLE = "arn:aws:iam::123456789012:role/kanmon-test-serving-abalone-ScoringRole"
STACK = f"arn:aws:cloudformation:{HERE}:stack"
DATA = "arn:aws:s3:::DataBucket"
RELEASE = f"{DATA}/releases/abalone/7/release.json"
ROLES = sorted(resources("AWS::IAM::Role"))
SCIENTIST, APPROVER, OPERATOR = "DataScientistRole", "ApproverRole", "OperatorRole"
STEWARD = "StewardRole"
APPROVED = {"sagemaker__ModelApprovalStatus": "Approved"}


# ---- Who builds does not approve


@pytest.mark.parametrize(
    ("role", "action", "resource"),
    [
        (SCIENTIST, "states:StartExecution", MACHINE),
        (SCIENTIST, "s3:PutObject", f"{DATA}/datasets/abalone/abalone.csv"),
        (APPROVER, "codepipeline:PutApprovalResult", APPROVAL),
        (APPROVER, "s3:GetObject", f"{DATA}/releases/abalone/7/review.html"),
        # What the console's pages behind the mailed links ask for.
        (APPROVER, "s3:GetBucketLocation", DATA),
        (APPROVER, "s3:ListBucket", DATA),
        (APPROVER, "codepipeline:ListPipelines", "*"),
        (APPROVER, "codepipeline:GetPipelineState", PIPELINE),
        (APPROVER, "codepipeline:GetPipelineExecution", PIPELINE),
        (APPROVER, "sagemaker:ListModelPackageGroups", "*"),
        (
            APPROVER,
            "sagemaker:ListModelPackages",
            PACKAGE.removesuffix("/1").replace("package/", "package-group/"),
        ),
        (OPERATOR, "codepipeline:StartPipelineExecution", PIPELINE),
        (OPERATOR, "cloudformation:ContinueUpdateRollback", f"{STACK}/kanmon-test-serving-a/1"),
        (OPERATOR, "lambda:InvokeFunction", f"{SCORER}:live"),
    ],
)
def test_people_may_do_their_work(role: str, action: str, resource: str) -> None:
    assert may(role, action, resource)


def test_an_approver_decides_in_the_registry_and_changes_nothing_else_there() -> None:
    assert may(APPROVER, "sagemaker:UpdateModelPackage", PACKAGE, **APPROVED)
    assert not may(APPROVER, "sagemaker:UpdateModelPackage", PACKAGE)
    assert not may(
        APPROVER, "sagemaker:UpdateModelPackage", PACKAGE.replace("test", "other"), **APPROVED
    )


@pytest.mark.parametrize(
    ("role", "action", "resource"),
    [
        (SCIENTIST, "codepipeline:PutApprovalResult", APPROVAL),
        (SCIENTIST, "codepipeline:StartPipelineExecution", PIPELINE),
        (SCIENTIST, "sagemaker:UpdateModelPackage", PACKAGE),
        (APPROVER, "states:StartExecution", MACHINE),
        (APPROVER, "codepipeline:StartPipelineExecution", PIPELINE),
        (APPROVER, "s3:PutObject", f"{DATA}/datasets/abalone/abalone.csv"),
    ],
)
def test_what_the_other_does_is_denied_and_not_merely_left_out(
    role: str, action: str, resource: str
) -> None:
    assert decision([role], action, resource, **APPROVED) == "Deny"
    # So it stays denied to anyone with both roles' policies.
    assert decision([SCIENTIST, APPROVER, OPERATOR], action, resource, **APPROVED) == "Deny"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("codepipeline:PutApprovalResult", APPROVAL),
        ("states:StartExecution", MACHINE),
        ("s3:PutObject", f"{DATA}/datasets/abalone/abalone.csv"),
    ],
)
def test_one_person_may_do_both_where_duties_are_not_separate(action: str, resource: str) -> None:
    assert decision([SCIENTIST, APPROVER], action, resource, separate=False) == "Allow"


def test_without_separate_duties_no_role_by_itself_may_do_more() -> None:
    undivided = {"separate": False, **APPROVED}

    assert decision([SCIENTIST], "codepipeline:PutApprovalResult", APPROVAL, **undivided) == (
        "ImplicitDeny"
    )
    assert decision([APPROVER], "states:StartExecution", MACHINE, **undivided) == "ImplicitDeny"


def test_an_operator_neither_builds_nor_decides() -> None:
    assert not may(OPERATOR, "codepipeline:PutApprovalResult", APPROVAL)
    assert not may(OPERATOR, "sagemaker:UpdateModelPackage", PACKAGE, **APPROVED)
    assert not may(OPERATOR, "states:StartExecution", MACHINE)


def test_a_data_scientist_writes_definitions_into_the_table_and_nothing_else() -> None:
    definition = ["model", "item", "sha256", "published_at"]

    def update(*attributes: str) -> bool:
        return may(SCIENTIST, "dynamodb:UpdateItem", TABLE, dynamodb__Attributes=list(attributes))

    assert update(*definition)
    assert not update(*definition, "status")
    assert not update("model", "item", "release", "run", "package_arn")
    assert not may(SCIENTIST, "dynamodb:UpdateItem", TABLE)
    # It would replace a release, a champion or a lock by a definition.
    for action in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        assert not may(SCIENTIST, action, TABLE, dynamodb__Attributes=definition)


@pytest.mark.parametrize("role", [APPROVER, OPERATOR])
@pytest.mark.parametrize(
    "key",
    [
        "datasets/abalone/a.csv",
        "runs/abalone/r/preprocess/train/part-0.parquet",
        "runs/abalone/r/preprocess/report/preprocess.json",
        "runs/abalone/r/evaluate/golden.json",
        "runs/abalone/r/evaluate/scores.parquet",
        "releases/abalone/7/golden.json",
        "releases/abalone/7/bundle.zip",  # the golden records are in it
        "capture/abalone/7/dt=2026-11-21/a.jsonl",
    ],
)
def test_who_decides_or_operates_opens_no_file_of_rows(role: str, key: str) -> None:
    assert not may(role, "s3:GetObject", f"{DATA}/{key}")


@pytest.mark.parametrize("role", [SCIENTIST, APPROVER, OPERATOR])
@pytest.mark.parametrize(
    "key",
    [
        "definitions/abalone/0/model.yaml",
        "runs/abalone/r/verdict.json",
        "runs/abalone/r/evaluate/evaluation.json",
        "runs/abalone/r/review.html",
        "metrics/model=abalone/r.json",
        "releases/abalone/7/release.json",
        "releases/abalone/7/review.html",
    ],
)
def test_all_people_read_what_a_decision_rests_on(role: str, key: str) -> None:
    assert may(role, "s3:GetObject", f"{DATA}/{key}")


def test_a_steward_removes_rows_of_people_for_good_and_does_nothing_else() -> None:
    scored = ("batches/abalone/B/scores", "batches/abalone/B/rejects")
    for folder in ("labels/abalone", *scored, "inputs/abalone", "capture/abalone"):
        assert may(STEWARD, "s3:DeleteObjectVersion", f"{DATA}/{folder}/a")
        assert not may(STEWARD, "s3:DeleteObject", f"{DATA}/{folder}/a")
    for proof in ("plan.json", "shards.json", "done/00000.json", "manifest.json"):
        assert not may(STEWARD, "s3:DeleteObjectVersion", f"{DATA}/batches/abalone/B/{proof}")
    for key in ("datasets/abalone/a.csv", "runs/abalone/r/preprocess/train/part-0.parquet"):
        assert not may(STEWARD, "s3:GetObject", f"{DATA}/{key}")
        assert not may(STEWARD, "s3:DeleteObjectVersion", f"{DATA}/{key}")
    assert not may(STEWARD, "states:StartExecution", MACHINE)
    assert not may(STEWARD, "codepipeline:PutApprovalResult", APPROVAL)


@pytest.mark.parametrize("role", [SCIENTIST, APPROVER, OPERATOR])
def test_nobody_else_removes_what_was_captured_scored_or_labelled(role: str) -> None:
    for folder in ("labels", "batches", "inputs", "capture"):
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            assert not may(role, action, f"{DATA}/{folder}/abalone/a")


# ---- What was reviewed stays as it is


@pytest.mark.parametrize("role", ROLES)
def test_nobody_replaces_or_removes_any_of_a_release(role: str) -> None:
    assert not may(role, "s3:PutObject", RELEASE)
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert decision([role], action, RELEASE) == "Deny"


def test_open_release_alone_writes_a_release_and_only_what_is_not_there_yet() -> None:
    new = {"s3__if_none_match": "*"}

    assert [role for role in ROLES if may(role, "s3:PutObject", RELEASE, **new)] == [
        "OpenReleaseRole"
    ]
    assert not may("OpenReleaseRole", "s3:PutObject", RELEASE)


def test_verification_adds_packages_and_replaces_none() -> None:
    package = f"{DATA}/packages/base/0.zip"

    assert [
        role for role in ROLES if may(role, "s3:PutObject", package, s3__if_none_match="*")
    ] == ["VerifyRole"]
    assert not may("VerifyRole", "s3:PutObject", package)
    assert not [role for role in ROLES if may(role, "s3:DeleteObject", package)]


def test_a_data_scientist_publishes_definitions_and_changes_none() -> None:
    definition = f"{DATA}/definitions/abalone/0/model.yaml"

    assert may(SCIENTIST, "s3:PutObject", definition, s3__if_none_match="*")
    assert not may(SCIENTIST, "s3:PutObject", definition)
    assert not may(SCIENTIST, "s3:DeleteObject", definition)


def test_a_data_scientist_adds_labels_and_replaces_none() -> None:
    labels = f"{DATA}/labels/abalone/20261130T021500Z-0a1b0a1b0a1b-may.csv"

    assert may(SCIENTIST, "s3:PutObject", labels, s3__if_none_match="*")
    assert not may(SCIENTIST, "s3:PutObject", labels)


def test_nothing_is_read_or_written_without_tls() -> None:
    new = {"s3__if_none_match": "*"}

    assert not may("OpenReleaseRole", "s3:PutObject", RELEASE, secure=False, **new)


# ---- The table's record of a release


def test_only_the_workflows_and_releases_functions_write_records() -> None:
    writers = {
        role
        for role in ROLES
        for statement in policies(role)
        if {"dynamodb:PutItem", "dynamodb:UpdateItem"} & set(statement["Action"])
    }

    assert writers == {
        *(
            "OpenRunRole",
            "TakeSnapshotRole",
            "CloseRunRole",
            "ReportFailureRole",
            "DataScientistRole",
        ),
        *("OpenReleaseRole", "AdmitReleaseRole", "RecordReleaseRole", "CloseReleaseRole"),
        *("FollowReviewRole", "FollowRegistryRole", "OpenBatchRole", "CloseBatchRole"),
        *("OpenMonitoringRole", "CloseMonitoringRole"),
        *("PlanRole", "OperatorRole"),  # the planner's own state; pauses and allowances
        *("SendMailRole", "SendChatRole"),  # which facts were told
        "RecordExperimentRole",  # where MLflow has a run
    }


SERVING = ["OpenBatchRole", "CloseBatchRole", "OpenMonitoringRole", "CloseMonitoringRole"]


@pytest.mark.parametrize("role", SERVING)
def test_batches_and_monitorings_write_their_own_records_and_no_release(role: str) -> None:
    def update(partition: str, *attributes: str) -> bool:
        fields = ["model", "item", *attributes]
        return may(
            *(role, "dynamodb:UpdateItem", TABLE),
            dynamodb__LeadingKeys=[partition],
            dynamodb__Attributes=fields,
        )

    assert update("#service/churn", "status", "execution", "answer")
    # A release, the champion, the locks, the planner's state, the releases to start.
    assert not update("churn", "status")
    assert not update("churn", "release", "revision")
    assert not update("churn", "holder", "until")
    assert not update("#plan", "starting")
    assert not update("releases to start", "of")
    assert not may(role, "dynamodb:UpdateItem", TABLE)
    for action in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        assert not may(role, action, TABLE, dynamodb__LeadingKeys=["#service/churn"])


@pytest.mark.parametrize(
    ("role", "work"), [("CloseBatchRole", "score"), ("CloseMonitoringRole", "monitor")]
)
def test_what_is_closed_adds_to_the_models_costs_and_to_no_record(role: str, work: str) -> None:
    def update(*attributes: str) -> bool:
        fields = ["model", "item", *attributes]
        context = {"dynamodb__LeadingKeys": ["churn"], "dynamodb__Attributes": fields}
        return may(role, "dynamodb:UpdateItem", TABLE, **context)

    assert update("usd", f"{work}_usd", f"{work}_count", f"{work}_unknown")
    assert update(f"{work}_last", f"{work}_estimate_usd")
    assert not update("usd", "status")
    assert not update("retrain_usd")


# ---- Models in service


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", RELEASE),
        ("s3:GetObject", f"{DATA}/packages/abalone/7/a.zip"),
        ("s3:PutObject", f"{DATA}/releases/abalone/8/release.json"),
        ("dynamodb:GetItem", TABLE),
        ("iam:CreateRole", SERVING_ROLE),
        ("iam:PassRole", SERVING_ROLE),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:kanmon-test-OpenRun"),
        ("states:StartExecution", MACHINE),
        ("codepipeline:PutApprovalResult", APPROVAL),
        ("sts:AssumeRole", "arn:aws:iam::123456789012:role/OperatorRole"),
    ],
)
def test_a_release_that_grants_itself_everything_gets_nothing_beyond_the_boundary(
    action: str, resource: str
) -> None:
    assert not bounded(action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{DATA}/capture/abalone/7/dt=2026-11-21/a.jsonl"),
        ("lambda:UpdateAlias", SCORER),
        ("lambda:InvokeFunction", f"{SCORER}:7"),
        ("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:kanmon-test-serving-abalone-L:a:b"),
        ("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:kanmon-test-serving-a"),
    ],
)
def test_the_boundary_leaves_what_serving_needs(action: str, resource: str) -> None:
    assert bounded(action, resource)


@pytest.mark.parametrize(
    ("boundary", "made"),
    [
        (BOUNDARY, True),
        (None, False),
        ("arn:aws:iam::aws:policy/AdministratorAccess", False),
    ],
)
def test_roles_for_serving_are_made_with_the_boundary_or_not_at_all(
    boundary: str | None, made: bool
) -> None:
    context = {"iam__PermissionsBoundary": boundary} if boundary else {}

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert may("ServingDeployRole", action, SERVING_ROLE, **context) is made


def test_the_deployments_role_touches_no_role_of_the_platform() -> None:
    ours = "arn:aws:iam::123456789012:role/kanmon-test-OpenRunRole-1A2B"
    bound = {"iam__PermissionsBoundary": BOUNDARY}

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"):
        assert not may("ServingDeployRole", action, ours, **bound)
    for service in ("lambda.amazonaws.com", "codedeploy.amazonaws.com"):
        passed = {"iam__PassedToService": service}
        assert may("ServingDeployRole", "iam:PassRole", SERVING_ROLE, **passed)
        assert not may("ServingDeployRole", "iam:PassRole", ours, **passed)
    elsewhere = {"iam__PassedToService": "ec2.amazonaws.com"}
    assert not may("ServingDeployRole", "iam:PassRole", SERVING_ROLE, **elsewhere)


@pytest.mark.parametrize("action", ["iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary"])
@pytest.mark.parametrize("role", ROLES)
def test_no_role_gets_around_the_boundary(role: str, action: str) -> None:
    bound = {"iam__PermissionsBoundary": BOUNDARY}

    assert not may(role, action, SERVING_ROLE, **bound)


@pytest.mark.parametrize(("kind", "made"), [("AWS_IAM", True), ("NONE", False)])
def test_no_model_gets_an_address_that_is_open_to_everybody(kind: str, made: bool) -> None:
    asked = {"lambda__FunctionUrlAuthType": kind}

    for action in ("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"):
        assert may("ServingDeployRole", action, SCORER, **asked) is made
    assert not [role for role in ROLES if may(role, "lambda:AddPermission", SCORER, **asked)]


def test_nothing_of_the_platform_is_public() -> None:
    assert not resources("AWS::Lambda::Url")
    for kind in ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
        for entry in resources(kind).values():
            for statement in entry["Properties"]["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Deny" or "Service" in statement["Principal"]
    for permission in resources("AWS::Lambda::Permission").values():
        assert permission["Properties"]["Principal"] == "events.amazonaws.com"
