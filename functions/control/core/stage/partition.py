"""AWS's partitions: which hosts the registries of images and the console have in each."""

REGISTRY = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}
CONSOLE = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def partition_of(region: str) -> str:
    """The partition that a region is in.

    >>> partition_of("eu-west-1"), partition_of("cn-north-1"), partition_of("us-gov-west-1")
    ('aws', 'aws-cn', 'aws-us-gov')
    """
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def registry_host(account: str, region: str) -> str:
    """The registry of images of an account.

    >>> registry_host("123456789012", "cn-north-1")
    '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn'
    """
    return f"{account}.dkr.ecr.{region}.{REGISTRY[partition_of(region)]}"


def console_host(region: str) -> str:
    """Where the console of a region is.

    >>> console_host("us-gov-west-1")
    'us-gov-west-1.console.amazonaws-us-gov.com'
    """
    return f"{region}.{CONSOLE[partition_of(region)]}"
