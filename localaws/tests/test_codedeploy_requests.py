"""CodeDeploy's API: what it refuses, what it lists, what a revision may be."""

from typing import Any

import pytest

from localaws.codedeploy.revision import AppSpec, parse_appspec, write_appspec
from localaws.codedeploy.stage import CodeDeploy
from support.deploying import LAMBDA, NAMED, ROLE, Surroundings, ended, make, refused, start


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.fixture
def codedeploy(around: Surroundings) -> CodeDeploy:
    return make(around)


@pytest.mark.parametrize(
    ("name", "request_", "code"),
    [
        ("GetApplication", {}, "ApplicationNameRequiredException"),
        ("GetApplication", {"applicationName": "a b"}, "InvalidApplicationNameException"),
        ("GetApplication", {"applicationName": "none"}, "ApplicationDoesNotExistException"),
        (
            "CreateApplication",
            {"applicationName": "shop", "computePlatform": "Lambda"},
            "ApplicationAlreadyExistsException",
        ),
        (
            "CreateApplication",
            {"applicationName": "web", "computePlatform": "Server"},
            "NotImplementedException",
        ),
        (
            "CreateDeploymentGroup",
            {
                "applicationName": "shop",
                "deploymentGroupName": "other",
                "serviceRoleArn": "arn:aws:iam::123456789012:role/stranger",
                "deploymentStyle": LAMBDA,
            },
            "InvalidRoleException",
        ),
        (
            "CreateDeploymentGroup",
            {"applicationName": "shop", "deploymentGroupName": "other", "serviceRoleArn": ROLE},
            "InvalidDeploymentStyleException",
        ),
        (
            "UpdateDeploymentGroup",
            {
                "applicationName": "shop",
                "currentDeploymentGroupName": "live",
                "deploymentConfigName": "none",
            },
            "DeploymentConfigDoesNotExistException",
        ),
        ("CreateDeployment", NAMED, "RevisionRequiredException"),
        (
            "CreateDeployment",
            {**NAMED, "revision": {"revisionType": "S3", "s3Location": {"bucket": "b"}}},
            "NotImplementedException",
        ),
        (
            "CreateDeployment",
            {**NAMED, "revision": {"revisionType": "String", "string": {"content": "a: [b"}}},
            "InvalidRevisionException",
        ),
        ("GetDeployment", {"deploymentId": "d-NONE00000"}, "DeploymentDoesNotExistException"),
        ("CreateDeploymentConfig", {"deploymentConfigName": "half"}, "NotImplementedException"),
        (
            "GetDeploymentGroup",
            {"applicationName": "shop", "deploymentGroupName": "none"},
            "DeploymentGroupDoesNotExistException",
        ),
    ],
)
def test_wrong_requests_have_codedeploys_own_errors(
    codedeploy: CodeDeploy, name: str, request_: dict[str, Any], code: str
) -> None:
    assert refused(codedeploy, name, request_) == code


def test_an_appspec_may_be_yaml() -> None:
    content = """
version: 0.0
Resources:
  - scorer:
      Type: AWS::Lambda::Function
      Properties:
        Name: scorer
        Alias: live
        CurrentVersion: 1
        TargetVersion: 2
Hooks:
  - BeforeAllowTraffic: check
"""
    spec = AppSpec("scorer", "live", "1", "2", {"BeforeAllowTraffic": "check"})

    assert parse_appspec(content) == spec
    assert parse_appspec(write_appspec(spec)) == spec


def test_deployments_are_listed_newest_first(codedeploy: CodeDeploy) -> None:
    first = start(codedeploy)
    ended(codedeploy, first)
    again = write_appspec(AppSpec("scorer", "live", "2", "3", {}))
    second = start(codedeploy, revision={"revisionType": "String", "string": {"content": again}})
    ended(codedeploy, second)

    assert codedeploy.call("ListDeployments", NAMED)["deployments"] == [second, first]
    asked = {**NAMED, "includeOnlyStatuses": ["Failed"]}
    assert codedeploy.call("ListDeployments", asked)["deployments"] == []
    several = codedeploy.call("BatchGetDeployments", {"deploymentIds": [first, second]})
    assert [one["status"] for one in several["deploymentsInfo"]] == ["Succeeded", "Succeeded"]
