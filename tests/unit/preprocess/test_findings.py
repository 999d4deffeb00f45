"""What is kept and said of many problems with the data."""

from __future__ import annotations

from contract.problem import Problem
from reading.findings import SAMPLES, Findings


def test_a_message_counts_the_problems_that_it_does_not_list() -> None:
    findings = Findings()
    for row in range(SAMPLES + 495):
        findings.add_fatal(Problem("is used twice", "keep one of them", "a.csv", row + 1))
    findings.add_row(Problem("is missing", "fill it in", "a.csv", 7, column="age"), 3)

    message = findings.message(" (3 of 700 rows are bad)")

    assert message.startswith("546 problems with the data (3 of 700 rows are bad): (1) a.csv row 1")
    assert f" | ({SAMPLES + 1}) and 495 more | " in message
    assert message.endswith("is missing; fill it in (and 2 more like it)")
