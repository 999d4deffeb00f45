"""How far this run's training data has moved from the champion's: the population stability index.

PSI = sum over bins of (now - before) * ln(now / before), the symmetrised Kullback-Leibler
divergence (N. Siddiqi, Credit Risk Scorecards, 2006). The same source gives the usual reading:
below 0.1 no shift, 0.1 to 0.25 some shift, above 0.25 a strong one. That is a convention, not a
test. Missing values are one bin. Numeric bins are the champion's; this run's shares of them are
interpolated from its own bins, as if values were evenly spread within each.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from contract.metrics import Floats

# An empty bin would make the logarithm infinite, so it counts as this share.
SMALLEST_SHARE = 1e-4


def psi(before: Floats, now: Floats) -> float:
    """Compare two sets of shares of the same bins: 0 if equal, never below.

    >>> psi(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    0.0
    """
    before, now = np.maximum(before, SMALLEST_SHARE), np.maximum(now, SMALLEST_SHARE)
    return float(((now - before) * np.log(now / before)).sum())


def drift(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare two baselines, strongest drift first.

    A feature that is new or has changed its kind comes last, with psi None.
    """
    found = [
        _drift(name, before["features"].get(name), entry) for name, entry in now["features"].items()
    ]
    return sorted(
        found, key=lambda entry: -math.inf if entry["psi"] is None else entry["psi"], reverse=True
    )


def _drift(name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any]:
    index = None
    if before is not None and before["kind"] == now["kind"]:
        shares = _numeric_shares if now["kind"] == "numeric" else _category_shares
        index = psi(*shares(before, now))
    return {
        "feature": name,
        "kind": now["kind"],
        "psi": index,
        "missing_before": None if before is None else before["missing"],
        "missing_now": now["missing"],
    }


def _category_shares(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Floats, Floats]:
    names = sorted({*before["categories"], *now["categories"]})
    return _named_shares(before, names), _named_shares(now, names)


def _named_shares(part: Mapping[str, Any], names: Sequence[str]) -> Floats:
    """Shares by category. The values that a baseline does not name are one bin."""
    named = [float(part["categories"].get(name, 0.0)) for name in names]
    return _with_missing(np.array([*named, float(part.get("other", 0.0))]), part)


def _numeric_shares(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Floats, Floats]:
    edges, shares = _bins(before)
    moved = np.diff(_cumulative(now, edges[1:-1]), prepend=0.0, append=1.0)
    return _with_missing(shares, before), _with_missing(moved, now)


def _bins(part: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Edges (one more than shares), and the shares of the rows that have a value."""
    numeric = part.get("numeric") or {"edges": [], "shares": []}
    edges = np.asarray(numeric["edges"], dtype=np.float64)
    shares = np.asarray(numeric["shares"], dtype=np.float64)
    if not len(shares):  # no row has a value
        return np.array([0.0, 0.0]), np.array([1.0])
    return edges, shares / max(shares.sum(), SMALLEST_SHARE)


def _cumulative(part: Mapping[str, Any], at: Floats) -> Floats:
    """The share of rows with a value up to each of `at`, interpolated within bins."""
    edges, shares = _bins(part)
    up_to = np.concatenate([[0.0], np.cumsum(shares)])
    shares_up_to: Floats = np.interp(at, edges, up_to, left=0.0, right=1.0)
    return shares_up_to


def _with_missing(shares: Floats, part: Mapping[str, Any]) -> Floats:
    missing = float(part["missing"])
    return np.append(shares * (1 - missing), missing)
