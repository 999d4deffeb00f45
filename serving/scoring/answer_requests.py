"""Answer Requests: scores rows with the model of one release.

It is invoked directly or by its function URL. Everything slow happens at import: Lambda
keeps the process for later requests.
"""

import gc
import os
import time
from pathlib import Path
from typing import Any

from scorer.answering import Scorer
from scorer.capture import Capture
from scorer.model import Model, read_manifest
from scorer.telemetry import Telemetry

FOLDER = Path(__file__).parent / "model"
MODEL, RELEASE = os.environ["MODEL"], int(os.environ["RELEASE"])

model = Model.load(FOLDER, os.environ["ARTIFACT_SHA256"], read_manifest(FOLDER).get("features", ()))
scorer = Scorer(model, MODEL, RELEASE)
telemetry = Telemetry(MODEL, RELEASE)
capture = Capture(
    bucket=os.environ.get("DATA_BUCKET", ""),
    prefix=f"capture/{MODEL}/{RELEASE}",
    share=float(os.environ.get("CAPTURE_SHARE", "0")),
    left_out=model.not_captured,
)
# Otherwise the first request would pay for what the runtime does once.
scorer.answer({"row": dict.fromkeys(model.encoding.names), "check": True}, "start")
# All objects so far stay: the garbage collector need not look at them again.
gc.freeze()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Take {"rows": […]} or a function URL's event; return the answer, for the latter as HTTP."""
    try:
        if isinstance(event, dict) and "requestContext" in event:
            from scorer.web import serve  # its libraries take longer to import than the rest

            return serve(event, context, score, scorer)
        return score(event, context.aws_request_id)
    finally:
        capture.answered()


def score(request: Any, request_id: str) -> dict[str, Any]:
    """Answer one request, log it, and keep a copy of some."""
    started = time.perf_counter()
    answer = scorer.answer(request, request_id)
    if not (isinstance(request, dict) and request.get("check")):
        telemetry.write(answer, request_id, started)
        capture.offer(answer, request_id)
    return answer.document
