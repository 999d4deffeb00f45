"""A run's fingerprint: everything its model follows from."""

from collections.abc import Mapping

from core.canonical import digest


def fingerprint(
    snapshot: str,
    definition: str,
    images: Mapping[str, str],
    parameters: Mapping[str, bool | int | float | str],
) -> str:
    """Equal for two runs exactly if data, definition, step code and parameters are equal.

    `images` maps each step to the digest of what its image was built from: two builds of the same
    differ in their own digests.
    """
    return digest(
        {
            "snapshot": snapshot,
            "definition": definition,
            "images": dict(images),
            "parameters": dict(parameters),
        }
    )
