"""The page about the local stage leaves out none of the differences the code admits."""

from pathlib import Path

from kanmon.local import DIFFERENCES

PAGE = (Path(__file__).parents[2] / "docs" / "local-stage.md").read_text()


def test_the_page_has_a_row_for_every_difference() -> None:
    missing = [what for what, _ in DIFFERENCES if f"| {what} | " not in PAGE]

    assert missing == []
