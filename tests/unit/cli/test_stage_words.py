"""`kanmon deploy` refuses a language or a time zone that is not there, before it does anything."""

import pytest

from kanmon.deployment.words import check
from kanmon.errors import BadInputError
from kanmon.project import StageSettings


def settings(**parameters: str) -> StageSettings:
    return StageSettings("dev", "kanmon-dev", "us-east-1", None, parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"Language": "ja", "TimeZone": "Asia/Tokyo"},
        {"TimeZone": "America/Argentina/Ushuaia"},
        {"TimeZone": "Etc/GMT+9"},
    ],
)
def test_what_exists_passes(parameters: dict[str, str]) -> None:
    check(settings(**parameters))


@pytest.mark.parametrize(
    ("parameters", "what", "fix"),
    [
        (
            {"TimeZone": "Asia/Tokio"},
            "there is no TimeZone 'Asia/Tokio'",
            "Did you mean Asia/Tokyo?",
        ),
        (
            {"TimeZone": "asia/tokyo"},
            "there is no TimeZone 'asia/tokyo'",
            "Did you mean Asia/Tokyo?",
        ),
        ({"TimeZone": "?"}, "there is no TimeZone '?'", "Write an IANA name: Asia/Tokyo."),
        ({"TimeZone": ""}, "there is no TimeZone ''", "Write an IANA name: Asia/Tokyo."),
        ({"Language": "de"}, "there is no Language 'de'", "It is one of en, ja."),
    ],
)
def test_what_does_not_exist_is_named_with_its_place_and_a_fix(
    parameters: dict[str, str], what: str, fix: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        check(settings(**parameters))

    assert str(refused.value) == f"samconfig.toml: [dev.deploy.parameters]: {what}"
    assert refused.value.fix == fix
