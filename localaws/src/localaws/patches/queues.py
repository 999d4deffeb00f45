"""MiniStack's SQS: how many messages a queue has now, as the one metric of queues there is."""

import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import sqs

from localaws.home import ACCOUNT, REGION

METRIC = ("AWS/SQS", "ApproximateNumberOfMessagesVisible")


def points(dimensions: Mapping[str, str]) -> list[dict[str, Any]]:
    """The metric's only point, which is of now; none where there is no such queue."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{dimensions.get('QueueName', '')}"
    with request_scope(ACCOUNT, REGION):
        queue = sqs._queue_by_arn(arn)
        if queue is None:
            return []
        sqs._refresh_counts(queue)
    visible = float(queue["attributes"]["ApproximateNumberOfMessages"])
    return [{"Timestamp": time.time(), "Value": visible, "Count": 1.0, "Unit": "Count"}]
