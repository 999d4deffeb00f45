"""Measure what an execution cost, and count it once.

Nothing here fails what is closed: a history that cannot be read leaves the cost unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from core.cost import prices
from core.cost.estimate import estimate_of, with_latest
from core.cost.measured import Usage, bill, usage
from core.cost.month import cost_of_record, month_of, pay
from core.cost.prices import SAMPLE, Prices
from core.words.formats import timestamp

if TYPE_CHECKING:
    from core.stage.bucket import Store
    from core.stage.gateways import Stage

log = logging.getLogger(__name__)
# What each function has in the template, as billed.
MEMORY_GB = 0.5
# Others may write the record or the month at the same moment.
_TRIES = 5


def stage_prices(store: Store) -> Prices:
    """What the last deployment wrote; the sample where it wrote none that can be read."""
    return prices.prices_of(store.read_json_if_there(prices.KEY)) or SAMPLE


def settle(
    stage: Stage, work: str, model: str, item: str, execution: str, now: datetime, good: bool
) -> float | None:
    """Count what the execution used so far for the record `item`; what the record cost in all.

    `good`: whether the next of this work can be estimated by it. None where it is not known.
    """
    known = stage_prices(stage.store)
    try:
        used: Usage | None = usage(
            stage.machine_of(work).history(execution), stage.step_jobs.describe, now
        )
    except (ClientError, BotoCoreError) as error:
        log.warning("cost unknown: history cannot be read", extra={"reason": str(error)})
        used = None
    if used is None:
        return None
    found = bill(used, known, MEMORY_GB, stage.step_functions.memory_mb / 1024)
    usd = _count(stage, work, model, item, execution, found, known, now)
    if good and (used.jobs or used.step_calls) and not found["unknown"]:
        _remember(stage, work, model, execution, found["usd"])
    return usd


def _count(
    stage: Stage,
    work: str,
    model: str,
    item: str,
    execution: str,
    found: Mapping[str, Any],
    known: Prices,
    now: datetime,
) -> float | None:
    for _ in range(_TRIES):
        seen = stage.costs.of_record(model, item)
        payment = pay(work, execution, found, known.origin(), seen)
        if payment is None:
            return cost_of_record(seen)
        month, at = month_of(now), timestamp(now)
        if stage.costs.pay(model, item, month, at, seen, payment.cost, payment.usd, payment.added):
            stage.spent(float(payment.added.get("usd", 0)))
            return payment.usd
    log.warning("cost not counted: others kept writing the record", extra={"item": item})
    return None


def _remember(stage: Stage, work: str, model: str, execution: str, usd: float) -> None:
    for _ in range(_TRIES):
        seen = stage.costs.last(model, work)
        latest = with_latest(seen, execution, usd)
        if latest == seen or stage.costs.remember(model, work, seen, latest, estimate_of(latest)):
            return
