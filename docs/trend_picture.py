"""Draw the trend of docs/experiments.md from a running local stage: `make pictures`.

A stage of its own trains abalone seven times: the first release goes into service, then the second;
one candidate learns too fast, one stops too early and is rejected.
"""

from picture_stage import PICTURES, PROJECT, Stage, stage

# What each further run changes, and whether its release is approved.
RUNS = (
    ("learning_rate=0.1", False),
    ("seed=8", True),
    ("num_leaves=63", False),
    ("rounds=40", False),
    ("learning_rate=0.02", False),
    ("seed=9", False),
)
LARGEST_BYTES = 20_000


def runs(made: Stage) -> None:
    """Train with each change in turn. A run that the gate rejects ends with code 4."""
    for change, approved in RUNS:
        run = made.kanmon("run", "abalone", "--set", change, rejected=True)
        if approved:
            reference = f"abalone/{run['release']}"
            made.kanmon("approve", reference, "--reason", "no worse", "--watch")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / "trend.svg"
    with stage() as made:
        runs(made)
        made.kanmon("trend", "abalone", "--svg", str(path))
    size = path.stat().st_size
    print(f"{path.relative_to(PROJECT)}  {size / 1000:.0f} kB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"{path.name} is larger than {LARGEST_BYTES / 1000:.0f} kB")


if __name__ == "__main__":
    main()
