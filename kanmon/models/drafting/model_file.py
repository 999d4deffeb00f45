"""Writes a draft as a model.yaml with comments."""

import json
from typing import TYPE_CHECKING

from core.words.widths import width
from kanmon.models.definitions import as_bad_input
from kanmon.models.drafting.draft import FINE_BINS, USUAL_BINS
from kanmon.models.drafting.yaml_text import quoted, scalar, sequence

if TYPE_CHECKING:
    from kanmon.models.drafting.columns import Column
    from kanmon.models.drafting.draft import Draft


def write(draft: "Draft") -> str:
    """The file's text."""
    parts = (_head(draft), _data(draft), _columns(draft), _training(draft), _gate(draft), _tail())
    return "\n".join(parts)


def check(text: str, source: str) -> None:
    """Refuse a text that is no valid definition."""
    from core.definition.parse import DefinitionError, parse_definition

    try:
        parse_definition(text, source)
    except DefinitionError as error:
        raise as_bad_input(error.problems) from error


def _head(draft: "Draft") -> str:
    return f"""\
# Drafted by `kanmon new-model` from {_comment(draft.source)}, {draft.rows:,} rows.
# Every guess has its reason. Change what you know better, then `kanmon run {draft.name}`.
name: {draft.name}
description: {scalar(f"Predicts {draft.target.name}.")}  # one sentence for reviewers
owners: []  # who is responsible for this model, e.g. [ml-team@example.com]

# regression (a number), binary (one of two) or multiclass (one of several)
task: {draft.task}  # {_comment(draft.target.why)}
"""


def _data(draft: "Draft") -> str:
    key = (
        "# These columns identify a row, so that it stays in train, validation or test."
        if draft.key
        else "# Columns that identify a row. None was found, so all its values identify it."
    )
    written = draft.number_format
    numbers = ""
    if not written.plain:
        numbers = f"  decimal: {quoted(written.decimal)}  # how numbers are written\n"
        if written.thousands:
            numbers += f"  thousands: {quoted(written.thousands)}\n"
    return f"""\
data:
  location: datasets/{draft.name}/  # where `kanmon put-data {draft.name} FILE` puts files
  delimiter: {json.dumps(draft.delimiter)}
  null_values: {sequence(draft.null_values)}  # the words for "missing"
{numbers}  {key}
  key: {sequence(draft.key)}
"""


def _columns(draft: "Draft") -> str:
    lines = [f"target: {scalar(draft.target.name)}  # the column to predict"]
    if draft.target.positive is not None:
        lines.append(
            f"positive: {quoted(draft.target.positive)}  # the value that counts as positive"
        )
    lines += [
        "",
        "# The features, each numeric or categorical. `minimum: 0` and `maximum: 100` reject rows",
        "# outside that range; `nullable: false` rejects rows without a value.",
        "features:",
    ]
    entries = [(f"  - {_feature(column)}", column.seen) for column in draft.features]
    column = min(60, max(width(entry) for entry, _ in entries))
    lines += [
        f"{entry}{' ' * (column - width(entry))}  # {_comment(seen)}" for entry, seen in entries
    ]
    lines += ["", "# Columns that are not used. Any other column in the data is an error."]
    if draft.ignored:
        lines.append("ignore:")
        lines += [f"  - {scalar(one.name)}  # {_comment(one.why)}" for one in draft.ignored]
    else:
        lines.append("ignore: []")
    return "\n".join(lines) + "\n"


def _feature(column: "Column") -> str:
    more = "" if column.offset is None else f", offset: {column.offset:.15g}"
    if column.derive is not None:
        rule = ", ".join(f"{key}: {scalar(value)}" for key, value in column.derive.items())
        more = f", derive: {{{rule}}}"
    return f"{{name: {scalar(column.name)}, kind: {column.kind}{more}}}"


def _training(draft: "Draft") -> str:
    also = ", ".join(draft.target.also)
    bins = ""
    if draft.fine:
        why = (
            f"{', '.join(draft.fine)}: the usual {USUAL_BINS} bins would merge neighbouring values"
        )
        bins = f"    max_bin: {FINE_BINS}  # {_comment(why)}\n"
    return f"""\
# Shares of the rows. A hash assigns each row, so test rows stay test rows.
split: {{train: 0.7, validation: 0.15, test: 0.15}}

trainer:
  library: lightgbm            # lightgbm or xgboost
  rounds: 1000                 # at most; early stopping can end sooner
  early_stopping_rounds: 100   # without a better loss on validation rows
  seed: 7
  parameters:                  # the library's own parameters
    learning_rate: 0.05
{bins}
# The primary metric decides the comparison with the champion. Early stopping watches the loss.
metrics: {{primary: {draft.target.primary}, also: [{also}]}}
"""


def _gate(draft: "Draft") -> str:
    target = draft.target
    metric = target.primary
    segments = "" if draft.segments else "  # names of categorical features"
    margin = f"{{{metric}: {target.segment_margin:g}}}"
    segment_margins = (
        f"segment_margins: {margin}  # the same, within a segment"
        if draft.segments
        else f"segment_margins: {{}}  # if there are segments, e.g. {margin}"
    )
    rejected = round(min(1.0, target.missing_share * 1.5), 4)
    why = "rows without a target are rejected" if rejected else "none is rejected now"
    return f"""\
# The rules that a candidate must pass before it can be approved.
gate:
  # {_comment(target.floor.why)}: tighten it once you know what is good
  floors: {{{target.floor.metric}: {target.floor.value:g}}}
  margins: {{{metric}: {target.margin:g}}}  # how much worse than the champion it may be
  {segment_margins}
  minimum_segment_rows: 30  # smaller segments are shown, but not judged
  fairness: []  # e.g. [{{column: gender, metric: {_fairness_metric(draft.task)}, max_gap: 0.1}}]
  maximum_rejected_share: {rejected:g}  # of the rows, by the data checks: {why}

# Metrics are also reported for each value of these columns.
segments: {sequence(draft.segments)}{segments}
"""


def _fairness_metric(task: str) -> str:
    return {"regression": "mae", "binary": "recall", "multiclass": "accuracy"}[task]


def _tail() -> str:
    return """\
# manual: a person reviews each release. automatic: a release with the verdict promote needs no
# review; a held one always does.
approval: manual

# The scoring function, and the limits of its canary: beyond them it is rolled back.
serving:
  memory_mb: 512
  timeout_seconds: 10
  concurrency: 10          # at most this many requests at the same time
  canary: Canary10Percent5Minutes  # or AllAtOnce, Linear10PercentEvery1Minute, …
  maximum_latency_ms: 500  # p99 of the requests
  maximum_score_shift: 0.5 # of the mean score, in standard deviations
  capture_share: 0.1       # share of the requests that are stored in S3

# The machines of the steps on AWS. The local stage runs the steps as processes.
resources:
  preprocess:
    instance_type: ml.m5.large
    volume_gb: 30
    timeout_minutes: 60
    memory_mb: 2048        # its limit, however many rows there are
  train: {instance_type: ml.m5.large, volume_gb: 30, timeout_minutes: 120}
  evaluate: {instance_type: ml.m5.large, volume_gb: 30, timeout_minutes: 60}
"""


def _comment(text: str) -> str:
    """A text as one line for a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
