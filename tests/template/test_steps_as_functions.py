"""The steps as functions: the same images as the jobs', no way to the internet, no more rights.

Each rule holds for every function of stacks/compute.yaml, whichever steps it has.
"""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from core.stage.images import STEPS
from tests.support.translation import (
    ROOT,
    control_functions,
    denied,
    granted,
    nested,
    properties,
    resources,
    source,
    statements,
    step_functions,
)
from tests.support.workflow_definition import WORKFLOWS, states

BUCKET = "arn:aws:s3:::DataBucket"
DIGESTS = {step: f"sha256:{place:064x}" for place, step in enumerate(STEPS)}
FUNCTIONS = sorted(step_functions())
# The role of the job that does the same.
JOB_ROLES = {
    **dict.fromkeys(("preprocess", "train", "evaluate"), "JobRole"),
    "score": "ScoreJobRole",
    "monitor": "MonitorJobRole",
}
# All that is needed of a network for a function in it to reach S3, and nothing else.
NETWORK = {
    "AWS::EC2::RouteTable": 1,
    "AWS::EC2::SecurityGroup": 1,
    "AWS::EC2::Subnet": 2,
    "AWS::EC2::SubnetRouteTableAssociation": 2,
    "AWS::EC2::VPC": 1,
    "AWS::EC2::VPCEndpoint": 1,
}


def step_of(function: str) -> str:
    return function.removesuffix("Function").lower()


def role_of(function: str) -> str:
    return function.removesuffix("Function") + "Role"


def as_deployed(name: str) -> dict[str, Any]:
    return properties(name, StepImageDigests=",".join(DIGESTS.values()))


def policy_of_the_door() -> dict[str, Any]:
    [only] = statements(properties("DoorToS3")["PolicyDocument"])
    return only


