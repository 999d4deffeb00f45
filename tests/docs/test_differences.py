"""The page about the local stage shows the differences as the code states them."""

from pathlib import Path

from localaws import differences

PAGE = Path(__file__).parents[2] / "docs" / "local-stage.md"


def test_the_table_of_differences_is_the_codes_own() -> None:
    page = PAGE.read_text()

    assert differences.renewed(page) == page, "run `make differences` to renew docs/local-stage.md"
