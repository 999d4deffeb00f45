"""The hypergeometric distribution, and Fisher's exact test on it. Exact for any number of rows.

Of `total` rows, `marked` have some property; `drawn` of them are one sample. How many marked rows
the sample has is hypergeometric if the sample is random (R. A. Fisher, The Design of Experiments,
1935). Sums start at the value asked for and follow the ratio of neighbouring terms, so a tail far
below the smallest difference of two floats keeps its digits.
"""

import math

import numpy as np

# Terms beyond this many standard deviations add nothing to a sum in double precision.
DEVIATIONS = 45


def log_choose(total: int, chosen: int) -> float:
    """The logarithm of the binomial coefficient."""
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def upper_tail(count: int, total: int, marked: int, drawn: int) -> float:
    """P(at least `count` marked rows among `drawn`).

    >>> round(upper_tail(3, 8, 4, 4), 6)  # the lady tasting tea: 17 of 70
    0.242857
    """
    lowest, highest = max(0, drawn + marked - total), min(marked, drawn)
    if count <= lowest:
        return 1.0
    if count > highest:
        return 0.0
    mean = marked * drawn / total
    if count <= mean:
        return max(0.0, 1.0 - lower_tail(count - 1, total, marked, drawn))
    spread = mean * (1 - marked / total) * (total - drawn) / max(total - 1, 1)
    last = min(highest, count + int(DEVIATIONS * math.sqrt(spread)) + 50)
    at = np.arange(count, last, dtype=np.float64)
    ratios = (marked - at) * (drawn - at) / ((at + 1) * (total - marked - drawn + at + 1))
    first = (
        log_choose(marked, count)
        + log_choose(total - marked, drawn - count)
        - log_choose(total, drawn)
    )
    with np.errstate(divide="ignore"):
        terms = np.exp(first + np.cumsum(np.log(np.maximum(ratios, 0.0))))
    return min(1.0, math.exp(first) + float(terms.sum()))


def lower_tail(count: int, total: int, marked: int, drawn: int) -> float:
    """P(at most `count` marked rows among `drawn`): the rows that are not marked, from above."""
    return upper_tail(drawn - count, total, total - marked, drawn)


def absent(total: int, marked: int, drawn: int) -> float:
    """P(no marked row among `drawn`)."""
    if marked + drawn > total:
        return 0.0
    return math.exp(log_choose(total - marked, drawn) - log_choose(total, drawn))
