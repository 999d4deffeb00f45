"""What a report may hold: JSON has no number for what is not one."""

from contract.reports import without_nan


def test_no_nan_survives():
    assert without_nan({"a": [float("nan"), (float("inf"), 1.5)], "b": None}) == {
        "a": [None, [None, 1.5]],
        "b": None,
    }
