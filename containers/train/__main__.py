"""`python -m train`: the shell of the Train step, which knows where the job's files are.

With the argument `train` it is a Training job, on one or several hosts, else a Processing job or a
function. Reads input/run, input/report, input/train, input/validation and, of a model that has it,
features.py and train.py in input/definition and the file in input/base; writes model.tar.gz and
training.json to output/model, and after a search trials.json.
"""

import json
import math
import sys
import time
from typing import Any

from contract.artifact import sha256
from contract.features import Features
from contract.own_model import OWN
from contract.paths import Paths, TrainingPaths
from contract.plan import Plan
from contract.rows import read_rows
from contract.step import abandon, run_step
from contract.usage import measured
from train.cluster import Cluster
from train.model import Prepared, Trained, train
from train.together import check_dataset


def main(paths: Paths) -> None:
    """Train the run's candidate."""
    plan = Plan.read(paths.run_plan)
    cluster = Cluster.of(paths)
    trained = trained_alone(plan, paths) if cluster.alone else trained_with(cluster, plan, paths)
    if trained is None:
        print(f"trained {plan.model} with the first host, which has the model")
        return
    fitted, packed = trained.fitted, trained.artifact.pack()
    output = paths.output("model")
    (output / "model.tar.gz").write_bytes(packed)
    report = {
        "format": 1,
        "library": plan.trainer.library,
        **rounds_of(trained),
        "threshold": trained.artifact.threshold,
        "validation": trained.validation,
        "model_sha256": sha256(packed),
    }
    text = json.dumps(report, indent=1, allow_nan=False)
    (output / "training.json").write_text(text + "\n", encoding="utf-8")
    kept = f"{fitted.best} of {len(fitted.history)} rounds kept, " if fitted else ""
    print(
        f"trained {plan.model}: {kept}"
        + ", ".join(f"{name} {value}" for name, value in trained.validation.items())
    )


def rounds_of(trained: Trained) -> dict[str, Any]:
    """The part of training.json about rounds, which an own train step does not tell."""
    fitted = trained.fitted
    if fitted is None:
        return {"rounds": None, "best_iteration": None, "history": None}
    # A metric may be undefined, such as the AUC of rows of one class. JSON has no NaN.
    history = [value if math.isfinite(value) else None for value in fitted.history]
    return {
        "rounds": len(fitted.history),
        "best_iteration": fitted.best,
        "history": {"metric": fitted.metric, "validation": history},
    }


def trained_alone(plan: Plan, paths: Paths) -> Trained:
    """Train on one host."""
    check_dataset(plan, paths.input("report"))
    code = Features.of(plan, paths.input("definition"))
    training, validation = (read_rows(paths.input(part)) for part in ("train", "validation"))
    if plan.trainer.library == OWN:
        from train.own import read_base, read_program, train_own

        program = read_program(plan, paths.input("definition"))
        base = read_base(plan, paths.input("base"))
        return train_own(plan, training, validation, program, code, base)
    if plan.search is None:
        return train(plan, training, validation, code)
    return searched(Prepared.of(plan, training, validation), code, paths)


def searched(prepared: Prepared, code: Features | None, paths: Paths) -> Trained:
    """Search for the best parameters, and train with them as a run that has them would."""
    from train.search import search  # it imports Optuna

    found = search(prepared, time.monotonic, lambda line: print(line, flush=True))
    text = json.dumps(found.document, indent=1, allow_nan=False)
    (paths.output("model") / "trials.json").write_text(text + "\n", encoding="utf-8")
    return prepared.with_parameters(found.parameters).trained(code)


def trained_with(cluster: Cluster, plan: Plan, paths: Paths) -> Trained | None:
    """Train on this host with the others; the first has the result."""
    from train.peers import Peers
    from train.several_hosts import train_on_hosts

    with Peers(cluster, lambda message: abandon(paths, message)).join() as peers:
        if cluster.leads:
            check_dataset(plan, paths.input("report"))
        code = Features.of(plan, paths.input("definition"))
        training, validation = paths.input("train"), paths.input("validation")
        return train_on_hosts(plan, training, validation, code, peers)


if __name__ == "__main__":
    # SageMaker starts a Training job's container with this argument.
    place = TrainingPaths.from_environment() if sys.argv[1:] == ["train"] else None
    run_step(measured(main, "model"), place)
