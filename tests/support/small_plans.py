"""Plans for tests of the code that reads rows: what a model is about, the rest as usual."""

from typing import Any

from contract.plan import Plan, Split, Trainer


def small_plan(model: str, **values: Any) -> Plan:
    """A plan of a model; `values` are its task, target, positive, features and metrics, and
    whatever differs from the usual.
    """
    usual: dict[str, Any] = {
        "run": f"{model}-261121055501-x7k",
        "model": model,
        "key": (),
        "ignore": (),
        "delimiter": ",",
        "null_values": ("", "NA"),
        "split": Split(0.6, 0.2, 0.2),
        "trainer": Trainer("lightgbm", 10, 2, 7, {}),
        "segments": (),
        "fairness": (),
        "minimum_segment_rows": 30,
        "maximum_rejected_share": 0.0,
        "memory_mb": 2048,
        "champion": None,
    }
    return Plan(**{**usual, **values})
