"""SAM with a stack's parameters, as CloudFormation transforms: `Type: !Ref Canary` means its value.

MiniStack hands the transform no values, and SAM then takes the parameters' defaults. And it parses
templates in Python, several times per update: libyaml takes a tenth of that.
"""

from contextvars import ContextVar
from typing import Any

import yaml
from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform

Template = dict[str, Any]
_values: ContextVar[dict[str, Any] | None] = ContextVar("parameter values", default=None)


def install() -> None:
    """Let the transform know the parameters of the stack it is made for; parse by libyaml."""
    engine.CfnLoader = quick(engine.CfnLoader)
    apply, translate = engine._apply_transforms, transform.transform

    def apply_with_values(
        template: Template, provided_params: Any = None, previous_params: Any = None
    ) -> Any:
        known = engine._transform_parameters(template, provided_params, previous_params)
        token = _values.set(known)
        try:
            return apply(template, provided_params, previous_params)
        finally:
            _values.reset(token)

    def translate_with_values(fragment: Template, given: dict[str, Any], *rest: Any) -> Any:
        return translate(fragment, {**(_values.get() or {}), **given}, *rest)

    for module in (engine, changesets, handlers):
        module._apply_transforms = apply_with_values
    transform.transform = translate_with_values


def quick(loader: Any) -> Any:
    """The same loader on libyaml, where PyYAML was built with that."""
    if not yaml.__with_libyaml__:
        return loader
    own = {name: getattr(loader, name) for name in ("yaml_constructors", "yaml_implicit_resolvers")}
    return type(loader.__name__, (yaml.CSafeLoader,), own)
