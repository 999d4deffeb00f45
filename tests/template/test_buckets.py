"""What the stack's buckets must be like after every edit of the template."""

import pytest

from tests.support.translation import properties, resolve, resources, statements, translated
from tests.support.workflow_definition import deployed

BUCKETS = resources("AWS::S3::Bucket")
# Step Functions takes a redrive for so long after an execution's end.
REDRIVEN_WITHIN_DAYS = 14


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_versioned_encrypted_and_private(bucket: str) -> None:
    found = properties(bucket)
    [encryption] = found["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert found["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_answer_through_tls_only(bucket: str) -> None:
    [policy] = [
        entry["Properties"]["PolicyDocument"]
        for entry in resources("AWS::S3::BucketPolicy").values()
        if entry["Properties"]["Bucket"] == {"Ref": bucket}
    ]

    assert statements(policy)[0] == {
        "Sid": "OnlyThroughTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize("bucket", BUCKETS)
def test_no_bucket_policy_allows_the_public_anything(bucket: str) -> None:
    for entry in resources("AWS::S3::BucketPolicy").values():
        for statement in statements(entry["Properties"]["PolicyDocument"]):
            assert statement["Effect"] == "Deny" or statement["Principal"] != "*"


def test_access_to_data_is_logged() -> None:
    assert properties("DataBucket")["LoggingConfiguration"] == {
        "DestinationBucketName": "AccessLogsBucket",
        "LogFilePrefix": "data/",
    }


def test_replaced_data_outlives_the_runs_that_read_it_and_champions_never_expire() -> None:
    rules = {
        rule["Id"]: rule for rule in properties("DataBucket")["LifecycleConfiguration"]["Rules"]
    }

    assert rules["ReplacedData"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 400}
    assert rules["GatheredData"]["ExpirationInDays"] == 400
    expiring = [rule["Prefix"] for rule in rules.values() if "ExpirationInDays" in rule]
    assert expiring == ["gathered/", "attempts/", "scratch/", "capture/", "inputs/", "batches/"]
    assert "NoncurrentVersionExpiration" not in rules["AbandonedUploads"]
    # A package whose version is gone cannot be gone back to.
    assert "NoncurrentVersionExpiration" not in rules["OldPackages"]
    assert not [rule for rule in rules.values() if rule.get("Prefix", "").startswith("releases")]


def test_what_an_attempt_of_a_step_left_goes_when_no_run_can_read_it_any_more() -> None:
    """The run copies what it keeps at its end, which a redrive may put off."""
    rules = properties("DataBucket")["LifecycleConfiguration"]["Rules"]
    longest_days = deployed()["TimeoutSeconds"] / 86_400

    [rule] = [one for one in rules if one.get("Prefix") == "attempts/"]

    assert longest_days + REDRIVEN_WITHIN_DAYS < rule["ExpirationInDays"] <= 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("CapturedRequests", "CaptureRetentionDays"),
        ("FilesForBatches", "ScoreRetentionDays"),
        ("ScoresOfBatches", "ScoreRetentionDays"),
    ],
)
def test_what_may_be_about_people_goes_after_as_many_days_as_asked(
    name: str, parameter: str
) -> None:
    found = translated()["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]
    [rule] = [one for one in found["Rules"] if one["Id"] == name]

    assert resolve(rule, **{parameter: 77})["ExpirationInDays"] == 77


def test_pipeline_artifacts_go_a_month_after_the_review_and_the_access_to_them_is_logged() -> None:
    bucket = properties("PipelineBucket")
    [rule] = bucket["LifecycleConfiguration"]["Rules"]

    assert (rule["ExpirationInDays"], rule.get("Prefix")) == (37, None)
    assert bucket["LoggingConfiguration"] == {
        "DestinationBucketName": "AccessLogsBucket",
        "LogFilePrefix": "pipeline/",
    }


def test_s3_may_deliver_every_log_that_a_bucket_asks_for() -> None:
    [policy] = [
        entry["Properties"]["PolicyDocument"]
        for entry in resources("AWS::S3::BucketPolicy").values()
        if entry["Properties"]["Bucket"] == {"Ref": "AccessLogsBucket"}
    ]
    [allowed] = [one for one in statements(policy) if one["Effect"] == "Allow"]
    asked = {
        f"arn:aws:s3:::{name}": f"arn:aws:s3:::AccessLogsBucket/{logging['LogFilePrefix']}*"
        for name in BUCKETS
        if (logging := properties(name).get("LoggingConfiguration"))
    }

    assert allowed["Condition"]["ArnLike"] == {"aws:SourceArn": list(asked)}
    assert allowed["Resource"] == list(asked.values())
