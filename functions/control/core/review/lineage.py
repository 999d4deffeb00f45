"""Where the candidate comes from: its data checks, its lineage and how long it took."""

from collections.abc import Iterator

from core.cost.prices import named
from core.definition.train import OWN
from core.reading import Document, finite, listed, mapping
from core.review import release_facts
from core.review.case import Case
from core.review.tables import Cell, Column, Table, table
from core.runs.gathering_job import is_of_a_job
from core.usage.sizing_words import place_words, sizing_words
from core.words.catalogue import say
from core.words.formats import (
    count,
    counted,
    dollars,
    duration,
    moment,
    number,
    percent,
    shorten,
    size,
    text,
)
from core.words.lists import clauses, enumerated, sentences
from core.words.people import person
from core.words.reasons import reason_words
from core.words.steps import problem, translated

# Its name, its value, and a quieter note.
Fact = tuple[str, str, str]
# A model whose best round is among these has hardly learned from its rows.
FEW_ROUNDS = 10
# Characters of a query that the page shows.
LONGEST_QUERY = 4000


def data_checks(case: Case) -> Table:
    """Rows read, written and dropped, and whether the exported model scores the same."""
    data = mapping(case.evaluation.get("data"))
    before = case.preprocess
    rows = mapping(case.evaluation.get("rows"))
    parity = mapping(case.evaluation.get("parity"))
    mismatches = finite(parity.get("mismatches"))
    rejected = data.get("rows_rejected", before.get("rows_rejected"))
    rejected_share = percent(data.get("rejected_share"))
    exported = say("review.data.not_checked")
    if mismatches is not None:
        exported = say("review.data.same_scores")
        if mismatches:
            exported = say("review.data.other_scores", rows=counted(mismatches, "row"))
    facts = [
        (
            say("review.data.rows_read"),
            count(data.get("rows_read", before.get("rows_read"))),
            "",
        ),
        (
            say("review.data.rows_rejected"),
            count(rejected),
            say("review.data.rejected_share", share=rejected_share),
        ),
        (say("review.data.train"), count(rows.get("train")), ""),
        (say("review.data.validation"), count(rows.get("validation")), _part(case, "validation")),
        (say("review.data.test"), count(rows.get("test")), _part(case, "test")),
        (
            say("review.data.exported"),
            exported,
            say(
                "review.data.parity_alone" if parity.get("alone") is True else "review.data.parity",
                rows=counted(parity.get("rows"), "test_row"),
                largest=number(parity.get("largest_difference")),
                tolerance=number(parity.get("tolerance")),
            ),
        ),
    ]
    return _facts("data-table", say("review.data.caption"), facts, case.limit)


def data_summary(case: Case) -> str:
    """The data checks in two sentences."""
    data, rows = mapping(case.evaluation.get("data")), mapping(case.evaluation.get("rows"))
    mismatches = finite(mapping(case.evaluation.get("parity")).get("mismatches"))
    exported = "not_checked" if mismatches is None else "differs" if mismatches else "same"
    used = say(
        "review.data.summary",
        read=count(data.get("rows_read", case.preprocess.get("rows_read"))),
        rejected=count(data.get("rows_rejected", case.preprocess.get("rows_rejected"))),
        train=count(rows.get("train")),
        validation=count(rows.get("validation")),
        test=count(rows.get("test")),
    )
    return sentences(used, say(f"review.data.export.{exported}"))


def _part(case: Case, part: str) -> str:
    """Which rows a part has, where model.yaml splits by a group or by time."""
    split = mapping(case.preprocess.get("split"))
    column = enumerated(text(name) for name in listed(split.get("columns")))
    begins = mapping(split.get("begins")).get(part)
    if begins is not None:
        return say("review.data.by_time", column=column, begins=text(begins))
    return say("review.data.by_group", column=column) if split.get("by") == "group" else ""


def warnings(case: Case) -> tuple[list[str], str]:
    """(warnings of the steps, how many more there are)."""
    data = mapping(case.evaluation.get("data"))
    every = [*listed(data.get("warnings")), *listed(case.preprocess.get("warnings"))]
    every = [*_hardly_trained(case), *every]
    different = list(dict.fromkeys(translated(text(each)) for each in every))
    shown = min(case.limit, 30)
    left = len(different) - shown
    more = say("review.table.more", things=counted(left, "warning")) if left > 0 else ""
    return different[:shown], more


