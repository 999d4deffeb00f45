"""Who may start jobs from a notebook, and which."""

from tests.support.policy_decisions import may

HERE = "us-east-1:123456789012"
SCIENTIST = "DataScientistRole"


def test_a_data_scientist_starts_short_jobs_without_a_network_under_names_of_their_own() -> None:
    job = f"arn:aws:sagemaker:{HERE}:processing-job/kanmon-test-explore--a"
    of_a_run = (
        f"arn:aws:sagemaker:{HERE}:processing-job/kanmon-test-explore-261201031709-0a1-train-0"
    )

    def start(role: str = SCIENTIST, name: str = job, **asked: str) -> bool:
        within = {"sagemaker__NetworkIsolation": "true", "sagemaker__MaxRuntimeInSeconds": "14400"}
        context = {key: value for key, value in (within | asked).items() if value}
        return may(role, "sagemaker:CreateProcessingJob", name, **context)

    assert start()
    assert not start(sagemaker__NetworkIsolation="false")
    assert not start(sagemaker__NetworkIsolation="")  # a request that says nothing of it
    assert not start(sagemaker__MaxRuntimeInSeconds="14401")
    assert not start(sagemaker__MaxRuntimeInSeconds="")
    assert not start(name=of_a_run)
    for role in ("ApproverRole", "OperatorRole", "StewardRole"):
        assert not start(role)
