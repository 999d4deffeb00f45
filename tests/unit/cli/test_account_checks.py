"""What is checked of an account before anything is deployed to it: names, quotas, networks."""

import pytest

from kanmon.deployment import account_checks
from kanmon.deployment.machine_checks import Check


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ({"ml.m5.large for processing job usage": 4.0}, "ok"),
        ({"ml.m5.large for processing job usage": 1.0}, "fail"),
        ({}, "warn"),  # the quota's name is not there to be read
    ],
)
def test_quotas_are_compared_with_what_the_models_ask_for(limits, outcome):
    assert (
        account_checks.quota_check("ml.m5.large for processing job usage", 2, limits).outcome
        == outcome
    )


def test_the_machines_of_all_models_are_asked_for(project):
    path = project.root / "models/wine/model.yaml"
    text = path.read_text()
    processing = "ml.m5.large for processing job usage"

    path.write_text(text + "compute:\n  preprocess: {hosts: 3}\n")
    assert account_checks.machines(project) == {processing: 3}

    path.write_text(text + "compute:\n  train: {hosts: 4}\n")
    training = "ml.m5.large for training job usage"
    assert account_checks.machines(project) == {processing: 1, training: 4}

    path.write_text(text + "resources: {train: {instance_types: [ml.m6i.large, ml.m5.large]}}\n")
    other = "ml.m6i.large for processing job usage"
    assert account_checks.machines(project) == {processing: 1, other: 1}

    # A run without a spot machine goes on with a processing job.
    path.write_text(text + "compute:\n  train: spot\n")
    spot = "ml.m5.large for spot training job usage"
    assert account_checks.machines(project) == {processing: 1, spot: 1}
    assert account_checks.quota_check(spot, 1, {spot: 0.0}).outcome == "warn"


def test_the_machine_of_a_job_that_gathers_is_asked_for_too(project):
    path = project.root / "models/wine/model.yaml"
    path.write_text(path.read_text() + "gather: {}\n")
    (path.parent / "gather.py").write_text("def gather(folder, secret): ...\n")

    assert account_checks.machines(project) == {
        "ml.m5.large for processing job usage": 1,
        "ml.t3.medium for processing job usage": 1,
    }


@pytest.mark.parametrize(
    ("stack", "outcome"), [("kanmon-dev", "ok"), ("kanmon-development", "fail")]
)
def test_a_stack_name_must_leave_room_for_job_names(project, stack, outcome):
    path = project.root / "samconfig.toml"
    path.write_text(path.read_text().replace("kanmon-dev", stack))

    (check,) = account_checks.settings(project, "dev")

    assert check == Check(outcome, "stack name", stack, check.fix)


def test_the_doctor_of_an_account_without_credentials_fails_aloud(kanmon, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    result = kanmon("doctor", "--stage", "dev")

    assert result.exit_code == 1
    assert "ok    region       eu-central-1" in result.stdout
    assert "fail  credentials  there are no AWS credentials." in result.stdout


@pytest.mark.parametrize(
    ("limit", "unreserved", "outcome"),
    [
        (1000, 1000, "ok"),
        (1000, 115, "warn"),  # enough in all, but something else has reserved it
        (110, 110, "fail"),
        (10, 10, "fail"),  # what new accounts often have
    ],
)
def test_lambda_must_be_able_to_reserve_what_the_scorers_ask_for(limit, unreserved, outcome):
    wanted = {"wine": 10, "beer": 10}

    assert account_checks.concurrency_check(wanted, limit, unreserved).outcome == outcome


@pytest.mark.parametrize(
    ("there", "own", "limits", "outcome"),
    [
        (4, False, {"VPCs per Region": 5.0}, "ok"),
        (5, False, {"VPCs per Region": 5.0}, "fail"),
        (5, True, {"VPCs per Region": 5.0}, "ok"),  # the stage's is one of them
        (1, False, {}, "warn"),
    ],
)
def test_the_steps_as_functions_need_a_network_of_their_own(there, own, limits, outcome):
    assert account_checks.network_check(there, own, limits).outcome == outcome


def test_a_stages_own_network_is_known_by_its_name():
    pages = [{"Vpcs": [{"Tags": [{"Key": "Name", "Value": "kanmon-dev-steps"}]}, {}]}]

    assert account_checks.networks("kanmon-dev", pages) == (2, True)
    assert account_checks.networks("kanmon", pages) == (2, False)


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ({"Concurrently running builds for ARM/Small environment": 1.0}, "ok"),
        ({"Concurrently running builds for Linux/Small environment": 0.0}, "fail"),
        ({"Build projects": 5000.0}, "warn"),
    ],
)
def test_a_release_needs_one_build_at_a_time(limits, outcome):
    assert account_checks.build_check(limits).outcome == outcome
