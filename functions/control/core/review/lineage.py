"""Where the candidate comes from: its data checks, its lineage and how long it took."""

from core.numbers import finite
from core.review import release_facts
from core.review.case import Case
from core.review.reading import listed, mapping
from core.review.tables import Cell, Column, Table, table
from core.review.wording import count, counted, duration, moment, number, percent, size, text


def data_checks(case: Case) -> Table:
    """Rows read, written and dropped, and whether the exported model scores the same."""
    data = mapping(case.evaluation.get("data"))
    before = case.preprocess
    rows = mapping(case.evaluation.get("rows"))
    parity = mapping(case.evaluation.get("parity"))
    mismatches = finite(parity.get("mismatches"))
    rejected = data.get("rows_rejected", before.get("rows_rejected"))
    facts = [
        ("Rows read", count(data.get("rows_read", before.get("rows_read"))), ""),
        ("Rows rejected", count(rejected), f"{percent(data.get('rejected_share'))} of those read"),
        ("Training rows", count(rows.get("train")), ""),
        ("Validation rows", count(rows.get("validation")), ""),
        ("Test rows", count(rows.get("test")), ""),
        (
            "Exported model",
            "not checked"
            if mismatches is None
            else "scores the same"
            if mismatches == 0
            else f"differs on {counted(mismatches, 'row')}",
            f"the trained model and its ONNX form on {counted(parity.get('rows'), 'test row')}:"
            f" largest difference {number(parity.get('largest_difference'))},"
            f" {number(parity.get('tolerance'))} allowed",
        ),
    ]
    return _facts("data-table", "Data checks", facts, case.limit)


def warnings(case: Case) -> tuple[list[str], str]:
    """(warnings of the preprocess and evaluate steps, how many more there are)."""
    data = mapping(case.evaluation.get("data"))
    found = [*listed(data.get("warnings")), *listed(case.preprocess.get("warnings"))]
    every = list(dict.fromkeys(text(each) for each in found))
    shown = min(case.limit, 30)
    left = len(every) - shown
    return every[:shown], f"and {counted(left, 'more warning')}" if left > 0 else ""


def rejected_rows(case: Case) -> Table | None:
    """Samples of the rows the preprocess step dropped."""
    # Evaluate has gathered them from all hosts; preprocess.json is the first host's.
    data = mapping(case.evaluation.get("data"))
    found = listed(data.get("rejected")) or listed(case.preprocess.get("rejected"))
    rows: list[tuple[Cell, ...]] = []
    for each in found:
        fields = mapping(each)
        said = "; ".join(f"{key}: {text(value)}" for key, value in fields.items())
        rows.append((Cell(str(len(rows) + 1)), Cell(said or text(each))))
    if not rows:
        return None
    return table(
        "rejected-table",
        "Samples of rejected rows",
        [Column("Sample"), Column("Row and reason")],
        rows,
        min(case.limit, 10),
        thing="sample",
    )


def lineage(case: Case, judged_at: str) -> Table:
    """Identities and digests: what this page is about, exactly."""
    plan = case.plan
    snapshot, definition = mapping(plan.get("snapshot")), mapping(plan.get("definition"))
    held = f"{counted(snapshot.get('objects'), 'object')}, {size(snapshot.get('bytes'))}"
    facts = [
        ("Run", text(plan.get("run")), f"reason: {text(plan.get('reason'))}"),
        ("Opened", moment(plan.get("opened_at"))[0], ""),
        ("Judged", moment(judged_at)[0], ""),
        ("Snapshot of the data", text(snapshot.get("id")), held),
        ("Definition, sha256", text(definition.get("sha256")), ""),
        ("Commit", text(plan.get("commit")), "ends in -dirty where the project had been changed"),
        (
            "Fingerprint",
            text(plan.get("fingerprint")),
            "of snapshot, definition, images, parameters",
        ),
    ]
    if not case.release:  # a release's digests name it
        facts.append(
            ("Candidate's model.tar.gz, sha256", text(case.training.get("model_sha256")), "")
        )
    facts = [*release_facts.identities(case), *facts, *release_facts.digests(case)]
    images = mapping(plan.get("images"))
    facts += [(f"Image of {step}", text(uri), "") for step, uri in images.items()]
    changed = mapping(plan.get("parameters"))
    said = ", ".join(f"{key} = {text(value)}" for key, value in changed.items())
    facts.append(("Parameters given to the run", said or "none", ""))
    if case.champion:
        facts += [
            (
                "Champion's package",
                text(case.champion.get("package_arn")),
                f"{case.champion_name}, made by run {text(case.champion.get('run'))}",
            ),
            ("Champion's model.tar.gz, sha256", text(case.champion.get("model_sha256")), ""),
        ]
    return _facts("lineage-table", "Identities and digests", facts, case.limit)


def trained(case: Case) -> str:
    """How the candidate was trained, in a sentence."""
    trainer = mapping(case.definition.get("trainer"))
    library = text(trainer.get("library"), "")
    best, rounds = case.training.get("best_iteration"), case.training.get("rounds")
    if not library:
        return ""
    said = f"Trained with {library}"
    if finite(best) is not None:
        said += f", best at round {count(best)}"
        said += f" of {count(rounds)}" if finite(rounds) is not None else ""
    seed = trainer.get("seed")
    return f"{said}, seed {text(seed)}." if seed is not None else f"{said}."


def durations(case: Case) -> Table:
    """How long each step worked, from its own report."""
    steps = [
        ("Preprocess", case.preprocess.get("seconds")),
        ("Train", case.training.get("seconds")),
        ("Evaluate", case.evaluation.get("seconds")),
    ]
    known = [seconds for _, value in steps if (seconds := finite(value)) is not None]
    rows = [(Cell(name), Cell(duration(value))) for name, value in steps]
    whole = sum(known) if len(known) == len(steps) else None
    rows.append((Cell("All three"), Cell(duration(whole))))
    return table(
        "durations-table",
        "Working time of the steps, without waiting for machines",
        [Column("Step"), Column("Time", "number")],
        rows,
        max(case.limit, 4),
    )


# Facts that are words; all others in the lineage are identifiers, set in a fixed width.
_IN_WORDS = {"Opened", "Judged", "Release opened"}


def _facts(id: str, caption: str, facts: list[tuple[str, str, str]], limit: int) -> Table:
    code = id == "lineage-table"
    rows = [
        (Cell(name), Cell(value, note=note, code=code and name not in _IN_WORDS))
        for name, value, note in facts
    ]
    return table(id, caption, [Column("What"), Column("Value")], rows, max(limit, 24), thing="fact")
