"""What a service of our own is given when the stage is put together, and what it offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from localaws.emulator import Emulator
    from localaws.home import Home
    from localaws.protocol.service import Response
    from localaws.steps import Steps


@dataclass(frozen=True)
class Parts:
    """The stage that a service belongs to. Jobs run in built images where `docker` is set.

    Without `steps` there are no images for jobs.
    """

    home: "Home"
    endpoint: str
    emulator: "Emulator"
    steps: "Steps | None" = None
    docker: bool = False


class Keeper(Protocol):
    """What a service keeps, and how it comes back after a restart."""

    def get_state(self) -> dict[str, Any]:
        """All that is kept, as plain JSON."""

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned in an earlier process."""


class Installed(Protocol):
    """What a package's `stage.py` makes of the parts: the service of one running stage."""

    @property
    def service(self) -> Keeper: ...

    def respond(self, headers: Mapping[str, str], body: bytes) -> "Response":
        """Answer one request; it must not wait for anything."""

    def warm_up(self) -> None:
        """Load what the first request would otherwise wait for."""

    def close(self) -> None:
        """End what still runs."""


InstalledT = TypeVar("InstalledT", bound=Installed)


class OwnService(Generic[InstalledT]):
    """An AWS service that a package of `localaws` serves; its module calls it `own`.

    `target_prefix` is what the x-amz-target header begins with. `resource_arn` gives, by action,
    request, region and account, the resource that IAM policies are held against, "*" for none.
    `make` imports what the service is made of, so that importing the package costs nothing.
    """

    def __init__(
        self,
        name: str,
        target_prefix: str,
        resource_arn: Callable[[str, dict[str, Any], str, str], str],
        make: Callable[[Parts], InstalledT],
    ) -> None:
        self.target_prefix = target_prefix
        self.resource_arn = resource_arn
        self._name = name
        self._make = make
        self._installed: InstalledT | None = None

    def install(self, parts: Parts, kept: Mapping[str, Any]) -> None:
        """Make the service for this stage, with what it held in an earlier process."""
        self._installed = self._make(parts)
        self._installed.service.load_persisted_state(kept)

    @property
    def is_installed(self) -> bool:
        return self._installed is not None

    @property
    def installed(self) -> InstalledT:
        if self._installed is None:
            raise RuntimeError(f"{self._name} is not installed in this stage yet")
        return self._installed
