"""S3's ranges of bytes in a version of an object.

MiniStack answers a GetObject with `Range` and `versionId` with all of the object.
"""

import functools
from typing import Any

from ministack.services import s3

Answer = tuple[int, dict[str, Any], bytes]


def install() -> None:
    """Cut what is read of a version as what is read of the current object is cut."""
    s3._get_object = _cut(s3._get_object)


def _cut(get: Any) -> Any:
    @functools.wraps(get)
    def read(
        bucket_name: str, key: str, headers: dict[str, str], query_params: Any = None
    ) -> Answer:
        status, answered, body = get(bucket_name, key, headers, query_params)
        asked = headers.get("range", "")
        if status != 200 or not asked or "versionId" not in (query_params or {}):
            return status, answered, body
        found = s3._parse_range(asked, len(body))
        if found is None:
            refused = {
                "Content-Type": "application/xml",
                "Content-Range": f"bytes */{len(body)}",
            }
            return 416, refused, s3._xml_body(s3._range_error_xml(bucket_name, key))
        first, last = found
        part = {
            "Content-Length": str(last - first + 1),
            "Content-Range": f"bytes {first}-{last}/{len(body)}",
        }
        # A checksum is of the whole object.
        kept = {
            name: value
            for name, value in answered.items()
            if not name.lower().startswith("x-amz-checksum")
        }
        return 206, {**kept, **part}, body[first : last + 1]

    return read
