"""What a file's header shows about the file."""

from collections.abc import Callable
from typing import Any

import pytest

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
