"""What the templates make is what a removal knows: every type of resource, every folder."""

import re

import pytest

from kanmon.removal.model_places import SHARED, places
from kanmon.removal.names import RETAINED_BUCKETS, RETAINED_TABLE
from kanmon.removal.probes import PARTS, PROBES
from kanmon.removal.write_once import STATEMENT
from tests.support.serving_template import translated as serving
from tests.support.translation import ROOT, STACKS, TEMPLATE, applications, nested, translated

MADE = {
    one["Type"]
    for template in (translated(), serving(), *map(nested, applications()))
    for one in template["Resources"].values()
}


def test_every_type_of_resource_can_be_asked_about_or_goes_with_another() -> None:
    assert sorted(MADE - PROBES.keys() - PARTS.keys()) == []


def test_every_call_of_a_probe_is_one_of_its_service() -> None:
    import boto3

    session = boto3.session.Session(region_name="us-east-1")
    clients = {one.service: session.client(one.service) for one in PROBES.values()}

    for kind, probe in PROBES.items():
        client = clients[probe.service]
        operation = client.meta.method_to_api_mapping[probe.operation]
        members = client.meta.service_model.operation_model(operation).input_shape.members
        assert probe.request("a|b").keys() <= members.keys(), kind


def test_every_folder_of_the_data_bucket_is_a_models_or_known_to_be_shared() -> None:
    texts = "".join(path.read_text() for path in (TEMPLATE, *STACKS))
    granted = set(re.findall(r"\$\{DataBucket(?:\.Arn|Arn)\}/([a-z-]+)/", texts))

    known = {prefix.partition("/")[0] for _, prefix in places("toys")} | set(SHARED)

    assert len(granted) > 8
    assert sorted(granted - known) == []


def test_what_outlives_the_stack_is_found_by_its_name() -> None:
    retained = {
        name
        for name, one in translated()["Resources"].items()
        if str(one.get("DeletionPolicy", "")).startswith("Retain")
    }

    assert retained == {*RETAINED_BUCKETS, RETAINED_TABLE}


def test_the_statement_that_a_removal_lifts_is_the_one_that_protects_releases() -> None:
    policy = translated()["Resources"]["DataBucketPolicy"]["Properties"]["PolicyDocument"]

    [found] = [one for one in policy["Statement"] if one["Sid"] == STATEMENT]

    assert found["Effect"] == "Deny"
    assert "s3:DeleteObjectVersion" in found["Action"]
    assert "Condition" not in found  # what is lifted is a condition


@pytest.mark.parametrize("path", sorted((ROOT / "stacks").glob("people.yaml")))
def test_no_role_for_people_may_delete_a_stage_or_a_model(path) -> None:
    text = path.read_text()

    allowed = set(re.findall(r"\b([a-z0-9]+:(?:Delete|Unsubscribe)\w*)", text))
    assert allowed <= {"s3:DeleteObject", "s3:DeleteObjectVersion"}
