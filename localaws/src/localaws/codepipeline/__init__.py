"""CodePipeline of the local stage: pipelines of type V2, their executions and approvals.

    structure.py types.py   what a declaration may say   pipelines.py   the API's pipelines
    variables.py            `#{namespace.key}`           executions.py  the API's executions
    conditions.py           when a stage is entered      approvals.py   who decides, and until when
    progress.py             what comes next in a stage   jobs.py        what functions answer
    engine.py runs.py       executions and actions while they go on
    records.py state.py views.py events.py outbox.py     what is kept, and what is told of it
    actions/                the providers, each behind a small port
    cloud.py stacks.py builds.py                         those ports on a running stage

The stage installs `own` once and then uses it as the service.
"""

from typing import TYPE_CHECKING

from localaws.codepipeline.names import TARGET_PREFIX, resource_arn
from localaws.parts import OwnService, Parts

if TYPE_CHECKING:
    from localaws.codepipeline.stage import Stage

DIFFERS = (
    "Pipelines are of type V2, with the actions S3, Manual, CodeBuild, CloudFormation and Lambda, "
    "and the rule VariableCheck before a stage. A Lambda action calls its function once; AWS calls "
    "asynchronously and retries. Of a pipeline the last 100 ended executions are kept."
)


def _make(parts: Parts) -> "Stage":
    from localaws.codepipeline.stage import Stage

    return Stage(parts)


own = OwnService("CodePipeline", TARGET_PREFIX, resource_arn, _make)
