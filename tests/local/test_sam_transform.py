"""SAM's transform on the local stage knows a stack's parameters."""

from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform

from kanmon.local.patches import transforms

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


def test_a_deployment_preference_named_by_a_parameter_is_the_parameters_value(monkeypatch):
    for module in (engine, changesets, handlers):
        monkeypatch.setattr(module, "_apply_transforms", engine._apply_transforms)
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
