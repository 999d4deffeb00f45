"""Which names are a stage's, where several stages share an account."""

import pytest

from kanmon.removal.names import Names, other_stages

SHORT = Names("kanmon", other_stages("kanmon", ["kanmon-dev", "kanmon"], ["kanmon-prod"]))


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("kanmon-abalone", True),
        ("kanmon-dev-abalone", False),  # of the stage kanmon-dev
        ("kanmon-prod-abalone", False),  # of one that only samconfig.toml knows
        ("kanmon-develop-abalone", True),  # of a model develop-abalone
        ("kanmon", False),
        ("other-kanmon-abalone", False),
    ],
)
def test_a_name_belongs_to_the_stage_with_the_longest_stack_name_that_begins_it(
    name: str, owned: bool
) -> None:
    assert SHORT.owns(name) is owned


@pytest.mark.parametrize(
    ("stack", "model"),
    [
        ("kanmon-serving-abalone", "abalone"),
        ("kanmon-serving-two-words", "two-words"),
        ("kanmon-dev-serving-abalone", None),
        ("kanmon-serving-", None),
        ("kanmon-serving-Upper", None),  # no model has this name
        ("kanmon", None),
    ],
)
def test_a_serving_stack_names_its_model(stack: str, model: str | None) -> None:
    assert SHORT.model_served_by(stack) == model


@pytest.mark.parametrize(
    ("logical", "name", "made"),
    [
        ("DataBucket", "kanmon-databucket-1abcdefghij2k", True),
        ("DataBucket", "kanmon-dev-databucket-1abcdefghij2k", False),
        ("DataBucket", "kanmon-databucket-mine", False),  # a person's
        ("DataBucket", "kanmon-pipelinebucket-1abcdefghij2k", False),
        ("ModelTable", "kanmon-ModelTable-1ABCDEFGHIJ2K", True),
    ],
)
def test_what_a_stack_retains_is_known_by_the_name_that_cloudformation_makes(
    logical: str, name: str, made: bool
) -> None:
    assert SHORT.made_for(logical, name) is made
