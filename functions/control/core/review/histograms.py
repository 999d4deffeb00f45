"""Histograms as the evaluation has them: edges that rise, and counts between them."""

from itertools import pairwise

from core.reading import Document, finite, listed
from core.review.plots import Histogram, histogram_plot


def counts_of(found: Document, limit: int) -> tuple[list[float], list[float]] | None:
    """(edges, counts); None where they do not make a histogram that the page can hold."""
    edges = [finite(edge) for edge in listed(found.get("edges"))]
    counts = [finite(rows) for rows in listed(found.get("counts"))]
    known = [edge for edge in edges if edge is not None]
    heights = [rows for rows in counts if rows is not None and rows >= 0]
    complete = len(known) == len(edges) and len(heights) == len(counts)
    rising = all(low < high for low, high in pairwise(known))
    if not complete or not rising or not heights or len(known) != len(heights) + 1:
        return None
    return None if len(heights) > limit else (known, heights)


def drawn(
    found: Document, limit: int, name: str, across: str, beside: Document | None = None
) -> Histogram | None:
    """The drawing; `beside` is the champion's histogram, drawn where its edges are the same."""
    own = counts_of(found, limit)
    if own is None:
        return None
    other = counts_of(beside, limit) if beside else None
    theirs = other[1] if other is not None and other[0] == own[0] else []
    return histogram_plot(*own, name, across, theirs)
