"""What removed models cost: the stage keeps it by month, without their names. Pure.

It is a text in the stage's item, `{"2026-11": {"usd": "0.0005", "retrain_count": "1", …}}`, with
the attributes of a model's month. People may write that item, so what is no amount counts for
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from core.reading import mapping

Sums = Mapping[str, Decimal]


def removed_in(kept: object, month: str) -> Sums:
    """The sums of a month.

    >>> removed_in('{"2026-11": {"usd": "0.5", "retrain_usd": "much"}}', "2026-11")
    {'usd': Decimal('0.5')}
    """
    sums = mapping(_by_month(kept).get(month))
    amounts = {name: _amount(value) for name, value in sums.items()}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def with_removed(kept: object, month: str, sums: Mapping[str, Decimal | int]) -> str:
    """The text with another model's month added.

    >>> with_removed('{"2026-10": {"usd": "2"}}', "2026-10", {"usd": Decimal("0.5")})
    '{"2026-10": {"usd": "2.5"}}'
    """
    known = removed_in(kept, month)
    names = sorted({*known, *sums})
    added = {name: known.get(name, Decimal(0)) + sums.get(name, 0) for name in names}
    texts = {name: str(amount) for name, amount in added.items()}
    return json.dumps({**_by_month(kept), month: texts}, sort_keys=True)


def _by_month(kept: object) -> Mapping[str, object]:
    try:
        return mapping(json.loads(kept)) if isinstance(kept, str) else {}
    except ValueError:
        return {}


def _amount(written: object) -> Decimal | None:
    try:
        amount = Decimal(written) if isinstance(written, str) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None
