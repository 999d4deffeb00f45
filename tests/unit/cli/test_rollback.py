"""Which release a rollback brings back, and how."""

import pytest

from kanmon.errors import BadInputError
from kanmon.release_history import Event
from kanmon.rollback import release_before, roll_back, target_of
from tests.unit.cli.making_releases import release
from tests.unit.cli.standin import Pipeline, Stage
from tests.unit.cli.test_decision import item


def champion(number, **fields):
    return {"model": "wine", "item": "champion", "release": number, **fields}


def promoted(number, previous=None, event="promoted"):
    return Event("2026-11-21T08:00:00+00:00", event, number, previous=previous)


def test_after_a_promotion_it_is_the_one_that_was_in_service_before():
    assert release_before(champion(8, purpose="promotion", previous=6), []) == 6


def test_rolling_back_twice_goes_further_back_and_not_to_the_bad_release():
    events = [promoted(5), promoted(6, 5), promoted(7, 6), promoted(6, 7, "rolled back")]

    assert release_before(champion(6, purpose="rollback", previous=7), events) == 5


def test_before_the_first_release_there_is_none():
    assert release_before(champion(1, purpose="promotion"), [promoted(1)]) is None


def test_the_pipeline_is_started_with_the_earlier_releases_own_bundle():
    pipeline = Pipeline([])
    bundle = {
        "bundle_key": "releases/wine/6/bundle.zip",
        "bundle_version": "v6",
        "review_uri": "s3://data/releases/wine/6/review.html",
    }
    stage = Stage(
        [
            item(6, "PROMOTED", **bundle),
            item(7, "PROMOTED"),
            champion(7, purpose="promotion", previous=6),
        ],
        codepipeline=pipeline,
    )

    done = roll_back(stage, "wine", reason="errors\nin the north")

    assert (done.what, done.release.reference, done.execution) == ("started", "wine/6", "e-9")
    (started,) = pipeline.started
    assert {one["name"]: one["value"] for one in started["variables"]} == {
        "model": "wine",
        "release": "6",
        "purpose": "rollback",
        "review": "automatic",
        "summary": "rollback from release 7: errors in the north",
        "review_url": "https://us-east-1.console.aws.amazon.com/s3/object/data"
        "?region=us-east-1&prefix=releases/wine/6/review.html",
    }
    assert started["sourceRevisions"] == [
        {
            "actionName": "Bundle",
            "revisionType": "S3_OBJECT_KEY",
            "revisionValue": "releases/wine/6/bundle.zip",
        },
        {
            "actionName": "Bundle",
            "revisionType": "S3_OBJECT_VERSION_ID",
            "revisionValue": "v6",
        },
    ]


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (4, "there is no release wine/4"),
        (5, "release wine/5 was never in service: it is rejected"),
        (7, "release wine/7 is in service already"),
    ],
)
def test_only_what_was_in_service_is_brought_back(number, what):
    known = [
        release("PROMOTED", 7, in_service=True),
        release("PROMOTED", 6),
        release("REJECTED", 5),
    ]

    with pytest.raises(BadInputError) as refused:
        target_of(known, "wine", number, "")

    assert refused.value.what == what


def test_without_a_release_in_service_there_is_nothing_to_undo():
    with pytest.raises(BadInputError, match="model wine has no release in service"):
        roll_back(Stage([item()]), "wine")
