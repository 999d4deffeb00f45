"""Nested stacks, as CloudFormation has them: their transforms, and what their resources answer.

MiniStack applies no transform to a nested template, so `Fn::ForEach` would make nothing of it. And
it hands an update the attributes that a resource has, but not in a nested stack: there, a role that
does not change would lose its ARN, and the nested stack's outputs could not be read.
"""

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import _stacks, engine, provisioners

_parameters: ContextVar[dict[str, Any] | None] = ContextVar("nested_parameters", default=None)


def install() -> None:
    """Hand the known attributes over where the caller has left them out; apply transforms."""
    update = provisioners._update_resource

    def update_knowing_attributes(
        resource_type: str,
        physical_id: str,
        old_props: dict[str, Any],
        new_props: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: dict[str, Any] | None = None,
    ) -> Any:
        if old_attrs is None:
            stack = _stacks.get(stack_name) or {}
            old_attrs = stack.get("_resources", {}).get(logical_id, {}).get("Attributes")
        return update(
            *(resource_type, physical_id, old_props, new_props),
            *(stack_name, logical_id, old_attrs),
        )

    provisioners._update_resource = update_knowing_attributes
    _apply_transforms()


def _apply_transforms() -> None:
    """Expand the template where it was read and its capabilities were found to suffice.

    That check is the only one of the deployment's calls that is handed the whole template.
    """
    deploy = provisioners._cfn_nested_stack_deploy
    check = provisioners._check_nested_stack_capabilities

    def deploy_with_parameters(logical_id: str, props: Any, parent: str, **more: Any) -> Any:
        token = _parameters.set(dict(props.get("Parameters") or {}))
        try:
            return deploy(logical_id, props, parent, **more)
        finally:
            _parameters.reset(token)

    def check_and_expand(parent_stack_name: str, template: dict[str, Any]) -> None:
        check(parent_stack_name, template)
        given = _parameters.get() or {}
        values = [{"Key": name, "Value": str(value)} for name, value in given.items()]
        expanded = engine._apply_transforms(template, values)
        if isinstance(expanded, engine._TransformFailed):
            raise ValueError(expanded.error)
        if expanded is not template:
            content = dict(expanded)
            template.clear()
            template.update(content)
            check(parent_stack_name, template)  # also what the loop makes

    provisioners._cfn_nested_stack_deploy = deploy_with_parameters
    provisioners._check_nested_stack_capabilities = check_and_expand
