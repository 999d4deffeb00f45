"""One spelling for whole numbers that are text: 1.0 is 1, as key, category, class or positive.

007 stays 007: a leading zero belongs to an identifier.
"""

import re

# pandas writes whole numbers like this as soon as one cell of the column is missing.
WHOLE = r"^(-?(?:0|[1-9][0-9]*))\.0$"


def spelled(text: str) -> str:
    """The text, without the ".0" of a whole number.

    >>> spelled("1.0"), spelled("007"), spelled("1.50"), spelled("yes")
    ('1', '007', '1.50', 'yes')
    """
    whole = re.fullmatch(WHOLE, text)
    return whole[1] if whole else text
