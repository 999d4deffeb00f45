"""Files of input artifacts, and the parameter overrides that may point into them."""

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from localaws.codepipeline.actions.s3_source import Store
from localaws.codepipeline.ports import Acting, Artifact
from localaws.protocol.errors import not_here


class OverridesError(Exception):
    """A file or a value that the action's configuration names cannot be had."""


class Artifacts:
    """The input artifacts of one action, each read at most once."""

    def __init__(self, store: Store, acting: Acting, inputs: Sequence[Artifact]) -> None:
        self._store = store
        self._acting = acting
        self._inputs = {artifact.name: artifact for artifact in inputs}
        self._read: dict[str, bytes] = {}

    def find(self, name: str) -> Artifact:
        try:
            return self._inputs[name]
        except KeyError:
            raise OverridesError(f"{name} is not an input artifact of the action") from None

    def text(self, path: str) -> str:
        """A file's text, by `Artifact::file`; raises OverridesError and StoreError."""
        name, _, file = path.partition("::")
        artifact = self.find(name)
        if name not in self._read:
            found = self._store.read(self._acting, artifact.bucket, artifact.key, None)
            self._read[name] = found.body
        try:
            with zipfile.ZipFile(io.BytesIO(self._read[name])) as archive:
                return archive.read(file).decode()
        except KeyError:
            raise OverridesError(f"File [{file}] does not exist in artifact [{name}]") from None
        except (zipfile.BadZipFile, UnicodeDecodeError) as error:
            raise OverridesError(f"Artifact [{name}] is not a zip of text files: {error}") from None

    def json(self, path: str) -> dict[str, Any]:
        """A file's JSON object, by `Artifact::file`."""
        try:
            value = json.loads(self.text(path))
        except ValueError as error:
            raise OverridesError(f"{path} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise OverridesError(f"{path} is not a JSON object")
        return value


def parameters(overrides: str) -> dict[str, str]:
    """The values of ParameterOverrides, a JSON object of strings."""
    try:
        given = json.loads(overrides)
    except ValueError as error:
        raise OverridesError(f"ParameterOverrides is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise OverridesError("ParameterOverrides is not a JSON object")
    return {name: value_of(name, value) for name, value in given.items()}


def value_of(name: str, value: object) -> str:
    if isinstance(value, dict):
        missing = not_here(f"functions of artifacts in ParameterOverrides, as {name} has one")
        raise OverridesError(str(missing))
    if not isinstance(value, str):
        raise OverridesError(f"The override of parameter {name} must be a string")
    return value
