"""What CloudFormation deploys for a release: a template and its parameters, made for one attempt.

A promotion's comes from its verification. It is kept beside the release once the release is in
service, so that going back to it later needs no verification again. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.canonical import canonical_json
from core.stage.serving_stack import Deployed

TEMPLATE, CONFIGURATION = "packaged.yaml", "configuration.json"
ALL_AT_ONCE = "AllAtOnce"
_FORMAT = 1
_ATTEMPT = re.compile(r"^( +)ATTEMPT: .*$", re.MULTILINE)
# Releases of before have no such line; this one stands beside where it belongs.
_BESIDE = re.compile(r"^( +)ARTIFACT_SHA256: .*$", re.MULTILINE)

_WITHDRAWABLE = "\n  Withdrawn:\n"


class NotWithdrawableError(Exception):
    """The release is older than withdrawing; its template has no such parameter."""


@dataclass(frozen=True)
class Wanted:
    """How a deployment is to be made this time.

    `attempt` names it among all, `previous` is the release in service until now. `at_once`: all
    traffic at once, whatever the release's own definition says.
    """

    attempt: str
    previous: str | None = None
    at_once: bool = False
    withdrawn: bool = False


def from_artifact(files: Mapping[str, str]) -> Deployed:
    """The deployment that a verification hands on."""
    settings = json.loads(files[CONFIGURATION])
    return Deployed(files[TEMPLATE], settings.get("Parameters", {}), settings.get("Tags", {}))


def as_artifact(deployed: Deployed) -> dict[str, str]:
    """The files that CodePipeline's CloudFormation action takes."""
    settings = {"Parameters": dict(deployed.parameters), "Tags": dict(deployed.tags)}
    return {TEMPLATE: deployed.template, CONFIGURATION: json.dumps(settings)}


def as_kept(deployed: Deployed, canary: str | None) -> bytes:
    """The deployment as it is kept with its release, without what was of one attempt only.

    `canary` is how the release's definition has traffic shift; a rollback may have done otherwise.
    """
    document = {
        "format": _FORMAT,
        "template": _with_attempt(deployed.template, "none"),
        "parameters": {**deployed.parameters, **({"Canary": canary} if canary else {})},
        "tags": dict(deployed.tags),
    }
    return canonical_json(document).encode()


def from_kept(content: bytes) -> Deployed:
    document: Any = json.loads(content)
    return Deployed(document["template"], document["parameters"], document["tags"])


def made_for(deployed: Deployed, wanted: Wanted) -> Deployed:
    """The same deployment for this attempt. Raises NotWithdrawableError."""
    parameters = dict(deployed.parameters)
    if wanted.at_once:
        parameters["Canary"] = ALL_AT_ONCE
    if wanted.previous is not None:
        # A release that is deployed again has no requests of an earlier one to be compared with.
        itself = wanted.previous == parameters.get("Release")
        parameters["PreviousRelease"] = "none" if itself else wanted.previous
    if _WITHDRAWABLE in deployed.template:
        # Always written: an update may keep the value of a parameter that is not given.
        parameters["Withdrawn"] = "true" if wanted.withdrawn else "false"
    elif wanted.withdrawn:
        raise NotWithdrawableError
    template = _with_attempt(deployed.template, wanted.attempt)
    return replace(deployed, template=template, parameters=parameters)


def _with_attempt(template: str, attempt: str) -> str:
    """The template with the attempt's name where it makes a new version of the function."""
    line = rf'\g<1>ATTEMPT: "{attempt}"'
    text, found = _ATTEMPT.subn(line, template)
    return text if found else _BESIDE.sub(rf"\g<0>\n{line}", template)
