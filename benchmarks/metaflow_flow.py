"""The three steps of a run as a Metaflow flow: a baseline of `loop.py`.

Each step runs the same program on the same folders as the job of the same name.
"""

import os
import runpy
import sys

from metaflow import FlowSpec, step  # type: ignore[import-not-found]


def run(name: str) -> None:
    """Run one step's program in this process, as `python -m` would."""
    root = os.environ["BENCH_ROOT"]
    sys.path.insert(0, os.environ["BENCH_STEPS"])
    os.environ["PROCESSING_ROOT"] = f"{root}/{name}"
    runpy.run_module(name, run_name="__main__", alter_sys=True)


class Retrain(FlowSpec):  # type: ignore[misc]
    """Preprocess, train, evaluate; nothing else."""

    @step
    def start(self):  # type: ignore[no-untyped-def]
        run("preprocess")
        self.next(self.train)

    @step
    def train(self):  # type: ignore[no-untyped-def]
        run("train")
        self.next(self.end)

    @step
    def end(self):  # type: ignore[no-untyped-def]
        run("evaluate")


if __name__ == "__main__":
    Retrain()
