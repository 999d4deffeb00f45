"""How numbers are written in text: the decimal sign and the thousands separator of model.yaml.

Preprocess reads columns with it, `kanmon score` single cells. Both read the same number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

# What both Python and polars read as infinity or as not a number.
_WORDS = "(?i:[+-]?(?:inf|infinity|nan))"


@dataclass(frozen=True)
class NumberFormat:
    """Without a thousands separator, none may be written. With one, groups have three digits."""

    decimal: str = "."
    thousands: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> NumberFormat:
        """The format of a definition's `data`."""
        return cls(data.get("decimal") or ".", data.get("thousands") or "")

    @property
    def plain(self) -> bool:
        """Are numbers written as in most data, such as 1234.5?"""
        return self.decimal == "." and not self.thousands

    def number(self, text: str) -> float | None:
        """The number a text is, or None if it is none.

        >>> german = NumberFormat(",", ".")
        >>> german.number("1.234,5"), german.number(" 12,5"), german.number("12.5")
        (1234.5, 12.5, None)
        """
        text = text.strip()
        if self.plain:
            if "_" in text:  # Python's own separator
                return None
        elif self._pattern.fullmatch(text):
            text = text.replace(self.thousands, "").replace(self.decimal, ".")
        else:
            return None
        try:
            return float(text)
        except ValueError:
            return None

    def column(self, texts: pl.Expr) -> pl.Expr:
        """The numbers of a text column; null where a text is none."""
        import polars as pl

        texts = texts.str.strip_chars()
        if not self.plain:
            texts = pl.when(texts.str.contains(f"^(?:{self._rule})$")).then(texts)
            if self.thousands:
                texts = texts.str.replace_all(self.thousands, "", literal=True)
            texts = texts.str.replace(self.decimal, ".", literal=True)
        return texts.cast(pl.Float64, strict=False)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self._rule)

    @property
    def _rule(self) -> str:
        decimal, whole = re.escape(self.decimal), "[0-9]+"
        if self.thousands:
            whole = f"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+)"
        digits = f"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)"
        return f"[+-]?{digits}(?:[eE][+-]?[0-9]+)?|{_WORDS}"


PLAIN = NumberFormat()
