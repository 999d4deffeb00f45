"""What a build is made from: its order, and what a pipeline hands over for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localaws.codebuild.sources import Source


@dataclass(frozen=True)
class PipelineArtifact:
    """An artifact of a pipeline: its name there, and the zip that is or will be its content."""

    name: str
    bucket: str
    key: str
    version: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Handover:
    """A build as a pipeline's action wants it; the output is the buildspec's `artifacts`."""

    initiator: str
    """Such as "codepipeline/release"."""
    source: PipelineArtifact
    output: PipelineArtifact | None = None
    variables: Sequence[Mapping[str, str]] = field(default=())
    """As StartBuild's environmentVariablesOverride: {"name", "value", "type"}."""
    revision: str | None = None
    """The source's revision, as the pipeline knows it."""


@dataclass(frozen=True)
class Order:
    """What a build works on, settled at its start from project, request and pipeline."""

    source: Source | None
    buildspec: str
    """One itself, the path of one in the source, an S3 ARN of one, or nothing."""
    artifacts: Mapping[str, Any]
    """As the project's; of type CODEPIPELINE, the output takes its place."""
    output: PipelineArtifact | None = None
