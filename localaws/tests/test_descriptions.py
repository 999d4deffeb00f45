"""botocore's descriptions of services are read once, and are the same as without us."""

from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from ministack.core import iam_actions, responses

from localaws import descriptions
from localaws.patches import service_models
from localaws.server import SERVICES

# By MiniStack's names.
SERVED = [*SERVICES.split(","), "sagemaker", "codebuild", "codepipeline", "codedeploy"]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.session, "create_loader", botocore.session.create_loader)
    descriptions.share()


@pytest.mark.usefixtures("shared")
def test_all_sessions_read_through_one_loader() -> None:
    one, other = (botocore.session.get_session().get_component("data_loader") for _ in range(2))

    assert one is other is descriptions.loader()


@pytest.mark.usefixtures("shared")
def test_a_session_with_descriptions_of_its_own_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))

    found = botocore.session.get_session().get_component("data_loader")

    assert str(tmp_path) in found.search_paths
    assert found is not descriptions.loader()


@pytest.mark.parametrize("service", ["sagemaker", "s3", "stepfunctions"])
def test_the_loader_finds_what_botocores_finds(service: str) -> None:
    kinds = ("service-2", "paginators-1", "endpoint-rule-set-1")
    botocores = Loader()

    for kind in kinds:
        found = descriptions.loader().load_service_model(service, kind)
        assert found == botocores.load_service_model(service, kind)


def test_a_service_that_nobody_knows_is_refused_as_by_botocore() -> None:
    with pytest.raises(UnknownServiceError):
        descriptions.service("shop")


@pytest.mark.parametrize("name", SERVED)
def test_ministack_reads_the_same_descriptions_as_by_itself(name: str) -> None:
    own = responses._BOTOCORE_NAME.get(name, name)

    described = [service_models._described(own), iam_actions._load_botocore_model(own)]
    assert described[0]["operations"] == described[1]["operations"]
    members = [
        {shape: set(has.get("members", ())) for shape, has in one["shapes"].items()}
        for one in described
    ]
    assert members[0] == members[1]
    ours, theirs = service_models._model(name), responses._service_model(name)
    assert ours is not None
    assert (ours.metadata, ours.service_name) == (theirs.metadata, theirs.service_name)


def test_ministack_learns_nothing_of_a_service_without_a_description() -> None:
    assert (service_models._described("shop"), service_models._model("shop")) == ({}, None)
