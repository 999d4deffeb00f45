"""What a deployment uploads: the functions' code as a zip that depends on its content only."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from kanmon.errors import BadInputError

# The zip format knows no earlier moment; a fixed one makes the same code the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
NEVER_PACKED = {"__pycache__", ".DS_Store", ".aws-sam"}
# What only `sam build` wants of a function. A layer is packed whole: it carries source that is
# built elsewhere.
LEFT_OUT = NEVER_PACKED | {"requirements.txt", "py.typed"}
NESTED = "AWS::Serverless::Application"


def code_zip(folder: Path, left_out: set[str] = LEFT_OUT) -> bytes:
    """The files of a folder as a deterministic zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_dir() or left_out & set(path.parts) or path.suffix == ".pyc":
                continue
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


def digest(content: bytes) -> str:
    """The name that content has: 32 hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_template(path: Path) -> dict[str, Any]:
    """template.yaml with CloudFormation's short forms (`!Ref`) written out."""
    return _plain(read_yaml(path))


def parse_template(text: str) -> dict[str, Any]:
    """The same of a template's text."""
    return _plain(_parsed(text, "the template"))


def _plain(template: Any) -> dict[str, Any]:
    # YAML reads an unquoted 2010-09-09 as a date. The copy is the caller's own to change.
    return dict(json.loads(json.dumps(template, default=str)))


def read_yaml(path: Path) -> Any:
    """A template or a state machine, to look at. Raises BadInputError for a key that is there
    twice.

    Every other reader takes the last of them without a word.
    """
    return _parsed(path.read_text(encoding="utf-8"), path.name)


@cache
def _parsed(text: str, source: str) -> Any:
    """Parsed once in a process: a deployment checks every template before it reads any."""
    import yaml

    kind = type("StrictLoader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    kind.add_multi_constructor("!", _long_form)  # type: ignore[attr-defined]
    loader = kind(text)
    try:
        node = loader.get_single_node()
        _refuse_repeated_keys(node, source)
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        place = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInputError(
            f"{source}{place} is not YAML: {error.problem}", "Correct it."
        ) from error
    finally:
        loader.dispose()


def _refuse_repeated_keys(node: Any, source: str) -> None:
    if node is None or node.id == "scalar":
        return
    if node.id == "sequence":
        for part in node.value:
            _refuse_repeated_keys(part, source)
        return
    seen = set()
    for key, value in node.value:
        if key.value in seen:
            raise BadInputError(
                f"{source} line {key.start_mark.line + 1}: the key {key.value!r} is there twice",
                "Remove one of them.",
            )
        seen.add(key.value)
        _refuse_repeated_keys(value, source)


def check_sources(root: Path) -> None:
    """Read every template and state machine that a deployment takes. Raises BadInputError."""
    for pattern in ("template.yaml", "stacks/*.yaml", "statemachine/*.yaml", "serving/*.yaml"):
        for path in sorted(root.glob(pattern)):
            read_yaml(path)


def _long_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if node.id == "scalar":
        value: Any = node.value
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if node.id == "sequence":
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


def point_at_uploads(
    template: dict[str, Any], root: Path, upload: Callable[[str, bytes], dict[str, str]]
) -> dict[str, Any]:
    """The template with every local file that it names replaced by where that is uploaded.

    `upload(file name, content)` stores and returns {"Bucket", "Key"}. A nested application's
    template is uploaded likewise, so that what it contains decides its address.
    """
    done: dict[str, dict[str, str]] = {}

    def uploaded(properties: dict[str, Any], name: str) -> None:
        written = properties.get(name)
        if not isinstance(written, str) or written.startswith("s3://"):
            return
        if written not in done:
            path = root / written
            left_out = NEVER_PACKED if name == "ContentUri" else LEFT_OUT
            content = code_zip(path, left_out) if path.is_dir() else path.read_bytes()
            ending = ".zip" if path.is_dir() else "".join(path.suffixes)
            done[written] = upload(f"{digest(content)}{ending}", content)
        properties[name] = done[written]

    copy: dict[str, Any] = json.loads(json.dumps(template))
    for properties in copy.get("Globals", {}).values():
        uploaded(properties, "CodeUri")
    for resource in copy["Resources"].values():
        if not isinstance(resource, dict):  # a loop, which names no file
            continue
        properties = resource.get("Properties", {})
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            uploaded(properties, name)
        if resource.get("Type") == NESTED:
            path = root / properties["Location"]
            nested = point_at_uploads(read_template(path), path.parent, upload)
            content = json.dumps(nested, sort_keys=True).encode()
            place = upload(f"{digest(content)}.json", content)
            # The local stage reads the path only, and its port is not the same after a restart.
            properties["Location"] = f"https://s3.amazonaws.com/{place['Bucket']}/{place['Key']}"
    return copy
