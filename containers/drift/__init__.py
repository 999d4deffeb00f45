"""Statistics of drift: counts against a baseline, and what chance alone would give."""
