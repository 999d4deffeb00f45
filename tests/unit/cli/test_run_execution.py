"""A history of events, read as the states that passed."""

from datetime import UTC, datetime, timedelta

from kanmon.runs.execution import Visit, visits

START = datetime(2026, 11, 21, tzinfo=UTC)


def event(kind, at, state=None):
    found = {"type": kind, "timestamp": START + timedelta(seconds=at)}
    if state:
        found["stateEnteredEventDetails" if "Entered" in kind else "stateExitedEventDetails"] = {
            "name": state
        }
    return found


def at(seconds):
    return START + timedelta(seconds=seconds)


def test_task_states_are_told_with_their_times_and_choices_are_not():
    events = [
        event("ExecutionStarted", 0),
        event("TaskStateEntered", 0, "Open Run"),
        event("TaskStateExited", 1, "Open Run"),
        event("ChoiceStateEntered", 1, "Anything New?"),
        event("ChoiceStateExited", 1, "Anything New?"),
        event("TaskStateEntered", 1, "Preprocess"),
    ]

    assert visits(events) == [
        Visit("Open Run", at(0), at(1)),
        Visit("Preprocess", at(1), None),
    ]


def test_the_attempts_of_a_state_are_counted():
    events = [
        event("TaskStateEntered", 0, "Train"),
        event("TaskScheduled", 0),
        event("TaskFailed", 1),
        event("TaskScheduled", 2),
        event("TaskStateExited", 3, "Train"),
    ]

    assert visits(events) == [Visit("Train", at(0), at(3), attempts=2)]


def test_a_state_that_was_left_through_a_catch_has_ended():
    events = [
        event("TaskStateEntered", 0, "Train"),
        event("TaskFailed", 1),
        event("TaskStateEntered", 2, "Report Failure"),
    ]

    assert visits(events)[0].ended == at(2)
