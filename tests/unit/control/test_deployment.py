"""With what a release is deployed: made for one attempt, and kept for going back to it."""

import json
from dataclasses import replace

import pytest

from core.releases.deployment import (
    NotWithdrawableError,
    Wanted,
    as_artifact,
    as_kept,
    from_artifact,
    from_kept,
    made_for,
)
from core.stage.serving_stack import Deployed

TEMPLATE = """\
Parameters:
  Withdrawn:
    Default: "false"
Resources:
  ScoringFunction:
    Properties:
      Environment:
        Variables:
          ARTIFACT_SHA256: !Ref ArtifactSha256
          ATTEMPT: "none"
"""
# As releases were made before an attempt had a name, and before models could be withdrawn.
OLDER = TEMPLATE.replace('          ATTEMPT: "none"\n', "").replace("Withdrawn", "Other")
PARAMETERS = {"Release": "7", "PreviousRelease": "6", "Canary": "Linear10PercentEvery1Minute"}
DEPLOYED = Deployed(TEMPLATE, PARAMETERS, {"kanmon:model": "churn"})


@pytest.mark.parametrize(
    ("template", "withdrawn"), [(TEMPLATE, {"Withdrawn": "false"}), (OLDER, {})]
)
def test_every_attempt_has_its_own_name_in_the_functions_environment(
    template: str, withdrawn: dict[str, str]
) -> None:
    deployed = Deployed(template, PARAMETERS, {})
    first = made_for(deployed, Wanted("one"))
    second = made_for(first, Wanted("two"))

    assert '\n          ATTEMPT: "one"\n' in first.template
    assert second.template == first.template.replace("one", "two")
    assert first.parameters == PARAMETERS | withdrawn


def test_all_traffic_at_once_leaves_everything_else_as_it_was() -> None:
    made = made_for(DEPLOYED, Wanted("one", at_once=True))

    assert made.parameters == {**PARAMETERS, "Canary": "AllAtOnce", "Withdrawn": "false"}


@pytest.mark.parametrize(("in_service", "previous"), [("8", "8"), ("none", "none"), ("7", "none")])
def test_it_is_compared_with_what_is_in_service_now(in_service: str, previous: str) -> None:
    made = made_for(DEPLOYED, Wanted("one", previous=in_service))

    assert made.parameters["PreviousRelease"] == previous


def test_a_withdrawal_changes_what_the_function_answers() -> None:
    assert made_for(DEPLOYED, Wanted("one", withdrawn=True)).parameters["Withdrawn"] == "true"


def test_a_deployment_after_a_withdrawal_says_itself_that_the_model_is_in_service() -> None:
    """An update of a stack may keep the value of a parameter that is not given."""
    withdrawn = made_for(DEPLOYED, Wanted("one", withdrawn=True))

    for deployed in (DEPLOYED, withdrawn):
        assert made_for(deployed, Wanted("two")).parameters["Withdrawn"] == "false"


def test_what_was_made_before_withdrawing_is_refused() -> None:
    with pytest.raises(NotWithdrawableError):
        made_for(Deployed(OLDER, {}, {}), Wanted("one", withdrawn=True))


def test_a_kept_deployment_is_the_same_whichever_attempt_it_was() -> None:
    first, second = (made_for(DEPLOYED, Wanted(name, at_once=True)) for name in ("one", "two"))
    canary = PARAMETERS["Canary"]

    assert as_kept(first, canary) == as_kept(second, canary)
    assert from_kept(as_kept(first, canary)) == replace(
        DEPLOYED, parameters={**PARAMETERS, "Withdrawn": "false"}
    )


def test_an_artifact_gives_back_what_was_put_into_it() -> None:
    files = as_artifact(DEPLOYED)

    assert set(files) == {"packaged.yaml", "configuration.json"}
    assert json.loads(files["configuration.json"])["Parameters"] == PARAMETERS
    assert from_artifact(files) == DEPLOYED
