"""The script that the SDKs run as a job: it repeats its argument."""

import os
import sys
from pathlib import Path

result = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing")) / "output/result"
result.mkdir(parents=True, exist_ok=True)
(result / "said.txt").write_text(sys.argv[1])
print(f"said by {sys.argv[1]}")
