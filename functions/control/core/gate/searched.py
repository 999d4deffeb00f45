"""What verdict.json says of a search for parameters, from the trials.json that Train left."""

from typing import Any

from core.reading import Document, finite, mappings


def searched(trials: Document) -> dict[str, Any]:
    """How many trials there were, what the best and model.yaml's own parameters came to by
    `metric` on the validation rows, and what ended the search early. `own` is None where the own
    parameters could not be trained."""
    every = mappings(trials.get("trials"))
    values = {finite(each.get("number")): finite(each.get("value")) for each in every}
    best = finite(trials.get("best"))
    return {
        "metric": trials.get("metric"),
        "trials": len(every),
        "failed": sum(value is None for value in values.values()),
        "best": {"trial": trials.get("best"), "value": values.get(best)},
        "own": values.get(1.0),
        "stopped_by": trials.get("stopped_by"),
    }
