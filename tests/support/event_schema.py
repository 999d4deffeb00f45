"""The schema of an event's detail, as docs/events.md names it."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

FILE = Path(__file__).parents[2] / "docs/event-1.schema.json"
EVENT_SCHEMA = Draft202012Validator(
    json.loads(FILE.read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
)
