"""How a page is made from its template: every value cleaned, cut and escaped, one style sheet.

Shared by the pages that people open by themselves; each has its template in a folder of its own,
and finds this folder's drawings, tables and style beside it.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from core.words.catalogue import say, unfilled
from core.words.formats import clean, sentence, shorten

LARGEST_PAGE = 300_000
LONGEST_NAME = 120  # characters of a row's or a column's name

# (rows of a table, characters of a text). The first that keeps the page under its size is taken;
# the last one is small enough for any input.
LIMITS = ((60, 400), (30, 160), (12, 80), (6, 32))


@pass_context
def _shown(context: Context, value: object) -> object:
    """What the template does to every value before escaping it; so no foreign text gets past it."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value  # a macro's own output, or a number computed here
    shown = shorten(clean(value), context["characters"])
    # A name of spaces or joiners alone would be an empty heading or cell.
    return shown if not value or shown.strip(" \u200c\u200d") else say("review.blank")


@pass_context
def _say(context: Context, key: str, /, **values: object) -> Markup:
    """A text of the catalogue for the template: its values are shown and escaped, it is not cut."""
    shown = {name: _shown(context, value) for name, value in values.items()}
    return Markup(escape(unfilled(key, shown))).format(**shown)  # noqa: S704


class _Gap:
    """What stands between two sentences; in Japanese nothing."""

    def __str__(self) -> str:
        return say("list.space")


@cache
def environment(folder: Path) -> Environment:
    """The templates of this folder, and those of the review page."""
    made = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        # Not select_autoescape: it goes by the file's ending and would leave `.jinja` unescaped.
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["sentence"] = sentence
    made.globals["say"] = _say
    made.globals["gap"] = _Gap()
    made.filters["brief"] = lambda name: shorten(clean(name), LONGEST_NAME)
    return made


@cache
def style_hash() -> str:
    """The digest by which a page's policy allows its one style sheet, and no other."""
    style = environment(Path(__file__).parent).get_template("page.css").render()
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
