"""How each service is asked whether a resource is still there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from kanmon.removal.things import Resource

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

MISSING = {
    *("404", "NoSuchBucket", "NoSuchEntity", "NotFound", "NotFoundException", "NoSuchKey"),
    *("ResourceNotFound", "ResourceNotFoundException", "RepositoryNotFoundException"),
    *("StateMachineDoesNotExist", "PipelineNotFoundException", "EntityNotFoundException"),
    *("ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"),
    *(
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "DashboardNotFoundError",
        "ParameterNotFound",
    ),
}
# What services say that have one code for everything that is wrong with a request.
SAID = ("does not exist", "not found", "is not there", "could not be found")


def is_missing(error: ClientError) -> bool:
    """Does the error say that what was asked about is not there?"""
    code = str(error.response["Error"].get("Code", ""))
    words = str(error.response["Error"].get("Message", "")).lower()
    # EC2 has a code for each type: InvalidSubnetID.NotFound, InvalidGroup.NotFound.
    if code in MISSING or (code.startswith("Invalid") and code.endswith(".NotFound")):
        return True
    return code in ("ValidationError", "ValidationException", "InvalidRequestException") and any(
        said in words for said in SAID
    )


def _answered(_answer: Any) -> bool:
    return True


@dataclass(frozen=True)
class Probe:
    """A call of one service about one resource; `there` reads the answer, if one comes."""

    service: str
    operation: str
    request: Callable[[str], dict[str, Any]]
    there: Callable[[Any], bool] = _answered
    # Where the service is asked, if it is not in every region.
    region: str | None = None


def _named(parameter: str) -> Callable[[str], dict[str, Any]]:
    return lambda name: {parameter: name}


def _listed(parameter: str) -> Callable[[str], dict[str, Any]]:
    return lambda name: {parameter: [name]}


def _last(parameter: str, separator: str) -> Callable[[str], dict[str, Any]]:
    return lambda name: {parameter: name.rpartition(separator)[2]}


def _rule(name: str) -> dict[str, Any]:
    """A rule of another bus than the default one is `<bus>|<rule>`."""
    bus, bar, rule = name.rpartition("|")
    return {"Name": rule, "EventBusName": bus} if bar else {"Name": rule}


def _schedule(name: str) -> dict[str, Any]:
    group, bar, schedule = name.rpartition("|")
    return {"Name": schedule, "GroupName": group} if bar else {"Name": schedule}


def _has(member: str) -> Callable[[Any], bool]:
    return lambda answer: bool(answer.get(member))


def _stack_is_there(answer: Any) -> bool:
    return any(one["StackStatus"] != "DELETE_COMPLETE" for one in answer["Stacks"])


def _endpoint_is_there(answer: Any) -> bool:
    # EC2 lists one that was deleted for a while.
    gone = ("deleting", "deleted")
    return any(one.get("State", "").lower() not in gone for one in answer["VpcEndpoints"])


# The chat service knows the configurations of all regions, and answers in some of them.
CHAT_REGION = "us-east-2"
PROBES = {
    "AWS::Athena::WorkGroup": Probe("athena", "get_work_group", _named("WorkGroup")),
    "AWS::Chatbot::SlackChannelConfiguration": Probe(
        "chatbot",
        "describe_slack_channel_configurations",
        _named("ChatConfigurationArn"),
        _has("SlackChannelConfigurations"),
        CHAT_REGION,
    ),
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": Probe(
        "chatbot",
        "get_microsoft_teams_channel_configuration",
        _named("ChatConfigurationArn"),
        _has("ChannelConfiguration"),
        CHAT_REGION,
    ),
    "AWS::CloudFormation::Stack": Probe(
        "cloudformation", "describe_stacks", _named("StackName"), _stack_is_there
    ),
    "AWS::CloudWatch::Alarm": Probe(
        "cloudwatch",
        "describe_alarms",
        lambda name: {"AlarmNames": [name]},
        lambda answer: bool(answer.get("MetricAlarms") or answer.get("CompositeAlarms")),
    ),
    "AWS::CloudWatch::Dashboard": Probe("cloudwatch", "get_dashboard", _named("DashboardName")),
    "AWS::CodeBuild::Project": Probe(
        "codebuild", "batch_get_projects", lambda name: {"names": [name]}, _has("projects")
    ),
    "AWS::CodeDeploy::Application": Probe(
        "codedeploy", "get_application", _named("applicationName")
    ),
    "AWS::CodePipeline::Pipeline": Probe("codepipeline", "get_pipeline", _named("name")),
    "AWS::DynamoDB::Table": Probe("dynamodb", "describe_table", _named("TableName")),
    **{
        f"AWS::EC2::{kind}": Probe("ec2", operation, _listed(parameter), _has(member))
        for kind, operation, parameter, member in (
            ("RouteTable", "describe_route_tables", "RouteTableIds", "RouteTables"),
            ("SecurityGroup", "describe_security_groups", "GroupIds", "SecurityGroups"),
            ("Subnet", "describe_subnets", "SubnetIds", "Subnets"),
            ("VPC", "describe_vpcs", "VpcIds", "Vpcs"),
        )
    },
    "AWS::EC2::VPCEndpoint": Probe(
        "ec2", "describe_vpc_endpoints", _listed("VpcEndpointIds"), _endpoint_is_there
    ),
    "AWS::ECR::Repository": Probe(
        "ecr", "describe_repositories", lambda name: {"repositoryNames": [name]}
    ),
    "AWS::Events::EventBus": Probe("events", "describe_event_bus", _named("Name")),
    "AWS::Events::Rule": Probe("events", "describe_rule", _rule),
    "AWS::Glue::Database": Probe("glue", "get_database", _named("Name")),
    "AWS::IAM::ManagedPolicy": Probe("iam", "get_policy", _named("PolicyArn")),
    "AWS::IAM::Role": Probe("iam", "get_role", _named("RoleName")),
    "AWS::Lambda::EventSourceMapping": Probe("lambda", "get_event_source_mapping", _named("UUID")),
    "AWS::Lambda::Function": Probe("lambda", "get_function", _named("FunctionName")),
    "AWS::Lambda::LayerVersion": Probe("lambda", "get_layer_version_by_arn", _named("Arn")),
    "AWS::Logs::LogGroup": Probe(
        "logs",
        "describe_log_groups",
        _named("logGroupNamePrefix"),
    ),
    "AWS::S3::Bucket": Probe("s3", "head_bucket", _named("Bucket")),
    "AWS::SageMaker::MlflowApp": Probe(
        "sagemaker",
        "describe_mlflow_app",
        _named("Arn"),
        lambda answer: answer.get("Status") not in ("Deleting", "Deleted"),
    ),
    "AWS::SNS::Subscription": Probe(
        "sns", "get_subscription_attributes", _named("SubscriptionArn")
    ),
    "AWS::SNS::Topic": Probe("sns", "get_topic_attributes", _named("TopicArn")),
    "AWS::SQS::Queue": Probe("sqs", "get_queue_attributes", _named("QueueUrl")),
    "AWS::Scheduler::Schedule": Probe("scheduler", "get_schedule", _schedule),
    "AWS::Scheduler::ScheduleGroup": Probe("scheduler", "get_schedule_group", _named("Name")),
    "AWS::SSM::Parameter": Probe("ssm", "get_parameter", _named("Name")),
    "AWS::StepFunctions::StateMachine": Probe(
        "stepfunctions",
        "describe_state_machine",
        _named("stateMachineArn"),
        lambda answer: answer.get("status") != "DELETING",  # its executions have been stopped
    ),
    # QuickSight's physical ids are `<account>|<id>`.
    "AWS::QuickSight::Dashboard": Probe(
        "quicksight", "describe_dashboard", _last("DashboardId", "|")
    ),
    "AWS::QuickSight::DataSet": Probe("quicksight", "describe_data_set", _last("DataSetId", "|")),
    "AWS::QuickSight::DataSource": Probe(
        "quicksight", "describe_data_source", _last("DataSourceId", "|")
    ),
}
# What cannot outlive the resource that it is a part of, and has no name that can be asked about.
PARTS = {
    "AWS::CodeDeploy::DeploymentGroup": "its application",
    "AWS::EC2::SubnetRouteTableAssociation": "its subnet",
    "AWS::Events::EventBusPolicy": "its bus",
    "AWS::Glue::Table": "its database",
    "AWS::IAM::Policy": "its role",
    "AWS::Lambda::Alias": "its function",
    "AWS::Lambda::EventInvokeConfig": "its function",
    "AWS::Lambda::Permission": "its function",
    "AWS::Lambda::Url": "its function",
    "AWS::Lambda::Version": "its function",
    "AWS::S3::BucketPolicy": "its bucket",
    "AWS::SNS::TopicPolicy": "its topic",
    "AWS::SQS::QueuePolicy": "its queue",
}


def is_there(connection: "Connection", resource: Resource) -> bool:
    """Ask the resource's service about it."""
    probe = PROBES[resource.type]
    request = probe.request(resource.name)
    if probe.service == "quicksight":
        request["AwsAccountId"] = connection.account
    client = (
        connection.client_in(probe.service, probe.region)
        if probe.region
        else connection.client(probe.service)
    )
    try:
        answer = getattr(client, probe.operation)(**request)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    if resource.type == "AWS::Logs::LogGroup":  # it is asked for by the beginning of its name
        return any(one["logGroupName"] == resource.name for one in answer["logGroups"])
    return probe.there(answer)


def unknown(resources: tuple[Resource, ...]) -> tuple[str, ...]:
    """Types of resources that nobody here knows how to ask about."""
    return tuple(sorted({one.type for one in resources} - PROBES.keys() - PARTS.keys()))
