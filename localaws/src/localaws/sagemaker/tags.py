"""The tags of every resource."""

import threading
from collections.abc import Callable
from typing import Any

from localaws.protocol.errors import invalid
from localaws.protocol.paging import page

MOST = 50

TagList = list[dict[str, str]]


class Tags:
    """ARN → {key: value}. Callers hold the service's lock."""

    def __init__(self, lock: threading.RLock, changed: Callable[[], None]) -> None:
        self._lock = lock
        self._changed = changed
        self.state: dict[str, dict[str, str]] = {}

    def put(self, arn: str, tags: TagList) -> None:
        merged = {**self.state.get(arn, {}), **{tag["Key"]: tag["Value"] for tag in tags}}
        if len(merged) > MOST:
            raise invalid(f"Too many tags for {arn}: a resource can have {MOST}.")
        if merged:
            self.state[arn] = merged
            self._changed()

    def drop(self, arn: str) -> None:
        self.state.pop(arn, None)

    def operations(self, exists: Callable[[str], bool]) -> dict[str, Any]:
        """The operations on tags; `exists` tells whether an ARN names something here."""

        def found(request: dict[str, Any]) -> str:
            arn: str = request["ResourceArn"]
            if not exists(arn):
                raise invalid(f"The resource {arn} does not exist.")
            return arn

        def add(request: dict[str, Any]) -> dict[str, Any]:
            arn = found(request)
            self.put(arn, request["Tags"])
            return {"Tags": listed(self.state.get(arn, {}))}

        def delete(request: dict[str, Any]) -> None:
            tags = self.state.get(found(request), {})
            for key in request["TagKeys"]:
                tags.pop(key, None)
            self._changed()

        def list_(request: dict[str, Any]) -> dict[str, Any]:
            tags = listed(self.state.get(found(request), {}))
            entries, token = page(
                {"MaxResults": MOST, **request},
                tags,
                order=lambda tag: tag["Key"],
                descending=False,
            )
            return {"Tags": entries, "NextToken": token}

        return {"AddTags": add, "DeleteTags": delete, "ListTags": list_}


def listed(tags: dict[str, str]) -> TagList:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
