"""`kanmon approve` and `kanmon reject`: what they wait for, and what if nothing waits."""

import itertools
from types import SimpleNamespace

import pytest

from kanmon.commands.approve import approve_or_reject
from kanmon.errors import BadInputError
from kanmon.releases.decision import still_opening
from kanmon.terminal.screen import Screen
from tests.support.sample_releases import BUNDLE, REVIEWED, detail, fold
from tests.support.standin import Pages, Pipeline, Stage

FETCHING = detail("Source", "Bundle", "InProgress")
OPENING = detail("Review", "ApproveRelease", "InProgress", began=1)
WAITS = detail("Review", "ApproveRelease", "InProgress", began=1, externalExecutionId="t-7")


class MovingPipeline(Pipeline):
    """A pipeline that stands differently each time it is asked, and at last as the last one."""

    def __init__(self, *states):
        super().__init__(states[-1])
        self._states = itertools.chain(states, itertools.repeat(states[-1]))

    def get_paginator(self, operation):
        return Pages(lambda **request: {"actionExecutionDetails": next(self._states)[::-1]})


def invocation_of(pipeline, execution="e-7"):
    release = {
        "model": "wine",
        "item": "release#000007",
        "release": 7,
        "status": "WAITING",
        "execution": execution,
        "verdict": "promote",
    }
    stage = Stage([release], codepipeline=pipeline)
    return SimpleNamespace(connection=stage, screen=Screen(as_json=False))


@pytest.mark.parametrize("if_waiting", [False, True])
def test_a_decision_waits_until_the_approval_has_opened(if_waiting, capsys):
    # Thrice as often as the local stage is looked at in a second.
    pipeline = MovingPipeline(
        *[[FETCHING]] * 30, *[[BUNDLE]] * 30, [BUNDLE, OPENING], [BUNDLE, WAITS]
    )
    invocation = invocation_of(pipeline)

    decided = approve_or_reject(invocation, "wine", "Approved", "", if_waiting=if_waiting)

    assert decided.reference == "wine/7"
    assert [one["token"] for one in pipeline.decisions] == ["t-7"]
    assert capsys.readouterr().out.startswith("Release wine/7 is approved\n")


def test_what_is_decided_already_is_not_waited_for(capsys):
    decided = MovingPipeline([BUNDLE, REVIEWED])

    with pytest.raises(BadInputError, match="release wine/7 was already approved by ada"):
        approve_or_reject(invocation_of(decided), "wine", "Approved", "")

    left = approve_or_reject(invocation_of(decided), "wine", "Approved", "", True)
    assert left is None
    assert capsys.readouterr().out == (
        "No release of wine waits for a review; none is in service\n"
    )


def test_a_release_whose_opening_broke_off_is_not_waited_for(capsys):
    lost = invocation_of(MovingPipeline([]), execution=None)

    assert approve_or_reject(lost, "wine", "Approved", "", True) is None
    assert capsys.readouterr().out.startswith("No release of wine waits for a review")


def test_an_approval_that_never_opens_is_said_to_be_missing(monkeypatch):
    monkeypatch.setattr("kanmon.releases.decision.OPENS_SECONDS", -1)

    with pytest.raises(BadInputError, match="release wine/7 does not wait for a decision yet"):
        approve_or_reject(invocation_of(MovingPipeline([FETCHING])), "wine", "Approved", "", True)


@pytest.mark.parametrize(
    ("details", "opens"),
    [
        ([], True),  # the pipeline has just been started
        ([FETCHING], True),
        ([BUNDLE], True),
        ([BUNDLE, OPENING], True),  # no token yet
        ([BUNDLE, WAITS], False),  # it is open
        ([BUNDLE, REVIEWED], False),
        ([detail("Source", "Bundle", "Failed")], False),
        ([detail("Source", "Bundle", "Abandoned")], False),  # the execution was stopped
        # Its model promotes by itself: the review was skipped.
        ([BUNDLE, detail("Verify", "AdmitRelease", "InProgress")], False),
    ],
)  # fmt: skip
def test_an_approval_opens_unless_it_was_decided_or_skipped_or_something_failed(details, opens):
    assert still_opening(fold(details[::-1])) is opens
