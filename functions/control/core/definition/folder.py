"""What names a model's folder by its content. Standard library only: it is asked often."""

import hashlib
import json
from collections.abc import Mapping

FOLDER_FILES = ("features.py", "model.yaml")


def folder_digest(files: Mapping[str, bytes]) -> str:
    """What content-addresses a model's folder: only model.yaml and features.py count."""
    digests = sorted(
        [name, hashlib.sha256(content).hexdigest()]
        for name, content in files.items()
        if name in FOLDER_FILES
    )
    return hashlib.sha256(json.dumps(digests, separators=(",", ":")).encode()).hexdigest()
