"""MiniStack's descriptions of services are those that the rest of the stage has read already.

It reads them twice more: to find the permissions of a request, and the content type of an answer,
for which it makes a whole session. All of that is between a request and its answer.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions, responses

from localaws import descriptions

if TYPE_CHECKING:
    from botocore.model import ServiceModel


def install() -> None:
    """Read through the stage's loader."""
    iam_actions._load_botocore_model = _described
    responses._service_model = _model


def _described(service: str) -> dict[str, Any]:
    """What botocore knows of a service, or nothing."""
    from botocore.exceptions import DataNotFoundError, UnknownServiceError

    try:
        return descriptions.service(service)
    except (DataNotFoundError, UnknownServiceError):
        return {}


@cache
def _model(service: str) -> ServiceModel | None:
    """The same by MiniStack's name of the service."""
    from botocore.model import ServiceModel

    name = responses._BOTOCORE_NAME.get(service, service)
    found = _described(name)
    return ServiceModel(found, name) if found else None
