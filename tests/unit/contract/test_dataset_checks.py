"""What several hosts found, added up."""

import json

import pytest

from contract.dataset_checks import MOST_COMBINATIONS, Counts, problems, warnings
from tests.support.training_cases import plan


def counts(distinct, losses=None, rows=300):
    written = {"train": rows, "validation": 0, "test": 0}
    values = {part: {} for part in written}
    found = Counts(written, {"size": rows}, values, [1.0, 2.0], distinct, losses or {})
    return json.loads(json.dumps(found.document()))


def test_the_different_rows_of_all_hosts_are_counted_once():
    merged = Counts.merged([counts([1, 2, 3]), counts([2, 3, 4])])

    [problem] = problems(plan(), merged)
    assert merged.distinct == [1, 2, 3, 4]
    assert problem.what.startswith("none of the 600 rows is in validation or test: the features ")
    assert "only 4 different combinations in 600 rows" in problem.what
    assert problem.fix == "name the columns that identify a row in data.key"


@pytest.mark.parametrize("other", [None, list(range(MOST_COMBINATIONS))])
def test_many_different_rows_of_one_host_are_many_of_all(other):
    assert Counts.merged([counts([-1]), counts(other)]).distinct is None


def test_lost_digits_of_any_host_are_a_warning():
    merged = Counts.merged([counts(None, {"ts": "its digits; fix"}), counts(None)])

    assert list(warnings(merged)) == ["ts loses digits: its digits; fix"]


def test_counts_of_an_earlier_version_are_still_read():
    earlier = counts(None)
    del earlier["distinct"], earlier["losses"]

    assert Counts.merged([earlier]).distinct is None
