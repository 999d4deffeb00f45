"""In which order things go, and which of them stay."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kanmon.removal.things import DATA, Kind, Thing, to_keep, to_remove

THINGS = st.lists(st.builds(Thing, st.sampled_from(list(Kind)), st.text("abc-", min_size=1)))
# Each pair: the first one needs the second one, or writes into it, or is listed only by it.
BEFORE = (
    (Kind.SCHEDULE, Kind.WORK),
    (Kind.WORK, Kind.SERVING),
    (Kind.DEFINITION, Kind.SERVING),
    (Kind.SERVING, Kind.STACK),  # it is deleted as the stack's role
    (Kind.IMAGES, Kind.STACK),  # a repository with images is not deleted
    (Kind.BUILDS, Kind.STACK),  # only their project lists them
    (Kind.SUBSCRIPTION, Kind.STACK),
    (Kind.RULE, Kind.STACK),  # a bus with rules is not deleted
    (Kind.STACK, Kind.LOGS),  # functions would write new ones
    (Kind.STACK, Kind.UPLOADS),  # CloudFormation may go back to them
    (Kind.STACK, Kind.PIPELINE_BUCKET),
    (Kind.STACK, Kind.DATA_BUCKET),
    (Kind.STACK, Kind.TABLE),
    (Kind.PIPELINE_BUCKET, Kind.ACCESS_LOGS),
    (Kind.DATA_BUCKET, Kind.ACCESS_LOGS),  # it logs there
    (Kind.STREAMS, Kind.ITEMS),  # only the items name the jobs
    (Kind.OBJECTS, Kind.RELEASES),  # their protection is lifted as shortly as possible
    (Kind.RELEASES, Kind.ITEMS),  # without the champion nobody would be asked again
)


def test_what_needs_another_thing_goes_before_it() -> None:
    things = [Thing(kind, "x") for kind in reversed(Kind)]

    order = [one.kind for one in to_remove(things, with_data=True)]

    assert [(a, b) for a, b in BEFORE if order.index(a) > order.index(b)] == []


@given(THINGS, st.booleans())
def test_everything_either_goes_or_stays_and_only_data_stays(
    things: list[Thing], with_data: bool
) -> None:
    gone, kept = to_remove(things, with_data=with_data), to_keep(things, with_data=with_data)

    assert sorted(map(str, [*gone, *kept])) == sorted(map(str, things))
    assert {one.kind for one in kept} <= DATA
    assert not (with_data and kept)
    assert (not with_data and not {one.kind for one in gone} & DATA) or with_data


@given(THINGS)
def test_things_of_one_kind_go_by_name_whatever_the_order_they_were_found_in(
    things: list[Thing],
) -> None:
    order = to_remove(things, with_data=True)

    assert order == to_remove(things[::-1], with_data=True)
    assert all(a.name <= b.name for a, b in pairwise(order) if a.kind is b.kind)
