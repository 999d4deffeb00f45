"""A search for parameters on a stage: from model.yaml to the review page, and back by hand."""

import json
from pathlib import Path
from typing import Any

from tests.support.laptop import TINY, Laptop, rows

SEARCH = """
search:
  trials: 7
  batch: 3
  space:
    learning_rate: {low: 0.02, high: 0.5, log: true}
    num_leaves: {low: 4, high: 31}
"""


def start(laptop: Laptop, model: str, more: str, *asked: str) -> dict[str, Any]:
    laptop.add_model(model, TINY.format(name=model, floor=5.0) + more)
    laptop.put_object(model, rows(300))
    return laptop.must("run", model, *asked)


def left(laptop: Laptop, run: dict[str, Any], name: str) -> bytes:
    found = laptop.client("s3").get_object(
        Bucket=laptop.outputs["DataBucketName"],
        Key=f"runs/{run['model']}/{run['run']}/train/{name}",
    )
    return bytes(found["Body"].read())


def test_a_search_ends_on_the_review_page_and_its_parameters_give_the_model_by_hand(
    shared: Laptop,
) -> None:
    run = start(shared, "searched", SEARCH)

    trials = json.loads(left(shared, run, "trials.json"))
    assert len(trials["trials"]) == run["verdict"]["search"]["trials"] == 7
    assert run["verdict"]["ran"]["train"]["rung"] == "lambda"
    page = Path(run["review"]["path"]).read_text(encoding="utf-8")
    assert "7 trials were tried" in page
    told = shared.kanmon("show", run["run"]).out
    assert "Search    7 trials, best RMSE " in told
    best = next(each for each in trials["trials"] if each["number"] == trials["best"])
    given = [f"--set={name}={value}" for name, value in best["parameters"].items()]
    assert given
    by_hand = shared.must("run", "searched", *given)
    assert left(shared, by_hand, "model.tar.gz") == left(shared, run, "model.tar.gz")
    assert left(shared, by_hand, "training.json") == left(shared, run, "training.json")
    # All that is searched was set, so nothing was searched for.
    assert "search" not in by_hand["verdict"]


def test_a_job_and_a_function_find_the_same(shared: Laptop) -> None:
    function = start(shared, "either", SEARCH)
    job = start(shared, "either", SEARCH + "compute: {train: processing}\n")

    assert job["verdict"]["ran"]["train"]["rung"] == "processing"
    for name in ("trials.json", "model.tar.gz"):
        assert left(shared, job, name) == left(shared, function, name)


def test_a_search_whose_every_trial_fails_fails_the_run_with_the_first_reason(
    shared: Laptop,
) -> None:
    shared.add_model("hopeless", TINY.format(name="hopeless", floor=5.0) + SEARCH)
    shared.put_object("hopeless", rows(300))

    failed = shared.kanmon("run", "hopeless", "--set", "objective=nonsense")

    assert failed.code == 1
    assert (
        "train: search: none of 7 trials could be trained; trial 1: trainer.parameters: lightgbm "
        "cannot train with these parameters on this data: Unknown objective type name: nonsense"
    ) in " ".join(failed.err.split())
