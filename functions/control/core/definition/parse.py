"""Reading model.yaml: the one way from its text to a definition.

`parse_definition` returns a ModelDefinition or raises DefinitionError, whose problems each name
file, line, key and the fix. Nothing else ever comes out, whatever the text.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from core.definition.contradictions import contradictions, early_stopping
from core.definition.messages import words_for
from core.definition.scalar import Scalar
from core.definition.schema import ModelDefinition, Trainer
from core.definition.search_space import search_problems, without
from core.definition.trainer_parameters import parameter_problems
from core.definition.yaml_lines import Marked, MarkedYamlError, Path, read_marked


class DefinitionError(Exception):
    """A model's definition cannot be used; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)
        self.problems = problems


def parse_definition(text: str, source: str) -> ModelDefinition:
    """Read a model.yaml; `source` is the file's name as the reader of an error knows it."""
    try:
        marked = read_marked(text)
    except MarkedYamlError as error:
        raise DefinitionError(
            [_line(source, c.line, c.path, c.words) for c in error.complaints]
        ) from error
    if not isinstance(marked.value, dict):
        raise DefinitionError([f"{source} line 1: is not a model's definition; begin with `name:`"])
    try:
        definition = ModelDefinition.model_validate(marked.value)
    except ValidationError as error:
        raise DefinitionError(
            [
                _line(source, _line_of(marked, path), path, words)
                for path, words in words_for(error, ModelDefinition)
            ]
        ) from error
    problems = contradictions(definition)
    if problems:
        raise DefinitionError(
            [_line(source, _line_of(marked, path), path, words) for path, words in problems]
        )
    return definition


def apply_parameters(
    definition: ModelDefinition, parameters: Mapping[str, Scalar]
) -> ModelDefinition:
    """The definition with a run's parameters in place of the trainer's own, and not searched for.

    The trainer's own settings, such as `rounds` and `seed`, are set by their names; any other name
    goes to the library as it is.
    """
    settings = definition.trainer.model_dump()
    for name, value in parameters.items():
        if name in Trainer.model_fields and name != "parameters":
            settings[name] = value
        else:
            settings["parameters"][name] = value
    try:
        trainer = Trainer.model_validate(settings)
    except ValidationError as error:
        raise DefinitionError(
            [
                f"the run's parameters, {_dotted(path)}: {words}"
                for path, words in words_for(error, Trainer)
            ]
        ) from error
    search = without(definition.search, parameters)
    changed = definition.model_copy(update={"trainer": trainer, "search": search})
    problems = [
        *parameter_problems(trainer),
        *(("early_stopping_metric", words) for _, words in early_stopping(changed)),
        *((_dotted(path), words) for path, words in search_problems(changed)),
    ]
    if problems:
        raise DefinitionError(
            [f"the run's parameters, {name}: {words}" for name, words in problems]
        )
    return changed


def _line_of(marked: Marked, path: Path) -> int:
    """The line of the path, or of its nearest parent that is written down."""
    while path and path not in marked.lines:
        path = path[:-1]
    return marked.lines.get(path, 1)


def _line(source: str, line: int, path: Path, words: str) -> str:
    key = f", {_dotted(path)}" if path else ""
    return " ".join(f"{source} line {line}{key}: {words}".split())


def _dotted(path: Path) -> str:
    """
    >>> _dotted(("features", 2, "kind"))
    'features[2].kind'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
