"""Contradictions between inputs and the features that features.py computes from them.

An input is a column of the data, read and checked. A feature with an input's name is that input;
the function of features.py returns the others.
"""

from collections.abc import Iterator

from core.definition.messages import shown
from core.definition.schema import ModelDefinition
from core.definition.yaml_lines import Path


def computed(definition: ModelDefinition) -> Iterator[tuple[Path, str]]:
    """Every problem of a definition with inputs."""
    if definition.inputs is None:
        return
    inputs = {each.name: each for each in definition.inputs}
    for i, each in enumerate(definition.inputs):
        for key in ("derive", "offset"):
            if getattr(each, key) is not None:
                yield ("inputs", i, key), "an input is a column as it is; compute it in features.py"
    taken = {*definition.data.key, *definition.split.columns, *definition.ignore}
    for i, each in enumerate(definition.features):
        set_here = sorted(each.model_fields_set - {"name", "kind"})
        if set_here:
            words = "belongs to an input, because features.py says what a feature is; remove it"
            yield ("features", i, set_here[0]), words
        if each.name in inputs:
            if each.kind != inputs[each.name].kind:
                words = f"{shown(each.name)} is an input of another kind, and a feature with an "
                yield ("features", i, "kind"), f"{words}input's name is that input; write the same"
        elif each.name in taken:
            words = f"{shown(each.name)} is a column of the data (a key, ignored or in split.by)"
            yield ("features", i, "name"), f"{words}; give the feature another name"
