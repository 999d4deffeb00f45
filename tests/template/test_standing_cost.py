"""What a stage costs while nothing runs: what is said is what the templates hold."""

import re

import pytest

from kanmon.deployment.standing_cost import line, of_stage, standing_cost
from tests.support.serving_template import translated as serving
from tests.support.translation import ROOT, nested, whole

FREE_OF_A_NETWORK = {
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
}


def test_the_sum_counts_every_metric_of_every_alarm_of_the_deployed_templates() -> None:
    # All of the stage in one, as CloudFormation gets it, without the dashboard, which has no alarm.
    assert of_stage(ROOT) == standing_cost(whole()) == 2.10
    assert standing_cost(serving()) == 1.20


@pytest.mark.parametrize(
    ("properties", "dollars"),
    [
        ({"MetricName": "Errors"}, 0.10),
        ({"Metrics": [{"Expression": "a"}, {"MetricStat": {}}, {"MetricStat": {}}]}, 0.20),
    ],
)
def test_an_alarm_is_billed_by_its_metrics_and_not_by_its_expression(
    properties: dict[str, object], dollars: float
) -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    assert standing_cost({"Resources": {"Alarm": alarm}}) == dollars


def test_keys_and_secrets_are_counted() -> None:
    kinds = {"A": {"Type": "AWS::KMS::Key"}, "B": {"Type": "AWS::SecretsManager::Secret"}}

    assert standing_cost({"Resources": kinds}) == 1.40


def test_the_steps_as_functions_and_their_network_cost_nothing_by_being_there() -> None:
    # Of a network, addresses, NAT gateways and interfaces of endpoints are billed by the hour.
    parts = nested("Compute")["Resources"].values()
    network = [one for one in parts if one["Type"].startswith("AWS::EC2::")]

    assert standing_cost({"Resources": dict(enumerate(parts))}) == 0
    assert {one["Type"] for one in network} <= FREE_OF_A_NETWORK
    assert [
        one["Properties"]["VpcEndpointType"]
        for one in network
        if one["Type"] == "AWS::EC2::VPCEndpoint"
    ] == ["Gateway"]
    functions = [one for one in parts if one["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == 5
    assert not [one for one in parts if "ProvisionedConcurrency" in str(one)]


@pytest.mark.parametrize("document", ["docs/operations.md", "docs/first-deployment.md"])
def test_the_documents_name_the_same_sums(document: str) -> None:
    said = re.findall(r"\$\d+\.\d\d a month|\$\d+\.\d\d for each model", line(ROOT))
    text = " ".join((ROOT / document).read_text().split())

    assert len(said) == 2
    assert [words for words in said if words not in text] == []
