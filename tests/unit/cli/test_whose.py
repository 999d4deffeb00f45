"""Keys as people write them on a command line."""

import pytest

from kanmon.errors import BadInputError
from kanmon.labels.whose import whose_of


@pytest.mark.parametrize(
    ("columns", "key", "fix"),
    [
        (["id"], "7,8", "A key is one value, of id."),
        (["shop", "day"], "7", "A key has 2 values, in this order: shop,day."),
    ],
)
def test_what_is_no_key_is_refused_with_what_one_is(columns: list[str], key: str, fix: str) -> None:
    with pytest.raises(BadInputError) as refused:
        whose_of(columns, [key], None, [])

    assert refused.value.fix == fix
