"""Merge the baselines of several Preprocess hosts into what one host would have found in all files.

Row counts, extremes, missing values and categories are exact. Mean and standard deviation use the
pooled formulas. The bins are those of the mixture of the hosts' distributions; within a host's own
bin, values that are not common are assumed to be evenly spread. The order of the hosts does not
matter.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

BINS = 10
# A text column with more values than this is hardly a category: only the most common are named.
MOST_CATEGORIES = 10_000
NAMED_CATEGORIES = 1_000
# What bins come from at most: the training rows with the smallest hashes.
SAMPLE_ROWS = 50_000
# A number that so many of the rows with a value have is common: such as 0, or a count.
COMMON_SHARE = 0.005

Entry = Mapping[str, Any]
# An entry, with the number of its rows that have a value.
Weighed = tuple[int, Entry]


def merge_baselines(baselines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Merge the hosts' baselines, weighted by their rows. A single baseline stays as it is."""
    described = [baseline for baseline in baselines if baseline.get("rows", 1)]
    if len(described) <= 1:
        return (described or list(baselines))[0]
    rows = [int(baseline["rows"]) for baseline in described]
    return {
        "format": described[0]["format"],
        "rows": sum(rows),
        "features": {
            name: _merged(rows, [baseline["features"][name] for baseline in described])
            for name in described[0]["features"]
        },
        "target": _merged(rows, [baseline["target"] for baseline in described]),
    }


def _merged(rows: Sequence[int], entries: Sequence[Entry]) -> dict[str, Any]:
    """One column's entry. A share is a count over rows, so rounding restores the count."""
    missing = [round(entry["missing"] * count) for count, entry in zip(rows, entries, strict=True)]
    weighed = [
        (count - gone, entry)
        for count, gone, entry in zip(rows, missing, entries, strict=True)
        if count > gone
    ]
    kind = entries[0]["kind"]
    described: dict[str, Any] = {"kind": kind, "missing": sum(missing) / sum(rows)}
    if kind == "numeric":
        if len(weighed) <= 1:  # at most one host saw a value
            only = weighed[0][1] if weighed else entries[0]
            return {**described, "numeric": only["numeric"]}
        return {**described, "numeric": _numeric([(n, part["numeric"]) for n, part in weighed])}
    return {**described, **_categories(weighed)}


def _categories(weighed: Sequence[Weighed]) -> dict[str, Any]:
    total = sum(count for count, _ in weighed)
    if all("other" not in entry for _, entry in weighed):
        counts: Counter[str] = Counter()
        for count, entry in weighed:
            for value, share in entry["categories"].items():
                counts[value] += round(share * count)
        shares = {value: counts[value] / total for value in sorted(counts)}
        if len(shares) <= MOST_CATEGORIES:
            return {"categories": shares}
    else:
        # A value that a host did not name counts as 0 there. The error is smaller than the share
        # of the rarest value that the host named.
        parts: dict[str, list[float]] = {}
        for count, entry in weighed:
            for value, share in entry["categories"].items():
                parts.setdefault(value, []).append(share * count)
        shares = {value: math.fsum(found) / total for value, found in parts.items()}
    common = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    named = dict(sorted(common[:NAMED_CATEGORIES]))
    other = max(0.0, 1 - math.fsum(named.values()))
    return {"categories": named, "other": other, "sampled": _sampled(weighed)}


def _sampled(weighed: Sequence[Weighed]) -> int:
    """Of how many rows a sample would tell the shares as precisely as the hosts' samples, weighted
    by their rows, do (the effective sample size of L. Kish, Survey Sampling, 1965)."""
    total = sum(count for count, _ in weighed)
    squares = math.fsum(count * count / _of(count, part) for count, part in weighed)
    return int(total * total / squares)


def _of(count: int, part: Entry) -> int:
    """The rows that a host's shares come from."""
    return max(1, int(part.get("sampled", min(count, SAMPLE_ROWS))))


