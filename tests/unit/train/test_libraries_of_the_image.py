"""What Train's image holds besides what Evaluate's does: Optuna, and of its dependencies the few
that a search loads."""

from slim import LEARNING, NEVER_LOADED, WANTED, closure


def test_only_trains_image_has_optuna_and_none_has_a_database() -> None:
    added = closure(WANTED["train"]) - closure(LEARNING)

    assert {name for name, wanted in WANTED.items() if "optuna" in wanted} == {"train"}
    assert added == {"optuna", "colorlog", "tqdm"} | (added & {"packaging", "colorama"})
    for kind, wanted in WANTED.items():
        assert not closure(wanted) & NEVER_LOADED, kind
