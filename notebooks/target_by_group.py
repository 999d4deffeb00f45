"""A script of one's own for explore.py: the target's mean in each group of the training rows.

It runs in a step's image, which has polars and numpy, and reads and writes below
/opt/ml/processing only. PROCESSING_ROOT says where that is on a local stage without private mounts.
"""

import os
import sys
from pathlib import Path

import polars as pl

root = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
group, target = sys.argv[1:]

rows = pl.read_parquet(root / "input/train/*.parquet")
means = rows.group_by(group).agg(pl.len().alias("rows"), pl.col(target).mean()).sort(group)
result = root / "output/result"
result.mkdir(parents=True, exist_ok=True)
means.write_parquet(result / "means.parquet")
print(f"{len(rows)} rows in {len(means)} groups")
