"""Nothing is written for one partition of AWS: a stage may be in China or in GovCloud as well."""

import re
from pathlib import Path

import pytest

from core.stage.links import console_address
from core.stage.partition import CONSOLE
from tests.support.translation import ROOT

TEMPLATES = [
    ROOT / "template.yaml",
    *sorted((ROOT / "stacks").glob("*.yaml")),
    ROOT / "serving/serving.yaml",
    *sorted((ROOT / "statemachine").glob("*.yaml")),
]
CODE = [
    path
    for folder in ("functions/control", "serving", "containers", "kanmon")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
# A service's principal, and the conditions that name one, are the same everywhere.
PRINCIPAL = re.compile(
    r"(Service: |PassedToService\": \[?|, )[a-z0-9.]+\.amazonaws\.com|/sso\.amazonaws\.com/"
)
# Where a host may be named, and why.
HOSTS = {
    "functions/control/core/stage/partition.py": "it is the table",
    "kanmon/deployment/package.py": "the local stage reads the path of the address only",
    "template.yaml": "QuickSight's address; a stage has a dashboard only if asked for",
    "stacks/dashboard.yaml": "QuickSight's address; a stage has a dashboard only if asked for",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_template_names_a_partition(path: Path) -> None:
    assert not re.findall(r"arn:aws\b.*", path.read_text())


@pytest.mark.parametrize("path", [*TEMPLATES, *CODE], ids=named)
def test_no_host_of_one_partition_is_written_out(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not re.match(r"\s*(#|>>>)", line)]
    text = PRINCIPAL.sub("", "\n".join(lines))

    found = re.findall(r"(?:amazonaws|aws\.amazon)\.com\S*", text)

    assert not found or named(path) in HOSTS


@pytest.mark.parametrize("path", CODE, ids=named)
def test_no_code_makes_an_arn_of_one_partition(path: Path) -> None:
    code = re.sub(r"\"\"\".*?\"\"\"", "", path.read_text(), flags=re.DOTALL)

    assert not re.findall(r"arn:aws:.*", code)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_mails_link_leads_to_the_console_of_its_partition(region: str, host: str) -> None:
    assert console_address("s3://b/runs/a/review.html", region).startswith(f"https://{host}/s3/")
    assert set(CONSOLE) == {"aws", "aws-cn", "aws-us-gov"}
