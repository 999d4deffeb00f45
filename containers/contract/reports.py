"""The reports of earlier steps; Preprocess writes one file of a kind for each host. Standard
library only.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.step import StepError


def report_name(kind: str, host: int) -> str:
    """The first host's file has the plain name: most runs have one host.

    >>> report_name("baseline", 0), report_name("baseline", 2)
    ('baseline.json', 'baseline-002.json')
    """
    return f"{kind}-{host:03d}.json" if host else f"{kind}.json"


def read_reports(folder: Path, kind: str) -> list[Any]:
    """Every host's report of a kind, the first host's first. Raises StepError without that one."""
    others = sorted(folder.glob(f"{kind}-[0-9][0-9][0-9].json"))
    return [read_json(path) for path in (folder / report_name(kind, 0), *others)]


def read_json(path: Path) -> Any:
    """Read a report of an earlier step. Raises StepError if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StepError(f"{path}: missing; run the step that writes it again") from None
    except ValueError as error:
        raise StepError(f"{path}: not JSON ({error}); run the step that writes it again") from None


def without_nan(value: Any) -> Any:
    """The same document with None for every number that is not finite: JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value
