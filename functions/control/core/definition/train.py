"""A model's own train step: `train/Dockerfile` and `train.py` of its folder. Standard library only.

`trainer.library: own` says that the model has one. `kanmon publish` builds the Dockerfile, and a
run's Train is that image. Kanmon's own Train in it calls `fit` of train.py; an image of another
kind needs no train.py and writes the step's files itself.
"""

import ast
import re
from collections.abc import Mapping

OWN = "own"
FILE = "train.py"
FUNCTION = "fit"
DOCKERFILE = "train/Dockerfile"
MOST_BYTES = 200_000


def image_tag(model: str) -> str:
    """The tag of the model's own train image, in the repository of the step images."""
    return f"train-{model}"


def train_problem(files: Mapping[str, bytes], library: str, *, has_dockerfile: bool) -> str | None:
    """What is wrong with a folder's own train step, or with the lack of one."""
    if library != OWN:
        for name, there in ((FILE, FILE in files), (DOCKERFILE, has_dockerfile)):
            if there:
                return (
                    f"{name} is there, but model.yaml has no `trainer: {{library: own}}`; "
                    "write that, or remove the file"
                )
        return None
    if not has_dockerfile:
        return (
            f"model.yaml has `trainer: {{library: own}}`, but there is no {DOCKERFILE}; write it, "
            "or name lightgbm or xgboost"
        )
    return _program_problem(files[FILE]) if FILE in files else None


def _program_problem(source: bytes) -> str | None:
    if len(source) > MOST_BYTES:
        return f"{FILE} has {len(source)} bytes; write at most {MOST_BYTES}"
    try:
        tree = ast.parse(source.decode())
    except UnicodeDecodeError as error:
        return f"{FILE} is not UTF-8 text (byte {error.start}); save it as UTF-8"
    except SyntaxError as error:
        return f"{FILE} line {error.lineno or 1}: is not Python: {error.msg}; fix the line"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{FILE} is not Python: {error or type(error).__name__}; fix it"
    defined = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
    if FUNCTION not in defined:
        return f"{FILE} defines no function {FUNCTION}; write `def {FUNCTION}(data):`"
    return None


def base_file(name: str) -> str:
    """The name of a file of bases/<model>/; raises ValueError with the fix."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", name):
        raise ValueError(
            f"{name[:60]!r} is no name of a file in bases/<model>/; write letters, digits, ., _ "
            "and -, such as encoder.onnx"
        )
    return name


def base_sha256(digest: str) -> str:
    """A SHA-256 in hexadecimal; raises ValueError with the fix."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError(
            f"{digest[:60]!r} is no SHA-256; write the 64 digits that `sha256sum FILE` prints"
        )
    return digest
