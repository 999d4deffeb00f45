"""What a nested stack's resources answer stays known when its stack is updated.

MiniStack hands an update the attributes that a resource has, but not in a nested stack: there, a
role that does not change would lose its ARN, and the nested stack's outputs could not be read.
"""

from typing import Any

from ministack.services.cloudformation import _stacks, provisioners


def install() -> None:
    """Hand the known attributes over where the caller has left them out."""
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
