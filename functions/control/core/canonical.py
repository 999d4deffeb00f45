"""One way to write a value as JSON, so that equal values have equal digests."""

import hashlib
import json


def canonical_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """The sha256, in hex, of the value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
