"""A model's folder: read it, validate it, publish it under the digest of its content."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError, KanmonError

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection
    from kanmon.terminal.invocation import Invocation


@dataclass(frozen=True)
class Folder:
    """A valid model folder."""

    model: str
    files: dict[str, bytes]
    sha256: str
    definition: Any  # core.definition.schema.ModelDefinition, imported late


def read_folder(folder: Path) -> Folder:
    """Read and validate a model's folder. The error lists every problem."""
    from contract.feature_file import NAME, problems
    from core.definition.folder import folder_digest, folder_problem
    from core.definition.gather import gather_problem
    from core.definition.parse import DefinitionError, parse_definition
    from core.definition.train import DOCKERFILE, train_problem

    files = _files(folder)
    source = f"models/{folder.name}/model.yaml"
    try:
        definition = parse_definition(files["model.yaml"].decode(), source)
    except DefinitionError as error:
        raise as_bad_input(error.problems) from error
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{source} is not UTF-8 text (byte {error.start})", "Save it as UTF-8."
        ) from error
    if definition.name != folder.name:
        raise BadInputError(
            f"{source}, name: {definition.name!r} differs from the name of its folder",
            f"Write {folder.name} there, or rename the folder.",
        )
    problem = folder_problem(files, has_inputs=definition.inputs is not None)
    problem = problem or gather_problem(files, definition.gather)
    dockerfile = (folder / DOCKERFILE).is_file()
    problem = problem or train_problem(files, definition.trainer.library, has_dockerfile=dockerfile)
    if problem is not None:
        raise as_bad_input([f"models/{folder.name}/: {problem}"])
    wrong = problems(files[NAME], f"models/{folder.name}/{NAME}") if NAME in files else []
    if wrong:
        raise as_bad_input(wrong)
    return Folder(folder.name, files, folder_digest(files), definition)


def _files(folder: Path) -> dict[str, bytes]:
    from core.definition.folder import FOLDER_FILES

    return {
        name: (folder / name).read_bytes() for name in FOLDER_FILES if (folder / name).is_file()
    }


def published_as_it_is(invocation: "Invocation", folder: Path) -> str | None:
    """The folder's digest, if the stage already has exactly this content; else None.

    Published content is valid, so the caller can skip the slow validation. A stage that cannot be
    reached gives None: problems of the folder are reported before those of the stage.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from core.definition.folder import folder_digest

    digest = folder_digest(_files(folder))
    try:
        return digest if published(invocation.connection, folder.name) == digest else None
    except (KanmonError, BotoCoreError, ClientError):
        return None


def as_bad_input(problems: list[str]) -> BadInputError:
    """All problems of a definition, one a line."""
    more = "".join(f"\n        {problem}" for problem in problems[1:])
    return BadInputError(f"{problems[0]}{more}")


def published(connection: "Connection", model: str) -> str | None:
    """The digest of the model's definition on the stage."""
    found = connection.dynamodb.get_item(
        TableName=connection.table,
        Key={"model": {"S": model}, "item": {"S": "definition"}},
    ).get("Item")
    return found["sha256"]["S"] if found else None


def published_location(connection: "Connection", model: str) -> str:
    """The data location of the model's definition on the stage, which must have one."""
    from core.definition.parse import parse_definition

    key = f"definitions/{model}/{published(connection, model)}/model.yaml"
    body = connection.s3.get_object(Bucket=connection.bucket, Key=key)["Body"].read()
    return str(parse_definition(body.decode(), key).data.location)


def publish(connection: "Connection", folder: Folder) -> bool:
    """Make this the model's definition on the stage; False if it is already."""
    if published(connection, folder.model) == folder.sha256:
        return False
    for name, content in folder.files.items():
        _store(connection, f"definitions/{folder.model}/{folder.sha256}/{name}", content)
    # Last, so that the table never names a definition that does not exist. The publisher's policy
    # allows only these two fields, so a record cannot be replaced.
    connection.dynamodb.update_item(
        TableName=connection.table,
        Key={"model": {"S": folder.model}, "item": {"S": "definition"}},
        UpdateExpression="SET sha256 = :sha256, published_at = :now",
        ExpressionAttributeValues={
            ":sha256": {"S": folder.sha256},
            ":now": {"S": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        },
    )
    return True


def _store(connection: "Connection", key: str, content: bytes) -> None:
    """Store a file under the digest of its content. An existing one is the same and stays."""
    from botocore.exceptions import ClientError

    try:
        connection.s3.put_object(Bucket=connection.bucket, Key=key, Body=content, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
