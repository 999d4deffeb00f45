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
        "message": _for_mail(form),
    }
    with file.open("a") as log:
        log.write(json.dumps(line) + "\n")


def _for_mail(form: dict[str, str]) -> str:
    """Return the text a mail would have: one message may carry one text per protocol."""
    message = form.get("Message", "")
    if form.get("MessageStructure") != "json":
        return message
    texts = json.loads(message)
    return str(texts.get("email", texts["default"]))
