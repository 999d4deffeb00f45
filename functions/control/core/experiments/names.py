"""Names and texts as MLflow takes them. Pure.

The limits are MLflow's (`mlflow/utils/validation.py`): names of at most 250 characters, of letters,
digits and `_-. :/`; of one request, 1000 metrics, 100 parameters and 100 tags. Values may be longer
in newer versions; these lengths fit into every one since 1.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from core.words.formats import one_line

MOST_METRICS, MOST_PARAMETERS, MOST_TAGS = 1000, 100, 100
LONGEST_NAME = 200
LONGEST_PARAMETER, LONGEST_TAG = 250, 2000
_OTHER = re.compile(r"[^A-Za-z0-9_.-]")


def fitting(name: str) -> str:
    """The name, with a digest of it where it had to be changed, so that no two become one.

    >>> fitting("recall.at_5"), fitting("rate (%)")
    ('recall.at_5', 'rate____-34639ff3')
    """
    plain = _OTHER.sub("_", name)[:LONGEST_NAME].strip(".") or "_"
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def parameters(given: Mapping[str, object]) -> dict[str, str]:
    """The first that fit, as texts; what is None is left out."""
    return _texts(given, MOST_PARAMETERS, LONGEST_PARAMETER)


def tags(given: Mapping[str, object]) -> dict[str, str]:
    """The first that fit, as texts; what is None is left out."""
    return _texts(given, MOST_TAGS, LONGEST_TAG)


def _texts(given: Mapping[str, object], most: int, longest: int) -> dict[str, str]:
    known = {name: one_line(value, longest) for name, value in given.items() if value is not None}
    return {fitting(name): text for name, text in list(known.items())[:most] if text}
