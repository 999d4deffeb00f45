"""IAM inside the server: decisions for what runs in-process, and the record of all decisions.

What arrives over HTTP is decided by the gateway. What AWS checks on its own side, without a
request of the caller (iam:PassRole, the rule that `.sync` integrations need, a job's image pull),
asks `allowed` here. Both write to the same record, so a test can hold grants against uses.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any, TextIO

from localaws.home import REGION, Home
from localaws.patches import access


class Record:
    """The file of decisions; one line each, complete as soon as the decision is made."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def add(self, role: str, action: str, resource: str, allowed: bool) -> None:
        line = json.dumps(
            {"role": role, "action": action, "resource": resource, "allowed": allowed}
        )
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


# Some hundred runs. A stage that lives for months would fill the disk with them.
LARGEST_RECORD = 50_000_000

_record: Record | None = None


def open_record(home: Home) -> Record:
    """Open the record of this home; decisions made from now on are appended.

    One that has grown too large is put aside, in place of the one before it.
    """
    global _record
    file = home.authorizations
    if file.exists() and file.stat().st_size > LARGEST_RECORD:
        file.replace(file.with_suffix(".old.jsonl"))
    _record = Record(file.open("a"))
    return _record


def allowed(
    role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
) -> bool:
    """Decide, and record, whether a role (ARN) may do this. One that is not there may nothing."""
    name = _name(role)
    answer = access.decide(name, action, resource, REGION, dict(context or {}))
    if _record:
        _record.add(name, action, resource, answer)
    return answer


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]
