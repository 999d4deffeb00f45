"""The page about the local stage leaves out none of the differences the code admits."""

from pathlib import Path

from localaws import DIFFERENCES

PAGE = (Path(__file__).parents[2] / "docs" / "local-stage.md").read_text()


def test_the_page_says_of_every_difference_what_the_code_says() -> None:
    page = PAGE.replace("`", "")
    missing = [what for what, here in DIFFERENCES if f"| {what} | {here} |" not in page]

    assert missing == []
