"""What names a model's folder by its content. Standard library only: it is asked often."""

import hashlib
import json
from collections.abc import Mapping

FOLDER_FILES = ("features.py", "gather.py", "gather.sql", "model.yaml", "train.py")


def folder_digest(files: Mapping[str, bytes]) -> str:
    """What content-addresses a model's folder: only the files that a run reads count."""
    digests = sorted(
        [name, hashlib.sha256(content).hexdigest()]
        for name, content in files.items()
        if name in FOLDER_FILES
    )
    return hashlib.sha256(json.dumps(digests, separators=(",", ":")).encode()).hexdigest()


def folder_problem(files: Mapping[str, bytes], *, has_inputs: bool) -> str | None:
    """What is wrong if only one of features.py and model.yaml's `inputs` is there."""
    if has_inputs and "features.py" not in files:
        return "model.yaml has inputs, but no features.py is beside it; write it, or remove inputs"
    if not has_inputs and "features.py" in files:
        return (
            "features.py is there, but model.yaml has no inputs; list the columns that it reads "
            "under inputs, and what it returns under features"
        )
    return None
