"""What a line of a step's log is called."""

from kanmon.runs.job_logs import Line, names_shown


def line(attempt: str, host: str) -> Line:
    return Line(0, attempt, f"kanmon-local-boats-{attempt}", "working", host)


def test_a_host_is_named_where_the_job_had_several() -> None:
    shown = names_shown(
        [
            line("train-0", "algo-2"),
            line("train-0", "algo-1"),
            line("evaluate-0", "algo-1"),
            line("preprocess-0", ""),
        ]
    )

    assert shown == {
        ("train-0", "algo-1"): "train-0 algo-1",
        ("train-0", "algo-2"): "train-0 algo-2",
        ("evaluate-0", "algo-1"): "evaluate-0",
        ("preprocess-0", ""): "preprocess-0",
    }
