"""Withdrawn: the answer of a model that is out of service. It loads nothing of the model."""

import json
import os
from typing import Any

# 410 Gone: asking again does not help. A later promotion brings the model back.
GONE = 410


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Take any request; return the error, for a function URL's event as HTTP."""
    model = os.environ["MODEL"]
    message = f"the model {model} is withdrawn from service and answers no requests"
    answer = {
        "model": model,
        "release": None,
        "request_id": context.aws_request_id,
        "status": GONE,
        "predictions": [],
        "errors": [{"row": None, "feature": None, "message": message}],
        "warnings": [],
    }
    if isinstance(event, dict) and "requestContext" in event:
        headers = {"content-type": "application/json"}
        return {"statusCode": GONE, "headers": headers, "body": json.dumps(answer)}
    return answer
