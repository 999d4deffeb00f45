"""Data to try Kanmon with: one real dataset, and two generated ones, which are marked as such.

Each module writes its model's data to datasets/: `python -m sample_data.abalone`.
"""

from pathlib import Path

DATASETS = Path("datasets")
