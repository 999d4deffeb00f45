"""What a stage costs while nothing runs, counted from its templates."""

from pathlib import Path
from typing import Any

from kanmon.deployment.package import read_template

# US dollars a month in us-east-1, from aws.amazon.com/cloudwatch/pricing, kms/pricing and
# secrets-manager/pricing. Other regions differ by up to a third.
PRICES_OF = "2025-06, us-east-1"
ALARM_METRIC = 0.10
# Not in the sum: it is free for the first three of an account.
DASHBOARD = 3.00
# Not in the sum: a metric of Kanmon's own is billed for the hours in which it is sent, and nothing
# is sent while nothing runs. This is a whole month of one.
CUSTOM_METRIC = 0.30
BY_TYPE = {"AWS::KMS::Key": 1.00, "AWS::SecretsManager::Secret": 0.40}


def standing_cost(template: dict[str, Any]) -> float:
    """Dollars a month for what is billed by being there: each metric of an alarm, keys, secrets.

    Not what a condition makes: a stage has that only when it is asked for.
    """
    dollars = 0.0
    for resource in template["Resources"].values():
        # A loop makes what a parameter lists, and nothing where that is empty.
        if not isinstance(resource, dict) or "Condition" in resource:
            continue
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            metrics = resource["Properties"].get("Metrics", [{"MetricStat": {}}])
            dollars += ALARM_METRIC * sum("MetricStat" in metric for metric in metrics)
        dollars += BY_TYPE.get(resource["Type"], 0.0)
    return round(dollars, 2)


def of_stage(root: Path) -> float:
    """The stage's own: its template and the nested ones."""
    paths = [root / "template.yaml", *sorted((root / "stacks").glob("*.yaml"))]
    return round(sum(standing_cost(read_template(path)) for path in paths), 2)


def of_model(root: Path) -> float:
    """What each model in service adds."""
    return standing_cost(read_template(root / "serving" / "serving.yaml"))


def document(root: Path) -> dict[str, Any]:
    """For programs: US dollars a month."""
    return {
        "stage_usd": of_stage(root),
        "model_in_service_usd": of_model(root),
        "dashboard_usd": DASHBOARD,
        "custom_metric_usd": CUSTOM_METRIC,
        "prices_of": PRICES_OF,
    }


def line(root: Path) -> str:
    """For a person who is about to deploy, or just has."""
    stage, model = of_stage(root), of_model(root)
    return (
        f"about ${stage:.2f} a month while nothing runs, and ${model:.2f} for each model in "
        f"service (alarms; prices of {PRICES_OF}); its dashboard ${DASHBOARD:.2f} where the "
        f"account has three already; each own metric up to ${CUSTOM_METRIC:.2f}, by the hours in "
        "which it is sent; data, images, logs and table by the GB"
    )
