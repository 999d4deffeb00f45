"""Small tables that are hard to read, and a whole retrain and service of a draft from one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from contract.onnx_scoring import onnx_scores
from contract.plan import Plan
from core.definition.parse import parse_definition
from core.definition.schema import ModelDefinition
from evaluate.evaluation import Evidence, Models, evaluate
from kanmon.models.drafting import model_file
from kanmon.models.drafting.draft import Draft, draft_model
from kanmon.scoring.online import schema_from
from kanmon.scoring.rows import read_rows
from preprocess.pipeline import Outcome, preprocess
from reading.source import SourceFile
from scorer.answering import Scorer
from scorer.golden import Golden
from scorer.model import Model
from tests.support.trained_releases import laid_out
from train.model import train

ROWS = 600


def columns(rows: int = ROWS, seed: int = 0) -> dict[str, Any]:
    """Two numbers, a category, and a target that follows from them."""
    random = np.random.default_rng(seed)
    x, z = random.normal(size=rows).round(4), random.uniform(0, 10, rows).round(3)
    c = random.choice(["a", "b", "c"], rows)
    y = 2 * x + np.where(c == "a", 2, 0) + random.normal(0, 0.3, rows)
    return {"x": x, "z": z, "c": c, "y": y.round(4)}


def written(path: Path, table: dict[str, Any], delimiter: str = ",") -> Path:
    """The table as CSV."""
    texts = {name: [str(value) for value in values] for name, values in table.items()}
    pl.DataFrame(texts).write_csv(path, separator=delimiter)
    return path


@dataclass(frozen=True)
class Retrained:
    """A draft, taken unedited through Preprocess, Train and Evaluate, and then served."""

    draft: Draft
    definition: ModelDefinition
    outcome: Outcome
    parts: dict[str, pl.DataFrame]
    evaluation: dict[str, Any]
    golden: Golden
    scorer: Scorer
    scores: list[float]

    @property
    def rmse(self) -> float:
        return float(self.evaluation["candidate"]["metrics"]["rmse"]["value"])

    def scored(self, lines: list[str]) -> list[float]:
        """What `kanmon score` answers for the lines of a CSV."""
        rows = [row.values for row in read_rows(lines, schema_from(self.definition))]
        answer = self.scorer.answer({"rows": rows}, "test").document
        assert answer["errors"] == []
        return [one.get("probability", one["prediction"]) for one in answer["predictions"]]


def preprocessed(folder: Path, text: str, source: Path) -> tuple[Plan, Outcome, Any]:
    """What the Preprocess step makes of a file under a definition."""
    content = parse_definition(text, "model.yaml").model_dump(mode="json")
    content["trainer"]["rounds"] = 150
    plan = Plan.from_document({"run": "r", "model": "some", "definition": {"content": content}})

    def output(part: str) -> Path:
        target = folder / "output" / part
        target.mkdir(parents=True, exist_ok=True)
        return target

    outcome = preprocess(plan, [SourceFile(source, source.name)], output, folder / "scratch")
    parts = {
        part: pl.read_parquet(folder / "output" / part / "*.parquet")
        for part in ("train", "validation", "test")
    }
    return plan, outcome, parts


def retrained(folder: Path, source: Path, target: str = "y", **options: Any) -> Retrained:
    """Draft a model from the table, train it, evaluate it and put it in service."""
    draft = draft_model("some", source, target, **options)
    text = model_file.write(draft)
    plan, outcome, parts = preprocessed(folder, text, source)
    artifact = train(plan, parts["train"], parts["validation"]).artifact
    report = {"rows_read": outcome.rows_read, "rows_rejected": outcome.rows_rejected}
    evidence = Evidence(report | {"rows_written": outcome.written}, outcome.baseline, None)
    evaluated = evaluate(plan, parts["test"], Models(artifact), evidence)
    packed = artifact.pack()
    known = json.dumps(evaluated.golden, allow_nan=False).encode()
    digest = laid_out(folder / "model", packed, known)
    scorer = Scorer(Model.load(folder / "model", digest), "some", 1)
    golden = Golden.from_json(known)
    scores = onnx_scores(artifact, pl.concat(parts.values()))[:, 0].tolist()
    return Retrained(
        draft,
        parse_definition(text, "model.yaml"),
        outcome,
        parts,
        evaluated.document,
        golden,
        scorer,
        scores,
    )
