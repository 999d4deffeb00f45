"""What a file's header shows about the file."""

from collections.abc import Callable
from typing import Any

import pytest

from contract.plan import Plan
from contract.step import StepError

Run = Callable[..., Any]


def test_a_file_of_another_model_is_one_problem(run: Run) -> None:
    with pytest.raises(StepError) as failure:
        run({"rent.csv": "a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n"})

    assert str(failure.value) == (
        "rent.csv: has none of the model's columns ('length', 'rings', 'sex'), only 'a', 'b', "
        "'c', 'd', 'e' and 2 more; if it is another model's file, remove it; else rename its "
        "columns or change model.yaml"
    )


def test_a_name_that_is_hardly_alike_is_not_offered_for_a_missing_one(run: Run) -> None:
    with pytest.raises(StepError) as failure:
        run({"a.csv": "sex,rent,rings\nM,2,3\n"})

    assert "column length: is missing; add it to the file, or change" in str(failure.value)


def test_the_columns_of_a_query_are_wrong_once_and_not_in_each_of_its_files(
    run: Run, plan: Callable[..., Plan]
) -> None:
    given = "sex,rings,colour\nM,3,red\n"

    with pytest.raises(StepError) as failure:
        run({"1f8_00000": given, "1f8_00001": given}, plan(by_query=True))

    assert str(failure.value) == (
        "2 problems with the data: (1) gather.sql, column length: is missing; select it there, or "
        "change model.yaml | (2) gather.sql, column colour: is not in model.yaml; add it to "
        "features or ignore, or do not select it"
    )


def test_a_query_without_any_of_the_columns_is_one_problem(
    run: Run, plan: Callable[..., Plan]
) -> None:
    with pytest.raises(StepError) as failure:
        run({"1f8_00000": "a,b\n1,1\n", "1f8_00001": "a,b\n2,1\n"}, plan(by_query=True))

    assert str(failure.value) == (
        "gather.sql: has none of the model's columns ('length', 'rings', 'sex'), only 'a', 'b'; "
        "rename its columns or change model.yaml"
    )
