"""Time `kanmon --help` against a Python process that does nothing.

    make bench     or     .venv/bin/python benchmarks/start.py [--repeat 21]

`kanmon --help` and `python -c pass` start in turn, again and again. Medians are compared.
"""

import argparse
import statistics
import subprocess

from loop import ROOT, seconds

HELP_SECONDS = 0.3
COMMANDS = {
    "kanmon --help": (ROOT / ".venv/bin/kanmon", "--help"),
    "python -c pass": (ROOT / ".venv/bin/python", "-c", "pass"),
}


def main() -> None:
    """Time both and print medians, and what misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--repeat", type=int, default=21, help="rounds that count, after one that does not"
    )
    repeat = parser.parse_args().repeat
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for round_number in range(repeat + 1):
        for name, command in COMMANDS.items():
            took = seconds(
                lambda words=command: subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            )
            if round_number:
                times[name].append(took)
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:15} {middle:6.3f} s   ({min(values):.3f} to {max(values):.3f})")
    middle = statistics.median(times["kanmon --help"])
    if middle > HELP_SECONDS:
        print(f"missed: kanmon --help {middle:.2f} s, at most {HELP_SECONDS:g}")


if __name__ == "__main__":
    main()
