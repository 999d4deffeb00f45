"""The sizes of the machines that steps work on: x86, without graphics processors. Pure.

The numbers are those of the EC2 instances of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.definition.instance_types import SIZES

_GB_PER_PROCESSOR = {
    **dict.fromkeys(("c5", "c6i", "c7i", "c7i-flex", "c8i", "c8i-flex"), 2),
    **dict.fromkeys(("m4", "m5", "m6i", "m7i", "m7i-flex", "m8i", "m8i-flex", "t3"), 4),
    **dict.fromkeys(("r5", "r5d", "r6i", "r7i", "r8i", "r8i-flex"), 8),
}
_PROCESSORS = {"medium": 2, "large": 2, "xlarge": 4}
_MEMORY_MB = {"ml.t3.medium": 4096}
# Their processors are lent out above a share; for a while a step may use them whole.
BURSTING = "ml.t3."


@dataclass(frozen=True)
class Machine:
    name: str
    processors: int
    memory_mb: int


def machine(name: object) -> Machine | None:
    """None for what is no machine, or one whose size is not kept here.

    >>> machine("ml.m5.4xlarge")
    Machine(name='ml.m5.4xlarge', processors=16, memory_mb=65536)
    >>> machine("ml.g5.xlarge")
    """
    _, _, rest = str(name).partition("ml.")
    family, _, size = rest.partition(".")
    if family not in _GB_PER_PROCESSOR or size not in SIZES[family].split():
        return None
    times = size.removesuffix("xlarge")
    processors = _PROCESSORS.get(size) or 4 * int(times)
    memory_mb = processors * _GB_PER_PROCESSOR[family] * 1024
    return Machine(str(name), processors, _MEMORY_MB.get(str(name), memory_mb))
