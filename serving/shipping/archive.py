"""Zip files whose bytes depend only on their content."""

import io
import zipfile
from collections.abc import Mapping

# The earliest time of the zip format. A fixed time gives the same code the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(files: Mapping[str, bytes], onto: bytes = b"") -> bytes:
    """The files as a zip, in the order of their names. `onto` is a zip to add them to."""
    content = io.BytesIO(onto)
    with zipfile.ZipFile(content, "a" if onto else "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return content.getvalue()
