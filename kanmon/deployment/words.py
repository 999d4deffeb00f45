"""The stage's language and time zone, as samconfig.toml gives them."""

import difflib
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from core.words.language import LANGUAGES
from kanmon.errors import BadInputError

if TYPE_CHECKING:
    from kanmon.project import StageSettings


def check(settings: "StageSettings") -> None:
    """Refuse a language that the catalogue does not have, and a time zone that does not exist.

    CloudFormation knows no time zones, and a function would write its times in UTC.
    """
    place = f"samconfig.toml: [{settings.name}.deploy.parameters]"
    language = settings.parameters.get("Language", LANGUAGES[0])
    if language not in LANGUAGES:
        raise BadInputError(
            f"{place}: there is no Language {language!r}", f"It is one of {', '.join(LANGUAGES)}."
        )
    zone = settings.parameters.get("TimeZone", "UTC")
    known = available_timezones()
    if zone not in known:
        by_lower = {name.lower(): name for name in known}
        near = difflib.get_close_matches(zone.lower().replace(" ", "_"), by_lower, 1)
        fix = f"Did you mean {by_lower[near[0]]}?" if near else "Write an IANA name: Asia/Tokyo."
        raise BadInputError(f"{place}: there is no TimeZone {zone!r}", fix)