def _hardly_trained(case: Case) -> list[str]:
    """A warning if the best round is among the first few, although more were allowed."""
    best = finite(case.training.get("best_iteration"))
    allowed = finite(mapping(case.definition.get("trainer")).get("rounds"))
    if best is None or best > FEW_ROUNDS or allowed is None or allowed <= FEW_ROUNDS:
        return []
    metric = text(mapping(case.training.get("history")).get("metric"))
    rounds = count(case.training.get("rounds"))
    return [say("review.data.few_rounds", best=count(best), rounds=rounds, metric=metric)]


def rejected_rows(case: Case) -> Table | None:
    """Samples of the rows the preprocess step dropped."""
    # Evaluate has gathered them from all hosts; preprocess.json is the first host's.
    data = mapping(case.evaluation.get("data"))
    samples = listed(data.get("rejected")) or listed(case.preprocess.get("rejected"))
    rows: list[tuple[Cell, ...]] = []
    for each in samples:
        entry = mapping(each)
        fields = clauses(f"{key}: {text(value)}" for key, value in entry.items())
        words = problem(entry) or fields or text(each)
        rows.append((Cell(str(len(rows) + 1)), Cell(words)))
    if not rows:
        return None
    return table(
        "rejected-table",
        say("review.data.rejected_caption"),
        [Column(say("review.data.sample")), Column(say("review.data.row_and_reason"))],
        rows,
        min(case.limit, 10),
        thing="sample",
    )


def lineage(case: Case, judged_at: str) -> Table:
    """Identities and digests: what this page is about, exactly."""
    facts = [
        *release_facts.identities(case),
        *_run_facts(case, judged_at),
        *release_facts.digests(case),
        *_made_with(case),
        *_champion_facts(case),
    ]
    return _facts("lineage-table", say("review.lineage.caption"), facts, case.limit)


def _run_facts(case: Case, judged_at: str) -> Iterator[Fact]:
    """The run, and what its candidate was made from."""
    plan = case.plan
    snapshot, definition = mapping(plan.get("snapshot")), mapping(plan.get("definition"))
    held = say(
        "review.lineage.snapshot_size",
        objects=counted(snapshot.get("objects"), "object"),
        size=size(snapshot.get("bytes")),
    )
    run, reason = text(plan.get("run")), reason_words(text(plan.get("reason")))
    yield say("review.lineage.run"), run, say("review.lineage.reason", reason=reason)
    yield from _asked(plan)
    yield say("review.lineage.opened"), moment(plan.get("opened_at")), ""
    yield say("review.lineage.judged"), moment(judged_at), ""
    yield say("review.lineage.snapshot"), text(snapshot.get("id")), held
    yield from _gathered(mapping(plan.get("gather")))
    yield _digest(say("review.lineage.definition"), definition.get("sha256"))
    yield from _features_py(case)
    commit, fingerprint = text(plan.get("commit")), text(plan.get("fingerprint"))
    yield say("review.lineage.commit"), commit, say("review.lineage.commit_note")
    note = say("review.lineage.fingerprint_note")
    yield say("review.lineage.fingerprint"), fingerprint, note
    if not case.release:  # a release's digests name it
        sha256 = case.training.get("model_sha256")
        yield _digest(say("review.lineage.candidate_model"), sha256)


def _asked(plan: Document) -> Iterator[Fact]:
    """Who started the run, and what they noted."""
    by, note = plan.get("by"), plan.get("note")
    if isinstance(by, str):
        yield say("review.lineage.by"), person(by), ""
    if isinstance(note, str):
        yield say("review.lineage.note"), text(note), ""


def _gathered(gather: Document) -> Iterator[Fact]:
    """The query or the job that made the data, if one did; run.json has all of a long query."""
    if not gather:
        return
    if is_of_a_job(gather):
        yield from _job(gather)
        return
    usd = finite(gather.get("usd"))
    cost = say("review.lineage.query_cost_unknown")
    if usd is not None:
        cost = say("review.lineage.query_cost", usd=dollars(usd), prices=named(gather["prices"]))
    made = say(
        "review.lineage.query_note",
        rows=counted(gather.get("rows"), "row"),
        database=text(gather.get("database")),
        scanned=size(gather.get("scanned_bytes")),
        gb=count(gather.get("maximum_gb")),
        cost=cost,
    )
    # A cell has one line, and without its ends a comment in the query would hide what follows it.
    lines = [line.strip() for line in text(gather.get("query")).splitlines()]
    query = shorten(" ⏎ ".join(lines), LONGEST_QUERY)
    yield say("review.lineage.query"), query, made


