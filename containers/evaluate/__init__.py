"""Evaluate: hold candidate and champion to the same test rows and say all there is to say."""

import os

# Before NumPy is first imported: on more than one thread its sums depend, in the last digit, on how
# many there are, and for the bootstrap's small products the threads only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
