"""What a service of our own is given when the stage is put together, and what it offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kanmon.local.emulator import Emulator
    from kanmon.local.home import Home
    from kanmon.local.protocol.service import Response


@dataclass(frozen=True)
class Parts:
    """The stage that a service belongs to. Jobs run in built images where `docker` is set."""

    home: "Home"
    endpoint: str
    emulator: "Emulator"
    docker: bool = False


class OwnService(Protocol):
    """A package of `kanmon.local` that serves one AWS service; its module has these names."""

    TARGET_PREFIX: str
    """What the x-amz-target header begins with, such as "SageMaker."."""

    def install(self, parts: Parts) -> None:
        """Make the service for this stage."""

    def respond(self, headers: Mapping[str, str], body: bytes) -> "Response":
        """Answer one request; it must not wait for anything."""

    def resource_arn(self, action: str, request: dict[str, Any], region: str, account: str) -> str:
        """The resource that IAM policies are held against for this request, "*" for none."""

    def get_state(self) -> dict[str, Any]:
        """All that is kept, as plain JSON."""

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned in an earlier process."""

    def warm_up(self) -> None:
        """Load what the first request would otherwise wait for."""

    def close(self) -> None:
        """End what still runs."""
