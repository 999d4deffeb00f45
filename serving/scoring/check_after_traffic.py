"""Check After Traffic: does the alias return the new release's scores when it has all traffic?

CodeDeploy runs it after the last shift of traffic, and rolls back if it fails.
"""

import os
import time
from typing import Any

from scorer.lifecycle_hook import Ask, CheckFailedError, answers_golden_records, run

RECORDS = 5
# Lambda needs a moment until every request uses the changed alias.
ATTEMPTS, PAUSE_SECONDS = 5, 1.0


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Take {DeploymentId, LifecycleEventHookExecutionId}; return {status, found}."""
    return run(event, os.environ["LIVE_ALIAS"], _check_with_retries)


def _check_with_retries(ask: Ask) -> str:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return f"{answers_golden_records(ask, RECORDS)} records, attempt {attempt}"
        except CheckFailedError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("not reached")
