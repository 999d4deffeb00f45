"""Variables: `#{namespace.key}` in the values of a configuration."""

import re
from collections.abc import Iterator, Mapping

Scopes = Mapping[str, Mapping[str, str]]

REFERENCE = re.compile(r"#\{([^{}]*)\}")
NAME = r"[A-Za-z0-9@\-_]+"
WELL_FORMED = re.compile(rf"({NAME})\.({NAME})")

# Namespaces that no action may take.
PIPELINE_SCOPE = "variables"
EXECUTION_SCOPE = "codepipeline"
EXECUTION_KEYS = ("PipelineExecutionId",)


class VariableError(Exception):
    """A reference that is not well formed, or that names nothing."""


def references(text: str) -> Iterator[tuple[str, str]]:
    """Yield (namespace, key) of every reference.

    >>> list(references("a #{variables.model} of #{Bundle.VersionId}"))
    [('variables', 'model'), ('Bundle', 'VersionId')]
    """
    for found in REFERENCE.finditer(text):
        parts = WELL_FORMED.fullmatch(found[1])
        if parts is None:
            raise VariableError(
                "Valid format for a pipeline execution variable reference is a namespace and a"
                f" key separated by a period (.). The following pipeline execution variables are"
                f" referencing a namespace that does not exist or are not well formed: {found[0]}"
            )
        yield parts[1], parts[2]


def resolve(text: str, scopes: Scopes) -> str:
    """Replace every reference by its value; what a value holds is not looked into again.

    >>> resolve("#{a.b}!", {"a": {"b": "#{a.b}"}})
    '#{a.b}!'
    """
    list(references(text))  # raises for one that is not well formed

    def value(found: re.Match[str]) -> str:
        namespace, _, key = found[1].partition(".")
        try:
            return scopes[namespace][key]
        except KeyError:
            raise VariableError(
                "The following pipeline execution variables are referencing values that could"
                f" not be resolved: {found[0]}"
            ) from None

    return REFERENCE.sub(value, text)


def resolve_all(configuration: Mapping[str, str], scopes: Scopes) -> dict[str, str]:
    """Resolve every value of a configuration."""
    return {key: resolve(value, scopes) for key, value in configuration.items()}
