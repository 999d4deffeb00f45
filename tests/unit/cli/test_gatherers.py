"""The parameter GatherModels is checked before a stage is deployed."""

import pytest

from kanmon.deployment import gatherers
from kanmon.errors import BadInputError
from kanmon.project import StageSettings


def settings(names: str | None) -> StageSettings:
    given = {} if names is None else {"GatherModels": names}
    return StageSettings("dev", "kanmon-dev", "eu-west-1", None, given)


@pytest.mark.parametrize("names", [None, "", "crm", "crm,sea-shells,crm-2"])
def test_names_of_models_are_taken(names: str | None) -> None:
    gatherers.check(settings(names))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("crm,CRM", "GatherModels: 'CRM' names no model. A name has 2 to 20 lower-case letters"),
        ("crm, sea", "GatherModels: ' sea' names no model"),
        ("crm,sea,crm", "GatherModels: crm is there twice. Remove one."),
        ("sea-shells,seashells", "sea-shells and seashells differ by hyphens only. Rename one"),
    ],
)
def test_what_cloudformation_would_refuse_without_a_reason_is_one_clear_line(
    names: str, words: str
) -> None:
    with pytest.raises(BadInputError) as error:
        gatherers.check(settings(names))

    assert words in error.value.line()
    assert error.value.line().startswith("samconfig.toml: [dev.deploy.parameters] GatherModels: ")
