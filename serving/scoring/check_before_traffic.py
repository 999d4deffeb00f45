"""Check Before Traffic: does the new version score the golden records as its release recorded?

CodeDeploy runs it before the first request reaches the version, and rolls back if it fails.
"""

import os
from typing import Any

from scorer.lifecycle_hook import Ask, answers_golden_records, run


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take {DeploymentId, LifecycleEventHookExecutionId}; return {status, found}."""
    return run(event, os.environ["NEW_VERSION"], _all_records)


def _all_records(ask: Ask) -> str:
    return f"{answers_golden_records(ask)} records"
