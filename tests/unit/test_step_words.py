"""What the steps say in English is known by the stage, so that it can say it in its language.

Each sentence here is written by the step itself: one that changes there is changed here too.
"""

from __future__ import annotations

import pytest

from contract.dataset_checks import Counts, combinations, rejection, warnings
from contract.precision import Loss
from core.words.catalogue import texts
from core.words.language import Speech, speaking
from core.words.steps import translated
from evaluate.evaluation import BATCH_ONLY, SEEN, not_compared

UNSEEN = {"train": {"sex": {"M": 8}}, "validation": {"sex": {"I": 2}}, "test": {"sex": {"M": 1}}}
MANY = {"train": {"sex": None}, "validation": {"sex": {}}, "test": {"sex": {}}}


def counts(**changed: object) -> Counts:
    known = {"written": {"train": 600}, "present": {}, "values": UNSEEN, "extremes": []}
    return Counts(**{**known, **changed})  # type: ignore[arg-type]


def of_dataset(**changed: object) -> list[str]:
    return list(warnings(counts(**changed)))


def loss(kept: int, offset: float | None) -> str:
    lost = Loss(4000, kept, 3968, offset)
    return f"{lost}; {lost.fix}"


SEEN_ALL = "it was trained on all of these test rows; set the shares in split back"
ANOTHER = (
    "its target is 'rings', the candidate's is 'age'; give a model for another question a new name"
)
NOTHING: dict[str, dict[str, dict[str, int]]] = {"train": {}, "validation": {}, "test": {}}
SENTENCES = [
    *rejection(4177, 12),
    *of_dataset(),
    *of_dataset(values=MANY),
    *of_dataset(values=NOTHING, losses={"time": loss(32, 1.7e9)}),
    *of_dataset(values=NOTHING, losses={"time": loss(4000, None)}),
    *of_dataset(values=NOTHING, distinct=[1, 2, 3]),
    *of_dataset(values=NOTHING, distinct=[1]),
    BATCH_ONLY,
    f"1,204 test rows {SEEN}",
    not_compared("champion", SEEN_ALL),
    not_compared("reference", ANOTHER),
]


def test_the_steps_say_something_of_each_kind() -> None:
    assert len(SENTENCES) == 11
    assert any(combinations(3, 600) in each for each in SENTENCES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_of_a_step_is_said_in_japanese(sentence: str) -> None:
    with speaking(Speech("ja")):
        said = translated(sentence)

    assert said != sentence
    assert not any(word in said for word in (" the ", " rows", " its ", " of "))


def test_what_the_sentence_is_about_is_kept() -> None:
    (sentence,) = of_dataset()
    with speaking(Speech("ja")):
        assert translated(sentence) == (
            "sex: validation の1個の値（2行）は学習データにありません。例: 'I'"
        )


def test_an_unknown_sentence_and_every_sentence_in_english_stay_as_they_are() -> None:
    assert [translated(each) for each in SENTENCES] == SENTENCES
    with speaking(Speech("ja")):
        assert (
            translated("a step of another version says so") == "a step of another version says so"
        )


def test_what_a_sentence_quotes_is_never_read_as_a_place() -> None:
    with speaking(Speech("ja")):
        assert "{read.__class__}" in translated("{read.__class__} loses digits: {0}")


def test_each_form_is_the_form_of_itself_alone() -> None:
    forms = {key: text for key, text in texts("en").items() if key.startswith("step.")}
    with speaking(Speech("ja")):
        for key, text in forms.items():
            assert translated(text) == texts("ja")[key], key
