"""Evaluate: measure candidate and champion on the same test rows."""

import os

# Must be set before NumPy is first imported. With more than one thread, the last digit of a sum
# depends on their number, and in the bootstrap's small products they only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