def _numeric(weighed: Sequence[Weighed]) -> dict[str, Any]:
    total = sum(count for count, _ in weighed)
    minimum = min(part["minimum"] for _, part in weighed)
    maximum = max(part["maximum"] for _, part in weighed)
    mean = math.fsum(count * part["mean"] for count, part in weighed) / total
    squares = math.fsum(
        count * (part["std"] ** 2 + (part["mean"] - mean) ** 2) for count, part in weighed
    )
    below = {}
    for edge in _common_edges([part for _, part in weighed]):
        reached = (count * up_to(part, edge) for count, part in weighed)
        below[edge] = math.fsum(reached) / total
    chosen = _deciles(below)
    reached_at = [0.0, *(below[edge] for edge in chosen), 1.0]
    return {
        "edges": [minimum, *chosen, maximum],
        "shares": [max(0.0, right - left) for left, right in pairwise(reached_at)],
        "common": _common(weighed),
        "sampled": _sampled(weighed),
        "minimum": minimum,
        "maximum": maximum,
        "mean": mean,
        "std": math.sqrt(squares / total),
    }


def _common_edges(parts: Sequence[Entry]) -> list[float]:
    """Every host's inner edges, and the middle of each gap between the hosts' ranges.

    The extremes are not edges: where a host has one bin for each value, they would cut through
    another host's bin.
    """
    edges = {float(edge) for part in parts for edge in part["edges"][1:-1]}
    ranges = sorted((part["minimum"], part["maximum"]) for part in parts)
    reached = ranges[0][1]
    for minimum, maximum in ranges[1:]:
        middle = reached + (minimum - reached) / 2
        if reached < middle < minimum:
            edges.add(middle)
        reached = max(reached, maximum)
    return sorted(edges)


def _deciles(below: Mapping[float, float]) -> list[float]:
    """The edges nearest to the deciles of the mixture, in ascending order.

    Only known edges are used: where the values lie between two edges is unknown.
    """
    if len(below) < BINS:
        return list(below)
    nearest = {
        min((abs(share - step / BINS), edge) for edge, share in below.items())[1]
        for step in range(1, BINS)
    }
    return sorted(nearest)


def _common(weighed: Sequence[Weighed]) -> dict[str, list[float]]:
    """The values that are common in all rows. Where a host does not name one, it is rare there."""
    total = sum(count for count, _ in weighed)
    parts: dict[float, list[float]] = {}
    for count, part in weighed:
        for value, share in _common_of(part):
            parts.setdefault(value, []).append(share * count)
    shares = {value: math.fsum(parts[value]) / total for value in sorted(parts)}
    kept = {value: share for value, share in shares.items() if share >= COMMON_SHARE}
    return {"values": list(kept), "shares": list(kept.values())}


def _common_of(part: Entry) -> list[tuple[float, float]]:
    """The common values with their shares; baselines of earlier versions do not name them."""
    found = part.get("common") or {"values": (), "shares": ()}
    return list(zip(found["values"], found["shares"], strict=True))


def up_to(part: Entry, at: float) -> float:
    """The share of the values up to `at`: exact at the edges. Between them common values count
    where they are, and the others as evenly spread.

    >>> half = {"values": [0.0], "shares": [0.5]}
    >>> part = {"edges": [0.0, 4.0], "shares": [1.0], "common": half}
    >>> up_to(part, 0.0), up_to(part, 1.0)
    (0.5, 0.625)
    """
    edges, shares = part["edges"], part["shares"]
    if at >= edges[-1]:
        return 1.0
    if at < edges[0]:
        return 0.0
    reached = [0.0, *accumulate(shares)]
    # The first bin has its left edge, too.
    right = max(1, bisect_left(edges, at))
    if edges[right] == at:
        return float(reached[right])
    left = right - 1
    low, high = edges[left] if left else -math.inf, edges[right]
    named = [(value, share) for value, share in _common_of(part) if low < value <= high]
    others = max(0.0, shares[left] - math.fsum(share for _, share in named))
    within = (at - edges[left]) / (edges[right] - edges[left])
    before = math.fsum(share for value, share in named if value <= at)
    return min(1.0, float(reached[left] + before + within * others))
