"""Data to try Kanmon with: one real set, and two from generators that say they are generators.

Each module writes its model's folder under datasets/: `python -m sample_data.abalone`.
"""

from pathlib import Path

DATASETS = Path("datasets")
