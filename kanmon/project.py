"""The project on disk: its folder, its models, and the stages in samconfig.toml."""

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kanmon.errors import BadInputError

STAGES = ("local", "dev", "prod")
# The roles for people, as the templates define them.
ROLES = ("data-scientist", "approver", "operator", "steward")


@dataclass(frozen=True)
class Project:
    """A checkout of Kanmon."""

    root: Path

    @property
    def home(self) -> Path:
        """The folder of everything that is not source: the local stage, downloaded pages."""
        return Path(os.environ.get("KANMON_HOME") or self.root / ".kanmon")

    @cached_property
    def samconfig(self) -> dict[str, Any]:
        """The content of samconfig.toml."""
        path = self.root / "samconfig.toml"
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except tomllib.TOMLDecodeError as error:
            raise BadInputError(
                f"samconfig.toml is not valid TOML: {error}", "Correct that line."
            ) from error

    def models(self) -> list[str]:
        """The models that have a folder, sorted."""
        return sorted(path.parent.name for path in self.root.glob("models/*/model.yaml"))

    def model_folder(self, model: str) -> Path:
        """The folder of a model that must exist."""
        check_model_name(model)
        folder = self.root / "models" / model
        if (folder / "model.yaml").is_file():
            return folder
        fix = self.suggestion(model) or (
            f"The models are: {', '.join(self.models()) or 'none yet'}; "
            f"`kanmon new-model {model} --from data.csv --target COLUMN` drafts one."
        )
        raise BadInputError(f"there is no model {model!r} (models/{model}/model.yaml)", fix)

    def suggestion(self, name: str) -> str:
        """A question that names the model with the most similar name; empty if none is similar."""
        near = difflib.get_close_matches(name, self.models(), 1)
        return f"Did you mean {near[0]}?" if near else ""


def check_model_name(name: str) -> None:
    """Refuse a name that jobs, packages or folders cannot have."""
    from core.names import is_model_name

    if not is_model_name(name):
        raise BadInputError(
            f"{name!r} is not a valid model name",
            "Use 2 to 20 of a-z, 0-9 and single hyphens, a letter first.",
        )


def find_project(start: Path | None = None) -> Project:
    """The project around `start`, which is $KANMON_PROJECT or the current folder."""
    start = (start or Path(os.environ.get("KANMON_PROJECT") or Path.cwd())).resolve()
    for folder in (start, *start.parents):
        if (folder / "template.yaml").is_file() and (folder / "kanmon").is_dir():
            return Project(folder)
    raise BadInputError(
        f"{start} is not inside a Kanmon project (no template.yaml here or above)",
        "Change to the project's folder, or set KANMON_PROJECT.",
    )


@dataclass(frozen=True)
class StageSettings:
    """The settings of one stage in samconfig.toml."""

    name: str
    stack: str
    region: str | None
    profile: str | None
    parameters: dict[str, str]
    # Where SAM uploads to; without a bucket, to the one that it makes for an account.
    uploads_bucket: str | None = None
    uploads_prefix: str | None = None


def stage_settings(project: Project, stage: str) -> StageSettings:
    """Read a stage's part of samconfig.toml: `global` first, then `deploy`, as SAM does."""
    section = project.samconfig.get(stage)
    if section is None:
        raise BadInputError(
            f"samconfig.toml has no stage {stage!r}", f"Add [{stage}.deploy.parameters] to it."
        )
    settings = {
        **section.get("global", {}).get("parameters", {}),
        **section.get("deploy", {}).get("parameters", {}),
    }
    stack = str(settings.get("stack_name") or f"kanmon-{stage}")
    return StageSettings(
        stage,
        stack,
        settings.get("region"),
        settings.get("profile"),
        parameter_overrides(settings.get("parameter_overrides", [])),
        settings.get("s3_bucket"),
        settings.get("s3_prefix"),
    )


def parameter_overrides(written: str | list[str]) -> dict[str, str]:
    """SAM's `Key=Value` pairs, as one string or as a list.

    >>> parameter_overrides('Stage="dev" LogRetentionDays=30')
    {'Stage': 'dev', 'LogRetentionDays': '30'}
    """
    text = written if isinstance(written, str) else " ".join(written)
    pairs = re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', text)
    return {key: quoted or plain for key, quoted, plain in pairs}
