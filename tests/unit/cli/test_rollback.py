"""Which release a rollback brings back, and how."""

import pytest

from core.stage.release_history import HistoryEntry
from core.stage.release_records import Champion
from kanmon.errors import BadInputError
from kanmon.releases.rollback import release_before, release_to_bring_back, roll_back, target_of
from tests.support.sample_releases import item, release
from tests.support.standin import Pipeline, Stage


def champion(number, **fields):
    return Champion("wine", number, **fields)


CHAMPION = {
    "model": "wine",
    "item": "champion",
    "release": 7,
    "purpose": "promotion",
    "previous": 6,
}


def promoted(number, previous=None, event="promoted"):
    return HistoryEntry("2026-11-21T08:00:00+00:00", event, number, previous=previous)


def test_after_a_promotion_it_is_the_one_that_was_in_service_before():
    assert release_before(champion(8, purpose="promotion", previous=6), []) == 6


def test_rolling_back_twice_goes_further_back_and_not_to_the_bad_release():
    events = [promoted(5), promoted(6, 5), promoted(7, 6), promoted(6, 7, "rolled back")]

    assert release_before(champion(6, purpose="rollback", previous=7), events) == 5


def test_before_the_first_release_there_is_none():
    assert release_before(champion(1, purpose="promotion"), [promoted(1)]) is None


@pytest.mark.parametrize(
    ("answering", "brought_back"),
    [
        ([8], 6),
        ([8, 9], 6),  # a canary under way
        ([9], 8),  # 9 has all traffic, and is not recorded yet or could not be
        ([6], 6),  # brought back, and not recorded: never forward again to what was bad
        ([], 6),
    ],
)
def test_the_way_back_leads_away_from_what_answers(answering, brought_back):
    recorded = champion(8, purpose="promotion", previous=6)
    known = [release("PROMOTED", 6), release("PROMOTED", 8), release("APPROVED", 9)]

    assert release_to_bring_back(recorded, [], known, answering) == brought_back


class Production:
    """CloudFormation's, Lambda's and CodeDeploy's clients where a release has all traffic."""

    def __init__(self, release):
        self.release = str(release)

    def describe_stacks(self, **request):
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}

    def describe_stack_resource(self, **request):
        return {"StackResourceDetail": {"PhysicalResourceId": request["LogicalResourceId"]}}

    def list_deployments(self, **request):
        return {"deployments": []}

    def get_alias(self, **request):
        return {"FunctionVersion": self.release}

    def get_function_configuration(self, **request):
        return {"Environment": {"Variables": {"RELEASE": request["Qualifier"]}}}


def stage_where(release, *items, pipeline=None):
    """A stage whose live alias serves the release; 7 is recorded as the champion, after 6."""
    there = Production(release)
    return Stage(
        [
            item(6, "PROMOTED", bundle_key="6", bundle_version="v6", review_uri="s3://data/6"),
            item(7, "PROMOTED", bundle_key="7", bundle_version="v7", review_uri="s3://data/7"),
            CHAMPION,
            *items,
        ],
        cloudformation=there,
        codedeploy=there,
        codepipeline=pipeline,
        **{"lambda": there},
    )


def test_a_release_that_is_not_recorded_yet_is_what_a_rollback_leaves():
    pipeline = Pipeline([])

    done = roll_back(stage_where(8, pipeline=pipeline), "wine")

    assert (done.release.reference, done.serving) == ("wine/7", 8)
    assert pipeline.started[0]["variables"][6]["value"] == "rollback from release 8"


def test_a_release_that_is_coming_without_a_canary_is_to_be_stopped_and_not_waited_for():
    pipeline = Pipeline([], variables={"model": "wine", "release": "8"})
    lock = {"model": "wine", "item": "deployment-lock", "holder": "e-8"}

    with pytest.raises(BadInputError) as refused:
        roll_back(stage_where(7, lock, pipeline=pipeline), "wine")

    assert refused.value.what.startswith("release wine/8 is being deployed")
    assert "`kanmon stop wine/8` stops it" in refused.value.fix
    assert roll_back(stage_where(7, lock, pipeline=pipeline), "wine", 6).what == "started"


def test_a_promotion_that_is_recorded_is_undone_although_its_pipeline_has_not_ended():
    pipeline = Pipeline([], variables={"model": "wine", "release": "7"})
    lock = {"model": "wine", "item": "deployment-lock", "holder": "e-7"}

    done = roll_back(stage_where(7, lock, pipeline=pipeline), "wine")

    assert (done.what, done.release.reference, done.serving) == ("started", "wine/6", 7)


@pytest.mark.parametrize("answering", [6, 7])
def test_a_rollback_under_way_is_not_undone_by_another_one(answering):
    back = {"model": "wine", "release": "6", "purpose": "rollback"}
    lock = {"model": "wine", "item": "deployment-lock", "holder": "e-8"}
    stage = stage_where(answering, lock, pipeline=Pipeline([], variables=back))

    with pytest.raises(BadInputError, match="a rollback to release wine/6 is already running"):
        roll_back(stage, "wine")


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
            CHAMPION,
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
        "verify": "yes",
        "traffic": "all",
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
        (7, "release wine/7 is already in service"),
    ],
)
def test_only_what_was_in_service_is_brought_back(number, what):
    known = [
        release("PROMOTED", 7, in_service=True),
        release("PROMOTED", 6),
        release("REJECTED", 5),
    ]

    with pytest.raises(BadInputError) as refused:
        target_of(known, "wine", number, [7], "")

    assert refused.value.what == what


def test_what_is_recorded_can_be_brought_back_where_something_else_answers():
    known = [release("PROMOTED", 7, in_service=True), release("FAILED", 8)]

    assert target_of(known, "wine", 7, [8], "").reference == "wine/7"


def test_without_a_release_in_service_there_is_nothing_to_undo():
    with pytest.raises(BadInputError, match="model wine has no release in service"):
        roll_back(Stage([item()]), "wine")
