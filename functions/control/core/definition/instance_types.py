"""The machines that SageMaker Processing has, and what is wrong with a name that is none."""

import re
from difflib import get_close_matches

# By family, as botocore's model of the API lists them; a test holds the two together. All are x86.
SIZES = {
    "c4": "xlarge 2xlarge 4xlarge 8xlarge",
    "c5": "xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c6i": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "c7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "c7i-flex": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "c8i": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge",
    "c8i-flex": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g5": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g7": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
    "g7e": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
    "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "m7i-flex": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "m8i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge "
    "96xlarge",
    "m8i-flex": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "p2": "xlarge 8xlarge 16xlarge",
    "p3": "2xlarge 8xlarge 16xlarge",
    "p5": "4xlarge",
    "r5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "r5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "r8i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge "
    "96xlarge",
    "r8i-flex": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "t3": "medium large xlarge 2xlarge",
}
PROCESSING = frozenset(f"ml.{family}.{size}" for family in SIZES for size in SIZES[family].split())
# AWS's own processors have a g after the generation: m7g, c6gn, g5g.
_GRAVITON = re.compile(r"ml\.[a-z]+\d+g[a-z]*\.\w+")


def problem(name: str) -> str | None:
    """Why a job cannot run on that machine, and what to write instead; None if it can.

    >>> problem("ml.m7g.large")
    "'ml.m7g.large' has an arm64 processor, and step images are for x86; did you mean ml.m7i.large?"
    """
    if name in PROCESSING:
        return None
    what = "is no machine of SageMaker Processing"
    if _GRAVITON.fullmatch(name):
        what = "has an arm64 processor, and step images are for x86"
    if f"ml.{name}" in PROCESSING:  # EC2's name of the machine
        return f"{name!r} {what}; did you mean ml.{name}?"
    # Equally similar names come in this order.
    near = get_close_matches(name, sorted(PROCESSING, key=_usual), n=1)
    fix = f"did you mean {near[0]}?" if near else "write ml.m5.large, for one"
    return f"{name!r} {what}; {fix}"


def _usual(name: str) -> tuple[bool, str]:
    return "-flex" in name, name
