"""What a run's steps left behind about its candidate: what the gate and the page are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.definition.query import gathering_file
from core.reading import mapping
from core.stage.bucket import ObjectMissingError, Store
from core.usage.places import places
from core.usage.step_usage import hosts_of, usage_of_run
from core.words.catalogue import say

Document = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """run.json and the reports of the three steps. `champion_definition` is that of the model in
    service, with its run's parameters applied, and its query by name; None without a champion."""

    plan: Document
    training: Document
    evaluation: Document
    preprocess: Document | None
    champion_definition: Document | None
    # trials.json of a run that searched for parameters.
    trials: Document | None = None
    # What each step used of its machine; nothing of a step that left no usage.json.
    usage: dict[str, dict[str, float]] = field(default_factory=dict)

    def placed(self, ran: Mapping[str, Any] | None = None) -> dict[str, Document]:
        """What each step worked on; `ran` is what the workflow says of that."""
        content = self.plan["definition"]["content"]
        given = mapping(self.plan.get("instances"))
        resources = {
            step: {
                **settings,
                "instance_count": hosts_of(content, step),
                **({"instance_type": given[step]} if step in given else {}),
            }
            for step, settings in content.get("resources", {}).items()
        }
        return places(resources, ran)


def read_evidence(store: Store, model: str, run: str) -> Evidence:
    def key(name: str) -> str:
        return store.run_key(model, run, name)

    plan = store.read_json(key("run.json"))
    return Evidence(
        plan=plan,
        training=store.read_json(key("train/training.json")),
        evaluation=_evaluation(store, key("evaluate/evaluation.json"), plan),
        preprocess=store.read_json_if_there(key("preprocess/report/preprocess.json")),
        champion_definition=_champion_definition(store, model, plan),
        trials=store.read_json(key("train/trials.json")) if _searches(plan) else None,
        usage=usage_of_run(store, plan),
    )


def _searches(plan: Mapping[str, Any]) -> bool:
    return plan["definition"]["content"].get("search") is not None


def _evaluation(store: Store, key: str, plan: Mapping[str, Any]) -> Document:
    evaluation = store.read_json(key)
    if not isinstance(evaluation, dict) or evaluation.get("run") != plan["run"]:
        raise ObjectMissingError(
            say("refused.other_evaluation", where=store.uri(key), run=plan["run"])
        )
    if plan["champion"] is not None and evaluation.get("champion") is None:
        # The run has a champion: an evaluation that left it out must not pass as a first candidate.
        evaluation = {**evaluation, "champion": {}}
    if plan.get("reference") is not None and evaluation.get("reference") is None:
        evaluation = {**evaluation, "reference": {}}
    return evaluation


def _champion_definition(store: Store, model: str, plan: Mapping[str, Any]) -> Document | None:
    if plan["champion"] is None:
        return None
    champion_plan = store.read_json_if_there(
        store.run_key(model, plan["champion"]["run"], "run.json")
    )
    if not isinstance(champion_plan, dict):
        return None
    content = champion_plan.get("definition", {}).get("content")
    return content | gathering_file(champion_plan) if isinstance(content, dict) else None
