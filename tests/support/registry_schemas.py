"""What CloudFormation's handlers of resource types may call, from AWS's public registry schemas.

The excerpt is committed, so that a change of AWS's is a change that somebody reads. Renew it with
`python -m tests.support.registry_schemas`; the schemas are those that the locked cfn-lint carries.
"""

import json
from pathlib import Path
from typing import Any

EXCERPT = Path(__file__).with_name("registry_permissions.json")
# CloudFormation lists resources only for somebody who imports or scans them.
HANDLERS = ("create", "read", "update", "delete")


def excerpt() -> dict[str, dict[str, list[str]]]:
    """The committed permissions by type and handler."""
    found: dict[str, dict[str, list[str]]] = json.loads(EXCERPT.read_text())["types"]
    return found


def current(types: set[str]) -> dict[str, Any]:
    """The same from the schemas at hand."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    found = {}
    for kind in sorted(types):
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        handlers = {name: schema["handlers"].get(name, {}) for name in HANDLERS}
        handlers["tagging"] = schema.get("tagging", {})
        found[kind] = {
            name: sorted(set(one.get("permissions", []))) for name, one in handlers.items()
        }
    return found


if __name__ == "__main__":
    document = {
        "source": "handlers.*.permissions and tagging.permissions of the public registry schemas, "
        "CloudformationSchema.zip of us-east-1, 20 October 2026, as bundled by cfn-lint 1.58",
        "types": current(set(excerpt())),
    }
    EXCERPT.write_text(json.dumps(document, indent=1) + "\n")