def test_every_step_is_a_function_too() -> None:
    assert {step_of(name) for name in FUNCTIONS} == set(STEPS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_its_steps_image_by_the_digest_that_was_given(name: str) -> None:
    function = as_deployed(name)
    image = f"StepsRepository.RepositoryUri@{DIGESTS[step_of(name)]}"

    assert (function["PackageType"], function["Code"]) == ("Image", {"ImageUri": image})
    assert function["Architectures"] == ["x86_64"]  # as the machines of jobs
    assert function["Environment"]["Variables"] == {
        "KANMON_STEP": step_of(name),
        "KANMON_IMAGE": image,
        "KANMON_DISK_MB": "10000",
    }


@pytest.mark.parametrize("name", sorted(control_functions()))
def test_no_control_function_is_an_image(name: str) -> None:
    assert "PackageType" not in properties(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_begins_the_handler_that_the_image_carries(name: str) -> None:
    started = as_deployed(name)["ImageConfig"]
    [handler] = started["Command"]
    module, _, function = handler.rpartition(".")
    file = ROOT / "containers" / (module.replace(".", "/") + ".py")

    assert started["EntryPoint"] == ["/opt/venv/bin/python", "-m", "awslambdaric"]
    assert re.search(rf"^def {function}\(", file.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_has_all_time_and_disk_that_lambda_gives_and_the_memory_that_was_asked_for(
    name: str,
) -> None:
    function = as_deployed(name)

    assert function["Timeout"] == 900
    assert function["EphemeralStorage"] == {"Size": 10240}
    # It ends the step before the disk is full, so that it can still say so.
    assert int(function["Environment"]["Variables"]["KANMON_DISK_MB"]) < 10240
    assert function["MemorySize"] == 3008
    assert properties(name, StepMemoryMb=10240)["MemorySize"] == 10240


def test_it_gives_up_before_the_state_that_called_it() -> None:
    waiting = {
        state["Resource"].rpartition(":")[2]: state["TimeoutSeconds"]
        for workflow in WORKFLOWS
        for state in states("Task", workflow).values()
        if ":function:kanmon-test-step-" in state["Resource"]
    }
    timeouts = {
        function["FunctionName"]: function["Timeout"] for function in map(as_deployed, FUNCTIONS)
    }

    assert waiting.keys() == timeouts.keys()  # a step that no workflow calls is there for nothing
    assert all(timeouts[name] < seconds for name, seconds in waiting.items())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_logs_to_the_steps_own_group(name: str) -> None:
    # Steps write lines as they do in jobs, which are no JSON.
    assert as_deployed(name)["LoggingConfig"] == {"LogGroup": "StepsLogGroup"}


def test_nothing_is_made_where_no_digests_are_given() -> None:
    core = source()

    assert core["Resources"]["Compute"]["Condition"] == "HasStepFunctions"
    assert core["Parameters"]["StepImageDigests"]["Default"] == ""
    given = core["Parameters"]["StepImageDigests"]["AllowedPattern"]
    assert re.fullmatch(given, ",".join(DIGESTS.values()))
    assert not re.fullmatch(given, DIGESTS["train"])


# ---- Network


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_in_the_network_without_internet(name: str) -> None:
    assert as_deployed(name)["VpcConfig"] == {
        "SubnetIds": ["FirstSubnet", "SecondSubnet"],
        "SecurityGroupIds": ["OutgoingHttps"],
    }


def test_the_network_has_no_gateway_to_the_internet_and_no_route_but_s3s() -> None:
    kinds = [
        one["Type"]
        for one in nested("Compute")["Resources"].values()
        if one["Type"].startswith("AWS::EC2::")
    ]

    assert {kind: kinds.count(kind) for kind in kinds} == NETWORK
    for name in resources("AWS::EC2::Subnet"):
        subnet = properties(name)
        assert not subnet.keys() & {"MapPublicIpOnLaunch", "Ipv6CidrBlock", "AssignIpv6Address"}
        assert subnet["VpcId"] == "Network"


def test_every_subnet_has_the_one_table_of_routes_in_a_zone_of_its_own() -> None:
    subnets = {name: properties(name) for name in resources("AWS::EC2::Subnet")}
    tables = {
        (found := properties(name))["SubnetId"]: found["RouteTableId"]
        for name in resources("AWS::EC2::SubnetRouteTableAssociation")
    }

    assert tables == dict.fromkeys(subnets, "Routes")
    assert len({one["AvailabilityZone"] for one in subnets.values()}) == len(subnets)


def test_the_door_is_s3s_gateway_and_leads_to_the_data_bucket_alone() -> None:
    door = properties("DoorToS3")
    policy = policy_of_the_door()

    assert (door["VpcEndpointType"], door["ServiceName"], door["RouteTableIds"]) == (
        "Gateway",  # an interface would be billed by the hour
        "com.amazonaws.us-east-1.s3",
        ["Routes"],
    )
    assert policy["Effect"] == "Allow"
    assert policy["Resource"] == [BUCKET, f"{BUCKET}/*"]
    assert policy["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
    assert not [action for action in policy["Action"] if "*" in action]


def test_what_the_roles_may_do_in_the_bucket_passes_the_door_and_nothing_else_does() -> None:
    used = {
        action
        for name in FUNCTIONS
        for statement in granted(role_of(name))
        for action in statement["Action"]
        if action.startswith("s3:")
    }

    assert set(policy_of_the_door()["Action"]) == used


def test_functions_take_no_connections_and_open_them_to_https_only() -> None:
    group = properties("OutgoingHttps")
    [out] = group["SecurityGroupEgress"]

    assert "SecurityGroupIngress" not in group
    assert (out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("tcp", 443, 443)


# ---- Rights


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_may_do_nothing_that_its_job_may_not_but_write_to_attempts_and_its_log(
    name: str,
) -> None:
    step, job = step_of(name), granted(JOB_ROLES[step_of(name)])
    beyond = {
        (action, resource)
        for statement in granted(role_of(name))
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not any(covers(one, action, resource, statement) for one in job)
    }
    # The interfaces are Lambda's own matter: see below.
    own = {found for found in beyond if not found[0].startswith("ec2:")}

    log = "arn:aws:logs:us-east-1:123456789012:log-group:StepsLogGroup:*"
    assert own <= {
        ("s3:PutObject", f"{BUCKET}/attempts/*/*/{step}-*/{step}/*"),
        ("logs:CreateLogStream", log),
        ("logs:PutLogEvents", log),
    }


def covers(statement: dict[str, Any], action: str, resource: str, narrower: dict[str, Any]) -> bool:
    """Whether a statement allows all that another one does with this action on this resource."""
    if action not in statement["Action"]:
        return False
    if not any(fnmatchcase(resource, known) for known in statement["Resource"]):
        return False
    limits, own = statement.get("Condition"), narrower.get("Condition")
    return limits is None or own == limits or prefixes(own) <= prefixes(limits) != set()


def prefixes(condition: dict[str, Any] | None) -> set[str]:
    """The folders that a condition lets be listed; none where it says anything else."""
    said = (condition or {}).get("StringLike", {}).get("s3:prefix", [])
    return {said} if isinstance(said, str) else set(said)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_its_job_is_denied_it_is_denied_too(name: str) -> None:
    own = denied(role_of(name))

    assert [one for one in denied(JOB_ROLES[step_of(name)]) if one not in own] == []


@pytest.mark.parametrize("name", sorted({"TrainFunction", "EvaluateFunction"}))
def test_train_and_evaluate_open_no_data_set_and_no_snapshot(name: str) -> None:
    read = {
        resource
        for statement in granted(role_of(name))
        for resource in statement["Resource"]
        if {"s3:GetObject", "s3:GetObjectVersion"} & set(statement["Action"])
    }

    folders = {resource.removeprefix(f"{BUCKET}/").partition("/")[0] for resource in read}
    assert folders <= {"definitions", "runs", "attempts"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lambda_makes_its_interfaces_and_its_code_may_not(name: str) -> None:
    granted_of_ec2 = {
        action
        for statement in granted(role_of(name))
        for action in statement["Action"]
        if action.startswith("ec2:")
    }
    [denial] = [one for one in denied(role_of(name)) if one["Sid"] == "CodeOfTheFunctionDoesNot"]

    assert set(denial["Action"]) == granted_of_ec2
    assert denial["Resource"] == ["*"]
    [pattern] = denial["Condition"]["ArnEquals"].values()
    here = "arn:aws:lambda:us-east-1:123456789012:function:"
    assert fnmatchcase(f"{here}{as_deployed(name)['FunctionName']}", pattern)


def test_only_lambda_pulls_images_and_only_for_these_functions() -> None:
    [pulls] = statements(properties("StepsRepository")["RepositoryPolicyText"])
    pattern = pulls["Condition"]["StringLike"]["aws:SourceArn"]
    here = "arn:aws:lambda:us-east-1:123456789012:function:"

    assert pulls["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert pulls["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    for name in FUNCTIONS:
        assert fnmatchcase(f"{here}{as_deployed(name)['FunctionName']}", pattern)
    assert not fnmatchcase(f"{here}kanmon-other-step-train", pattern)
