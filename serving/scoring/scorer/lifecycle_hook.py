"""A CodeDeploy lifecycle hook: checks a function and reports to the deployment if it may continue.

boto3 comes with Lambda's runtime. The deployment gets a status whatever happens: without one it
would wait an hour and then fail without a reason.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from scorer.golden import Golden
from withdrawn import GONE

GOLDEN = Path(__file__).parents[1] / "model" / "golden.json"
Ask = Callable[[dict[str, Any]], dict[str, Any]]


class CheckFailedError(Exception):
    """The function does not answer as its release should. The message has the difference."""


def run(event: dict[str, Any], function: str, check: Callable[[Ask], str]) -> dict[str, str]:
    """Run the check against a version or alias, and report to the deployment.

    `check` gets a function that invokes it. It returns what it found, or raises.
    """
    import boto3

    status: Literal["Succeeded", "Failed"] = "Failed"
    found = "the check did not finish"
    try:
        client = boto3.client("lambda")
        found = check(lambda request: _invoke(client, function, request))
        status = "Succeeded"
    except CheckFailedError as error:
        found = str(error)
    except Exception as error:  # from AWS, the network or a broken package
        found = f"{type(error).__name__}: {error}"
    finally:
        facts = {"status": status, "found": found, "function": function}
        level = "INFO" if status == "Succeeded" else "ERROR"
        print(json.dumps({"level": level, "message": "release checked", **_release(), **facts}))
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )
    return {"status": status, "found": found}


def answers_golden_records(ask: Ask, most: int | None = None) -> int:
    """Check the function with the golden records; return how many. Raises CheckFailedError."""
    golden = Golden.read(GOLDEN)
    answer = ask(golden.request(most))
    if os.environ.get("WITHDRAWN") == "true":
        if answer.get("status") != GONE:
            raise CheckFailedError("the model still answers, although it is to be withdrawn")
        return len(golden.rows[:most])
    release = _release()["release"]
    if str(answer.get("release")) != release:
        raise CheckFailedError(f"release {answer.get('release')} answered, not release {release}")
    differences = golden.differences(answer, most)
    if differences:
        raise CheckFailedError("; ".join(differences[:3]))
    return len(golden.rows[:most])


def _invoke(client: Any, function: str, request: dict[str, Any]) -> dict[str, Any]:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CheckFailedError(f"the function failed: {document.get('errorMessage')}")
    return document


def _release() -> dict[str, str]:
    return {"model": os.environ["MODEL"], "release": os.environ["RELEASE"]}
