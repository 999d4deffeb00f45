"""CodePipeline of the local stage: pipelines of type V2, their executions and approvals.

    account.py      ARNs, and what the rest of the stage does for it
    structure.py    what a declaration may say; rules.py what follows from it
    pipelines.py executions.py approvals.py   the API
    engine.py runs.py                         executions and actions while they go on
    records.py views.py events.py             what is kept and shown of them
    sources.py builds.py deployments.py jobs.py   the providers of actions
    cloud.py        the services that they call on a running stage

The stage installs `own` once and then uses it as the service.
"""

from typing import TYPE_CHECKING

from localaws.codepipeline.account import TARGET_PREFIX, resource_arn
from localaws.parts import OwnService, Parts

if TYPE_CHECKING:
    from localaws.codepipeline.stage import Stage

DIFFERS = (
    "Pipelines are of type V2, with the actions S3, Manual, CodeBuild, CloudFormation and Lambda, "
    "and the rule VariableCheck before a stage. A Lambda action calls its function once; AWS calls "
    "asynchronously and retries. An update of the stages cancels every execution in progress. Of a "
    "pipeline the last 100 ended executions are kept."
)


def _make(parts: Parts) -> "Stage":
    from localaws.codepipeline.stage import Stage

    return Stage(parts)


own = OwnService("CodePipeline", TARGET_PREFIX, resource_arn, _make)
