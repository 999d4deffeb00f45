"""Names of label files: when the stage received a file is in the name that `kanmon` gives it.

A file may be written again without a person's rows, so S3's own time is only asked where a name has
none: that of a file that somebody put there with another tool.
"""

import re
from datetime import UTC, datetime

DIGEST = 12
_NAMED = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{12})-")
_TIME = "%Y%m%dT%H%M%SZ"
ENDINGS = (".csv", ".csv.gz", ".parquet")
CORRECTION = ".correction"


def label_folder(model: str) -> str:
    """
    >>> label_folder("churn")
    'labels/churn/'
    """
    return f"labels/{model}/"


def label_name(received: datetime, digest: str, name: str, *, correction: bool = False) -> str:
    """What a file is stored as. `digest` is its content's, `name` what its owner calls it.

    >>> label_name(datetime(2026, 11, 30, 2, 15, tzinfo=UTC), "0a1b" * 16, "may.csv.gz")
    '20261130T021500Z-0a1b0a1b0a1b-may.csv.gz'
    >>> at = datetime(2026, 11, 30, 2, 15, tzinfo=UTC)
    >>> label_name(at, "0a1b" * 16, "may.csv", correction=True)
    '20261130T021500Z-0a1b0a1b0a1b-may.correction.csv'
    """
    length = next((len(one) for one in ENDINGS if name.lower().endswith(one)), 0)
    stem, ending = name[: len(name) - length], name[len(name) - length :]
    if correction and not stem.lower().endswith(CORRECTION):
        stem += CORRECTION
    return f"{received:{_TIME}}-{digest[:DIGEST]}-{stem}{ending}"


def digest_in(name: str) -> str | None:
    """The beginning of the digest of the content that was uploaded under this name.

    >>> digest_in("20261130T021500Z-0a1b0a1b0a1b-may.csv"), digest_in("may.csv")
    ('0a1b0a1b0a1b', None)
    """
    found = _NAMED.match(name)
    return found[2] if found else None


def received_at(name: str, stored_at: datetime) -> datetime:
    """When the stage received the file, which S3 stored at that time.

    >>> stored = datetime(2026, 12, 24, tzinfo=UTC)
    >>> received_at("20261130T021500Z-0a1b0a1b0a1b-may.csv", stored).isoformat()
    '2026-11-30T02:15:00+00:00'
    >>> received_at("may.csv", stored).isoformat()
    '2026-12-24T00:00:00+00:00'
    """
    found = _NAMED.match(name)
    try:
        return datetime.strptime(found[1], _TIME).replace(tzinfo=UTC) if found else stored_at
    except ValueError:
        return stored_at
