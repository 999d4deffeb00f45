"""Sessions of AWS that read nothing from the home folder or from any other that may be written to.

Code of a model's folder runs as the same user. What it wrote there could name another endpoint,
other requests, or a program that gets the credentials of the step.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from botocore.session import Session


def session() -> Session:
    """A session with the environment's region and credentials, and botocore's own descriptions."""
    from botocore.session import Session

    # Else ~/.boto would be asked for credentials before the container is.
    os.environ["BOTO_CONFIG"] = os.devnull
    made = Session()
    for name in ("config_file", "credentials_file"):
        made.set_config_variable(name, os.devnull)
    made.register_component("data_loader", descriptions())
    return made


@cache
def descriptions() -> Loader:
    """Botocore's descriptions of services, without those of ~/.aws/models; read once."""
    from botocore.loaders import Loader

    class Own(Loader):
        """Lists services by folder name; botocore opens all 400 folders, twice for a client."""

        def list_available_services(self, type_name: str) -> list[str]:
            return [place.name for place in Path(self.BUILTIN_DATA_PATH).iterdir()]

    own = [Loader.BUILTIN_DATA_PATH]
    return Own(extra_search_paths=own, include_default_search_paths=False)


def describe_s3() -> None:
    """Read the descriptions of S3, which takes most of the time to make a client.

    Nothing of the environment is read, so a process may do it before it has its work.
    """
    for name in ("service-2", "endpoint-rule-set-1"):
        descriptions().load_service_model("s3", name)
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        descriptions().load_data(name)