def _job(gather: Document) -> Iterator[Fact]:
    """The job that made the data: its name, the files that it stored, and the secret's name."""
    names = enumerated(text(name) for name in listed(gather.get("names")))
    made = say(
        "review.lineage.job_note",
        files=counted(gather.get("files"), "file"),
        size=size(gather.get("bytes")),
        written=counted(gather.get("written"), "file"),
    )
    stored = shorten(names, LONGEST_QUERY) if names else say("review.none")
    yield say("review.lineage.job"), text(gather.get("job")), made
    yield say("review.lineage.job_files"), stored, ""
    if gather.get("secret"):
        note = say("review.lineage.job_secret_note")
        yield say("review.lineage.job_secret"), text(gather["secret"]), note


def _made_with(case: Case) -> Iterator[Fact]:
    """The steps' images, and the parameters of this run alone."""
    for step, uri in mapping(case.plan.get("images")).items():
        yield say("review.lineage.image", step=step), text(uri), ""
    parameters = mapping(case.plan.get("parameters"))
    given = enumerated(f"{key} = {text(value)}" for key, value in parameters.items())
    yield say("review.lineage.parameters"), given or say("review.lineage.no_parameters"), ""


def _champion_facts(case: Case) -> Iterator[Fact]:
    if not case.champion:
        return
    made_by = say(
        "review.lineage.champion_run",
        champion=case.champion_name,
        run=text(case.champion.get("run")),
    )
    package = text(case.champion.get("package_arn"))
    yield say("review.lineage.champion_package"), package, made_by
    yield _digest(say("review.lineage.champion_model"), case.champion.get("model_sha256"))


def _features_py(case: Case) -> list[Fact]:
    """The file that computes the model's features, if it has one."""
    sha256 = mapping(case.evaluation.get("candidate")).get("features_py")
    if not sha256:
        return []
    name, value, _ = _digest("features.py", sha256)
    return [(name, value, say("review.lineage.features_py"))]


def _digest(name: str, sha256: object) -> Fact:
    return say("review.lineage.digest", name=name), text(sha256), ""


def trained(case: Case) -> str:
    """How the candidate was trained, in a sentence."""
    trainer = mapping(case.definition.get("trainer"))
    library = text(trainer.get("library"), "")
    if not library:
        return ""
    best, rounds = case.training.get("best_iteration"), case.training.get("rounds")
    seed = trainer.get("seed")
    how = say("review.lineage.trained", library=library)
    if library == OWN:
        how = say("review.lineage.trained_own")
    if finite(best) is not None:
        known = count(best)
        if finite(rounds) is not None:
            known = say("review.lineage.rounds", best=known, rounds=count(rounds))
        how = say("review.lineage.trained_best", library=library, round=known)
    return sentences(how, "" if seed is None else say("review.lineage.seed", seed=text(seed)))


def durations(case: Case) -> Table:
    """How long each step worked, on what, and the machine that it needs; as it measured."""
    named = {
        "preprocess": say("review.lineage.preprocess"),
        "train": say("review.lineage.train"),
        "evaluate": say("review.lineage.evaluate"),
    }
    sizing = mapping(case.verdict.get("sizing"))
    steps = [(name, mapping(sizing.get(step))) for step, name in named.items()]
    took = [finite(each.get("seconds")) for _, each in steps]
    known = [seconds for seconds in took if seconds is not None]
    rows = [
        (Cell(name), Cell(duration(seconds)), Cell(place_words(each)), Cell(sizing_words(each)))
        for (name, each), seconds in zip(steps, took, strict=True)
    ]
    whole = sum(known) if len(known) == len(steps) else None
    rows.append(
        (Cell(say("review.lineage.all_steps")), Cell(duration(whole)), Cell("–"), Cell("–"))
    )
    columns = [
        Column(say("review.lineage.step")),
        Column(say("review.lineage.time"), "number"),
        Column(say("review.lineage.ran_on"), "rest"),
        Column(say("review.lineage.machine")),
    ]
    caption = say("review.lineage.durations")
    return table("durations-table", caption, columns, rows, max(case.limit, 4))


def _facts(id: str, caption: str, facts: list[Fact], limit: int) -> Table:
    # All facts of the lineage are identifiers, set in a fixed width, but for these moments.
    moments = {
        say("review.lineage.opened"),
        say("review.lineage.judged"),
        say("review.lineage.release_opened"),
    }
    code = id == "lineage-table"
    rows = [
        (Cell(name), Cell(value, note=note, code=code and name not in moments))
        for name, value, note in facts
    ]
    columns = [Column(say("review.column.what")), Column(say("review.column.value"))]
    return table(id, caption, columns, rows, max(limit, 24), thing="fact")
