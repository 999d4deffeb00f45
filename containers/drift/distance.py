"""How far a numeric feature moved, in its own unit."""

import numpy as np

from drift.counts import FeatureCounts, Reference


def wasserstein(reference: Reference, counts: FeatureCounts) -> float | None:
    """The area between the two cumulative distributions: how far the average value was moved.

    W1 = integral of |F - G| (S. Vallender, Theory of Probability and its Applications 18, 1974).
    Values count as evenly spread within a bin and as no further out than the baseline's, so one
    extreme value is no distance. It is at least the difference of the means, which are exact.
    """
    edges, before, now = reference.edges, reference.bins, counts.bins
    if now is None or not before.sum() or not now.sum():
        return None
    apart = 0.0
    if reference.mean is not None and counts.mean is not None:
        apart = abs(counts.mean - reference.mean)
    if len(before) < 2 or not np.isfinite(edges).all():
        return apart
    below = np.cumsum(now / now.sum() - before / before.sum())
    at = np.concatenate([[0.0], below])
    at[-1] = 0.0
    left, right, widths = at[:-1], at[1:], np.diff(edges)
    # Within a bin the difference is a line; where it crosses 0, two triangles.
    sizes = np.abs(left) + np.abs(right)
    crossing = np.divide(left**2 + right**2, 2 * sizes, out=np.zeros_like(sizes), where=sizes > 0)
    areas = widths * np.where(left * right < 0, crossing, sizes / 2)
    return max(apart, float(areas.sum()))
