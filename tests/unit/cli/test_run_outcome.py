"""What is said of a run when it has ended."""

from kanmon.project import Project
from kanmon.runs.execution import Ending
from kanmon.runs.outcome import describe
from tests.support.standin import Stage


def test_a_run_that_found_nothing_new_passes_on_all_that_was_found(project: Project) -> None:
    output = {
        "outcome": "nothing new",
        "equals": "wine-1",
        "summary": "nothing new: data and definition are those of run wine-1; its candidate is "
        "registered and has no release; open one with `kanmon run wine --force`",
    }

    told = describe(Stage(), project, "wine", "wine-2", Ending("SUCCEEDED", output, "", "", 1.0))

    assert told.lines == [
        "Nothing new: data and definition are those of run wine-1; its candidate is registered "
        "and has no release; open one with `kanmon run wine --force`.",
        "`kanmon show wine-1` shows its result; --force trains again.",
    ]
