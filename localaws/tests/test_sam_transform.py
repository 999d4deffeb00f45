"""SAM's transform on the local stage knows a stack's parameters."""

from pathlib import Path

import pytest
import yaml
from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform

from localaws.patches import transforms

ROOT = Path(__file__).parents[2]

TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {"Canary": {"Type": "String", "Default": "AllAtOnce"}},
    "Resources": {
        "Score": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "score.handler",
                "CodeUri": "s3://code/score.zip",
                "AutoPublishAlias": "live",
                "DeploymentPreference": {"Type": {"Ref": "Canary"}},
            },
        }
    },
}


@pytest.mark.parametrize(
    "name", ["template.yaml", "serving/serving.yaml", "stacks/people.yaml", "stacks/dashboard.yaml"]
)
def test_libyaml_reads_a_template_as_ministacks_own_loader_does(name, monkeypatch):
    text = (ROOT / name).read_text()
    own = engine._parse_template(text)
    monkeypatch.setattr(engine, "CfnLoader", transforms.quick(engine.CfnLoader))

    assert issubclass(engine.CfnLoader, yaml.CSafeLoader)
    assert engine._parse_template(text) == own


def test_a_deployment_preference_named_by_a_parameter_is_the_parameters_value(monkeypatch):
    for module in (engine, changesets, handlers):
        monkeypatch.setattr(module, "_apply_transforms", engine._apply_transforms)
    monkeypatch.setattr(engine, "CfnLoader", engine.CfnLoader)
    monkeypatch.setattr(transform, "transform", transform.transform)
    transforms.install()

    given = [{"Key": "Canary", "Value": "Linear10PercentEvery1Minute"}]
    made = handlers._apply_transforms(TEMPLATE, given)

    name = made["Resources"]["ScoreDeploymentGroup"]["Properties"]["DeploymentConfigName"]
    assert name == {
        "Fn::Sub": [
            "CodeDeployDefault.Lambda${ConfigName}",
            {"ConfigName": "Linear10PercentEvery1Minute"},
        ]
    }
