"""botocore's descriptions of services, each read once in a process.

Every botocore session reads them for itself, up to 40 ms for one, and the stage has a session for
each of its parts.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.loaders import Loader


@cache
def loader() -> Loader:
    """The process's one loader. botocore comes with it: the stage answers before it needs that."""
    from botocore.loaders import Loader

    class ByFolder(Loader):
        """Lists services by folder name; botocore opens all 400 folders, for each kind of file."""

        def list_available_services(self, type_name: str) -> list[str]:
            places = filter(os.path.isdir, self.search_paths)
            return [entry.name for place in places for entry in os.scandir(place)]

    return ByFolder()


def loader_of(search_path_string: str | None = None) -> Loader:
    """The one loader; one of botocore's for a path with descriptions of one's own."""
    from botocore.loaders import create_loader

    return loader() if search_path_string is None else create_loader(search_path_string)


def service(name: str) -> dict[str, Any]:
    """What botocore knows of a service. Not to be changed: everybody gets the same."""
    found: dict[str, Any] = loader().load_service_model(name, "service-2")
    return found


def share() -> None:
    """Let all sessions that are made from now on read through the one loader."""
    import botocore.session

    botocore.session.create_loader = loader_of
