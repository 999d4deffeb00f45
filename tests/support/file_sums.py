"""The sums of files' rows, from a process of its own: see tests/conftest.py about DuckDB."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.runs.row_sum import RowSum

_ANSWERS = """
import json, sys
from pathlib import Path
from file_sum import file_sum
for line in sys.stdin:
    print(json.dumps(file_sum(Path(json.loads(line)))), flush=True)
"""


class Summing:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def answer(self, file: Path) -> dict[str, object]:
        """What Hash Rows answers of the file."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(str(file)) + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer

    def of(self, file: Path) -> RowSum:
        return RowSum.of(self.answer(file))


@contextmanager
def summing() -> Iterator[Summing]:
    command = [sys.executable, "-c", _ANSWERS]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Summing(process)
        assert process.stdin
        process.stdin.close()
