"""What would have been sent by e-mail: every message published to a topic, in one file."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs


def log_published(file: Path, body: bytes) -> None:
    """Append the message of an SNS Publish request (the form it came as); ignore other requests."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if form.get("Action") != "Publish":
        return
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "topic": form.get("TopicArn", ""),
        "subject": form.get("Subject", ""),
        "message": form.get("Message", ""),
    }
    with file.open("a") as log:
        log.write(json.dumps(line) + "\n")
