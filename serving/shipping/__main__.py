"""`make release`: verify, then package, in one process."""

import sys

from shipping.package import package
from shipping.verify import run, verify

if __name__ == "__main__":
    sys.exit(run(verify, "Verify") or run(package, "Packaging"))
