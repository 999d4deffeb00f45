"""A reason that a person gives, checked before anything is started or written."""

from kanmon.errors import BadInputError

LONGEST_REASON = 1000


def check_reason(reason: str) -> None:
    """Raise BadInputError for one that says nothing or too much."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise BadInputError(
            f"the reason has {len(reason.strip())} characters",
            f"Write one of 1 to {LONGEST_REASON}.",
        )
