"""SAM's transform on the local stage knows a stack's parameters."""

import yaml
from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform

from localaws.patches import transforms

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


# Every short form of a function, and what YAML 1.1 makes of dates, numbers and booleans.
WRITTEN = """
Description: >
  Two lines
  of text
Globals: &shared {Function: {Timeout: 010, Tracing: yes}}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: !Not [!Equals [!Ref Stage, "no"]]
    Properties:
      DisplayName: !Sub ["${A}-${AWS::Region}", {A: !Select [0, !Split [",", !GetAtt Other.Arn]]}]
      Tags: [{Key: since, Value: 2012-10-17}, {Key: shared, Value: *shared}]
      Other: !If [Is, !Ref AWS::NoValue, !Join ["", [!ImportValue x, !FindInMap [M, a, b]]]]
      Policy: !GetAtt [Other, Name]
      Size: !Base64 1.5e3
"""


def test_libyaml_reads_a_template_as_ministacks_own_loader_does(monkeypatch):
    own = engine._parse_template(WRITTEN)
    monkeypatch.setattr(engine, "CfnLoader", transforms.quick(engine.CfnLoader))

    assert issubclass(engine.CfnLoader, yaml.CSafeLoader)
    assert engine._parse_template(WRITTEN) == own


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
