"""Which ARNs an action can be granted on, and whether a granted ARN covers them."""

import re
from functools import cache

from policy_sentry.querying.actions import get_action_data

# Actions that could be granted on some resources, and would then not do what they are for.
NARROWED_AT_A_COST = {
    "cloudwatch:DescribeAlarms": "answers about composite alarms only if granted on everything",
    # The code of a function is denied them: tests/template/test_steps_as_functions.py.
    **{
        f"ec2:{action}": "Lambda takes no role that has them on named interfaces alone"
        for action in (
            "AssignPrivateIpAddresses",
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "UnassignPrivateIpAddresses",
        )
    },
}


def resource_formats(action: str) -> list[str]:
    """The ARNs an action can be granted on; empty if it names no resource."""
    service, name = action.split(":")
    rows = get_action_data(service, name)
    assert rows, f"{action} does not exist"
    return [
        row["resource_arn_format"] for row in rows[service] if row["resource_arn_format"] != "*"
    ]


def fits(arn: str, arn_format: str) -> bool:
    """Whether some ARN of the format is among those granted; both may have wildcards."""
    return overlap(arn, re.sub(r"\$\{\w+\}", "*", arn_format))


@cache
def overlap(one: str, other: str) -> bool:
    if "*" in (one[:1], other[:1]):
        if one[:1] != "*":
            one, other = other, one
        return overlap(one[1:], other) or (other != "" and overlap(one, other[1:]))
    if not one or not other:
        return one == other
    return one[0] == other[0] and overlap(one[1:], other[1:])
