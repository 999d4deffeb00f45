"""What the steps say in English is known by the stage, so that it can say it in its language.

Each sentence here is written by the step itself: one that changes there is changed here too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from contract.dataset_checks import Counts, combinations, rejection, warnings
from contract.precision import Loss
from contract.problem import Problem, as_one_message
from core.words.catalogue import texts
from core.words.language import Speech, speaking
from core.words.steps import problem, translated
from evaluate.evaluation import BATCH_ONLY, SEEN, not_compared
from tests.support.step_sentences import Found, sentences

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


# What the code alone does not tell, each said elsewhere in the steps' code.
MADE_ELSEWHERE = {
    ("contract/dataset_checks.py", "fixes"),  # a warning's words
    ("contract/features.py", "found[0]"),  # of contract/feature_file.py
    ("gather/program.py", "mask.text(problem)"),  # what the model's own program raised
    ("preprocess/pipeline.py", "self._failure(read, rejected, forgiven)"),  # of all problems
    ("score/heads.py", "findings.message()"),
    ("score/pipeline.py", "as_one_message(lines)"),
    ("train/together.py", "as_one_message(found + kinds.lines(), note, count + kinds.count)"),
    ("train/learner.py", "f'trainer.parameters.{name}: {library} {refused[name]}'"),
    # Three calls that pass on what they were given, and a default that is no sentence.
    *(("reading/validation.py", each) for each in ("what", "str(reason)", "True")),
}
# What no page and no mail shows: a mistake in the code itself, and labels that are refused when
# they are put.
NOT_SHOWN = {"contract/step.py: X1: X2", "contract/step.py: str(error)"}
CODE = [one for one in sentences() if one.where != "observed/label_files.py"]
TOLD = [one for one in CODE if (one.where, one.expression) not in MADE_ELSEWHERE]
SHOWN = [one for one in TOLD if f"{one.where}: {one.sentence or one.expression}" not in NOT_SHOWN]
# Two English words beside each other, outside of commands, quotes and the names of things.
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b")


def without_code(text: str) -> str:
    return re.sub(r"`[^`]*`|（zero as missing）", "", text)


@pytest.mark.parametrize("found", SHOWN, ids=lambda one: f"{one.where}: {one.sentence}"[:90])
def test_every_sentence_in_the_steps_code_is_said_in_japanese(found: Found) -> None:
    """One that fails here needs its form in [step] of en.toml, and its text in ja.toml."""
    assert found.sentence is not None, f"{found.expression}: where does it say its sentences?"
    with speaking(Speech("ja")):
        said = translated(found.sentence)

    assert said != found.sentence
    assert ENGLISH.findall(without_code(said)) == []


def test_what_is_made_elsewhere_is_still_made() -> None:
    assert {(one.where, one.expression) for one in CODE} >= MADE_ELSEWHERE
    assert len(SHOWN) > 150


def test_a_problem_is_said_with_its_place_and_what_was_found_there() -> None:
    entry = {"what": "is below the minimum 0", "fix": "fill it in, or remove the row"}
    place = {"file": "a.csv", "row": 3, "line": 4, "column": "age", "value": "-1"}

    assert problem(entry | place) == (
        "a.csv row 3 (line 4), column age: '-1' is below the minimum 0; "
        "fill it in, or remove the row"
    )
    with speaking(Speech("ja")):
        assert problem(entry | place) == (
            "a.csv のデータ3行目（ファイルの4行目）、列 age: '-1' は最小値 0 を下回っています。"
            "値を入れるか、行を除いてください"
        )
        assert problem(entry) == "最小値 0 を下回っています。値を入れるか、行を除いてください"
        assert problem({"reason": "of another version"}) is None


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"file": "a.csv"},
        {"file": "a: b.csv", "row": 3},
        {"file": "a.csv", "row": 3, "line": 4, "column": "age"},
        {"file": "a.gz", "line": 4},
        {"column": "age", "value": "it's: 'x'; or so"},
    ],
)
def test_the_message_of_a_job_says_the_same_as_the_page(where: dict[str, Any]) -> None:
    """What a job leaves as its last words is one text; a page has the parts."""
    entry = {"what": "is not a number", "fix": "fill it in, or remove the row", **where}
    written = str(Problem(**entry))

    assert problem(entry) == written
    with speaking(Speech("ja")):
        assert translated(written) == problem(entry) != written


def test_of_several_problems_each_is_said() -> None:
    age = Problem("is not a number", "fill it in, or remove the row", "a.csv", 3, 4, "age", "x")
    lines = [f"{age} (and 1,203 more like it)", "and 2 more kinds of problem"]

    with speaking(Speech("ja")):
        said = translated(as_one_message(lines, " (1,206 of 4,177 rows are bad)"))

    assert said == (
        "データに2件の問題があります（4,177行のうち1,206行が不正）: "
        "(1) a.csv のデータ3行目（ファイルの4行目）、列 age: 'x' は数値ではありません。"
        "値を入れるか、行を除いてください（同様の問題がほかに1,203件） | (2) ほか2種類の問題"
    )


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
            # Of two that are alike in English, one may stand for both.
            plain = text.replace("{{", "{").replace("}}", "}")
            wanted = texts("ja")[key].replace("{{", "{").replace("}}", "}")
            assert translated(plain) == wanted, key
