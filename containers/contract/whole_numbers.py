"""One text for a whole number: "1.0" becomes "1", in keys, categories, classes and `positive`.

"007" stays: a leading zero belongs to an identifier.
"""

import re

# pandas writes whole numbers like this if one cell of the column is missing.
WHOLE = r"^(-?(?:0|[1-9][0-9]*))\.0$"


def canonical(text: str) -> str:
    """The text, without the ".0" of a whole number.

    >>> canonical("1.0"), canonical("007"), canonical("1.50"), canonical("yes")
    ('1', '007', '1.50', 'yes')
    """
    whole = re.fullmatch(WHOLE, text)
    return whole[1] if whole else text
