"""kanmon new-model."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.words.formats import counted
from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, current

if TYPE_CHECKING:
    from kanmon.models.drafting.draft import Draft


@click.command(
    cls=Verb,
    name="new-model",
    examples="""
    kanmon new-model wine --from wine.csv --target quality
    kanmon new-model leads --from leads.csv.gz --target bought --positive yes --key lead_id
    """,
)
@click.argument("name")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), required=True, help="CSV or Parquet file."
)
@click.option("--target", required=True, help="The column to predict.")
@click.option(
    "--task",
    type=click.Choice(["regression", "binary", "multiclass"]),
    help="The task, if it would be guessed wrong.",
)
@click.option("--positive", help="The value that counts as positive (binary only).")
@click.option("--key", "keys", multiple=True, help="A column that identifies a row (repeatable).")
@click.option("--force", is_flag=True, help="Overwrite models/NAME/model.yaml.")
def command(
    name: str,
    source: Path,
    target: str,
    task: str | None,
    positive: str | None,
    keys: tuple[str, ...],
    force: bool,
) -> None:
    """Draft a model's folder from a table of data.

    The task, the key, the kinds of features and the words for missing values are inferred. Every
    line of the draft says why it is there.
    """
    from kanmon.models.definitions import read_folder
    from kanmon.models.drafting import model_file
    from kanmon.models.drafting.draft import draft_model
    from kanmon.project import check_model_name
    from kanmon.terminal.screen import shown_path

    check_model_name(name)
    invocation = current()
    path = invocation.project.root / "models" / name / "model.yaml"
    if path.exists() and not force:
        raise BadInputError(f"{shown_path(path)} already exists", "Overwrite it with --force.")
    code = path.with_name("features.py")
    if code.exists():
        raise BadInputError(
            f"{shown_path(code)} computes features, which a draft knows nothing of",
            "Move it away first; then list its inputs in the new model.yaml.",
        )
    makers = (path.with_name(each) for each in ("gather.sql", "gather.py"))
    if maker := next((each for each in makers if each.exists()), None):
        raise BadInputError(
            f"{shown_path(maker)} makes the data, which a draft knows nothing of",
            "Move it away first; then add gather to the new model.yaml.",
        )
    draft = draft_model(name, source, target, task=task, positive=positive, keys=list(keys))
    text = model_file.write(draft)
    model_file.check(text, f"models/{name}/model.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _report(invocation, draft, path, source, read_folder(path.parent).sha256)


def _report(invocation: Invocation, draft: "Draft", path: Path, source: Path, digest: str) -> None:
    from kanmon.terminal.screen import shown_path, table

    screen, kinds = invocation.screen, [column.kind for column in draft.features]
    screen.say(
        f"Wrote {shown_path(path)}: {draft.task} of {draft.target.name} from {draft.rows:,} rows"
    )
    screen.say(
        f"  {counted(len(kinds), 'feature')} "
        f"({kinds.count('numeric')} numeric, {kinds.count('categorical')} categorical)"
        + (f", {counted(len(draft.ignored), 'column')} ignored" if draft.ignored else "")
    )
    rows = [(f"  {column.name}", column.kind, column.seen) for column in draft.features]
    rows += [(f"  {one.name}", "ignored", one.why) for one in draft.ignored]
    for line in table(rows):
        screen.say(line)
    for note in draft.notes:
        screen.say(f"  {note}")
    screen.say("Next")
    screen.say(f"  kanmon put-data {draft.name} {shlex.quote(str(source))}")
    screen.say(f"  kanmon run {draft.name}")
    screen.document(
        {
            "model": draft.name,
            "path": str(path),
            "definition": digest,
            "task": draft.task,
            "features": {column.name: column.kind for column in draft.features},
            "seen": {column.name: column.seen for column in draft.features},
            "ignored": {column.name: column.why for column in draft.ignored},
            "notes": draft.notes,
        }
    )
