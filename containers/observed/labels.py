"""Labels and the answers they belong to: which label an answered row has, if any.

A label by key is that of every answer for the key: a row that is scored on several days has one
outcome. Where it has several, the key has the day too, or labels name requests; a label by request
is that of one answer. A correction by request goes before earlier labels by key, for its answer
alone: the key's other answers keep theirs.

Every label that was given has exactly one fate:
- corrected: a later correction of its key or request, or of each of its key's answers, replaced it;
- contradicting: the same answer has different labels. Nobody knows which is right: none is used;
- repeated: an answer has the same label already;
- unknown: there is no answer for its key or request;
- matched: it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from observed.label_files import LABEL, REQUEST, ROW, LabelFile, Labels, read

__all__ = [
    "FATES",
    "LATE_AFTER_DAYS",
    "LabelFile",
    "Labels",
    "Resolved",
    "read",
    "resolve",
    "since",
]

FATES = ("matched", "repeated", "contradicting", "unknown", "corrected")
SAMPLES = 5
# A label that comes more days than this after its answer is late. It is used all the same.
LATE_AFTER_DAYS = 60

_NUMBER, _ORDER, _FATE = "__label", "__order", "__fate"


@dataclass(frozen=True)
class Resolved:
    """What became of the labels.

    matched: the answered rows that have a label, with `label`, `received` and `late`.
    counts: of labels: `given`, which is the sum of the fates, and `late`: those of the matched that
    are late for each of their answers.
    samples: a few places in label files for each kind of problem.
    """

    matched: pl.DataFrame
    counts: Mapping[str, int]
    samples: Mapping[str, Sequence[Mapping[str, Any]]]


def resolve(
    labels: pl.DataFrame, answered: pl.DataFrame, late_after_days: int = LATE_AFTER_DAYS
) -> Resolved:
    """Find the label of each answered row.

    `labels` is `Labels.frame`; `answered` has at least `at`, `request_id`, `row` and the columns of
    the key, which are null where no key was sent.
    """
    keys = [name for name in labels.columns if name.startswith("__key_")]
    answered = answered.with_columns(pl.col(ROW).cast(pl.Int64))
    given = _in_order(labels, answered, keys)
    given = _corrected(given, keys)
    replaced = given.filter("corrected").with_columns(pl.lit("corrected").alias(_FATE))
    judged = _judged(given.filter(~pl.col("corrected")), keys)
    matched = _labelled(judged, answered, keys, late_after_days)
    in_time = matched.filter(~pl.col("late"))[_NUMBER]
    late = (pl.col(_FATE) == "matched") & ~pl.col(_NUMBER).is_in(in_time.unique().implode())
    every = pl.concat([replaced, judged], how="diagonal").sort(_NUMBER)
    rows = {"late": every.filter(late)}
    rows |= {fate: every.filter(pl.col(_FATE) == fate) for fate in FATES}
    return Resolved(
        matched.drop(_NUMBER),
        {"given": labels.height, **{name: frame.height for name, frame in rows.items()}},
        {
            name: [
                {"file": file, "row": row}
                for file, row in frame.head(SAMPLES).select("file", "file_row").iter_rows()
            ]
            for name, frame in rows.items()
            if name != "matched" and frame.height
        },
    )


def since(labels: pl.DataFrame, answered: pl.DataFrame, first: date) -> pl.DataFrame:
    """The labels that came on the day `first` (UTC) or later, and the earlier ones of answers.

    Answers of earlier days are not among `answered`, so a label from before says nothing by being
    of none of them.
    """
    keys = [name for name in labels.columns if name.startswith("__key_")]
    labels = labels.with_row_index(_NUMBER)
    known = [
        labels.join(answered, on=on, how="semi")[_NUMBER] for on in ([REQUEST, ROW], keys) if on
    ]
    is_recent = pl.col("received").dt.date() >= first
    return labels.filter(is_recent | pl.col(_NUMBER).is_in(pl.concat(known).implode())).drop(
        _NUMBER
    )


def _of(key: str) -> str:
    """The column for the key of the answer that a label is of; a label by key has its own."""
    return f"{key} of the answer"


def _by_key() -> pl.Expr:
    return pl.col(REQUEST).is_null()


def _in_order(labels: pl.DataFrame, answered: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Number the labels as they came, find answers, and add the keys of those found by request."""
    asked = answered.join(labels, on=[REQUEST, ROW], how="semi", maintain_order="left")
    asked = asked.unique([REQUEST, ROW], keep="first", maintain_order=True)
    asked = asked.select(
        REQUEST, ROW, *(pl.col(key).alias(_of(key)) for key in keys), pl.lit(True).alias("found")
    )
    ordered = (
        # In the same second a correction comes after what it corrects.
        labels.sort("received", "correction", "file", "file_row")
        .with_row_index(_NUMBER)
        .with_columns(pl.struct("received", "correction", "file").rle_id().alias(_ORDER))
        .join(asked, on=[REQUEST, ROW], how="left", maintain_order="left")
    )
    if not keys:
        return ordered
    named = answered.unique([*keys, REQUEST, ROW]).drop_nulls(keys)
    there = named.group_by(keys).agg(pl.len().cast(pl.Int64).alias("answers"))
    return ordered.with_columns(pl.coalesce(key, _of(key)).alias(_of(key)) for key in keys).join(
        there, on=keys, how="left", maintain_order="left"
    )


def _corrected(given: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Find what a later correction replaces. One by key also replaces labels by request of the
    key's answers."""
    corrections = given.filter("correction")
    latest = pl.col(_ORDER).max()
    of_requests = corrections.drop_nulls(REQUEST).group_by(REQUEST, ROW)
    given = _beside(given, of_requests.agg(latest.alias("latest")), [REQUEST, ROW])
    corrected = pl.col(_ORDER) < pl.col("latest")
    if keys:
        names = [_of(key) for key in keys]
        of_keys = corrections.filter(_by_key()).group_by(names)
        given = _beside(given, of_keys.agg(latest.alias("latest of key")), names)
        corrected = corrected.fill_null(False) | (pl.col(_ORDER) < pl.col("latest of key"))
    return given.with_columns(corrected.fill_null(False).alias("corrected"))


def _judged(given: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Give each label that no correction replaced its fate."""
    differs, first = pl.col(LABEL).min() != pl.col(LABEL).max(), pl.col(_NUMBER).min()
    own = given.group_by(*keys, REQUEST, ROW).agg(differs.alias("differs"), first.alias("first"))
    given = given.join(own, on=[*keys, REQUEST, ROW], how="left", nulls_equal=True)
    contradicts, repeats = pl.col("differs"), pl.col(_NUMBER) != pl.col("first")
    found, replaced = pl.col("found").fill_null(False), pl.lit(False)
    if keys and given[REQUEST].null_count() < given.height:
        given = _beside_the_key(given, [_of(key) for key in keys])
        contradicts = contradicts | pl.col("conflicts")
        repeats = repeats | (~_by_key() & pl.col("key is used") & ~pl.col("overrides"))
        replaced = _by_key() & (pl.col("answers") <= pl.col("overridden"))
    if keys:
        found = found | (pl.col("answers") > 0).fill_null(False)
    return given.with_columns(
        pl.when(replaced)
        .then(pl.lit("corrected"))
        .when(contradicts)
        .then(pl.lit("contradicting"))
        .when(repeats)
        .then(pl.lit("repeated"))
        .when(found)
        .then(pl.lit("matched"))
        .otherwise(pl.lit("unknown"))
        .alias(_FATE)
    )


def _beside_the_key(given: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Compare labels by key with those by request of the key's answers: does each conflict, is the
    label by key used, and which corrections by request go before it for how many answers?"""
    given = _overriding(given, names)
    label = [pl.col(LABEL).first(), (pl.col(LABEL).min() != pl.col(LABEL).max()).alias("many")]
    by_request = given.filter(~_by_key() & ~pl.col("overrides"))
    for by, rows in (("key", given.filter(_by_key())), ("request", by_request)):
        found = rows.group_by(names).agg(label).rename({LABEL: f"by {by}", "many": f"{by}s differ"})
        given = _beside(given, found, names)
    # Without labels of the other kind this is null.
    conflicts = (
        pl.when(_by_key())
        .then(pl.col("requests differ") | (pl.col("by request") != pl.col(LABEL)))
        .otherwise(pl.col("keys differ") | (pl.col("by key") != pl.col(LABEL)))
    )
    conflicts = conflicts.fill_null(False) & ~pl.col("overrides")
    given = given.with_columns(conflicts.alias("conflicts"))
    used = given.filter(_by_key() & ~pl.col("conflicts") & ~pl.col("differs")).select(names)
    used = used.unique().with_columns(pl.lit(True).alias("key is used"))
    return _beside(given, used, names).with_columns(pl.col("key is used").fill_null(False))


def _overriding(given: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Find the labels by request of answers with a correction by request that comes after all
    labels by key, and says something else than these."""
    of_keys = given.filter(_by_key()).group_by(names)
    found = of_keys.agg(
        pl.col(_ORDER).max().alias("last of key"),
        pl.col(LABEL).unique().alias("labels of key"),
    )
    given = _beside(given, found, names)
    says_so = (pl.col("labels of key").list.len() == 1) & pl.col("labels of key").list.contains(
        pl.col(LABEL)
    )
    overrides = ~_by_key() & pl.col("correction") & (pl.col(_ORDER) > pl.col("last of key"))
    of_answer = (overrides & ~says_so).fill_null(False).any().over(REQUEST, ROW)
    given = given.with_columns((of_answer & ~_by_key()).alias("overrides"))
    counted = given.filter("overrides").unique([REQUEST, ROW]).group_by(names)
    return _beside(given, counted.agg(pl.len().cast(pl.Int64).alias("overridden")), names)


def _beside(given: pl.DataFrame, found: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """The labels with what was found about theirs; nothing is found about nulls."""
    return given.join(found.drop_nulls(on), on=on, how="left", maintain_order="left")


def _labelled(
    judged: pl.DataFrame, answered: pl.DataFrame, keys: list[str], late_after_days: int
) -> pl.DataFrame:
    """The answered rows that have a label. No row gets two: labels of one row are not matched."""
    matched = judged.filter(pl.col(_FATE) == "matched")
    wanted = [LABEL, "received", _NUMBER]
    by_request = matched.filter(~_by_key()).select(REQUEST, ROW, *wanted)
    rows = answered.join(by_request, on=[REQUEST, ROW], how="inner", maintain_order="left")
    if keys:
        by_key = matched.filter(_by_key()).select(*keys, *wanted)
        if "overrides" in judged.columns:
            claimed = judged.filter("overrides")
            answered = answered.join(claimed, on=[REQUEST, ROW], how="anti", maintain_order="left")
        of_keys = answered.join(by_key, on=keys, how="inner", maintain_order="left")
        rows = pl.concat([rows, of_keys])
    delay = pl.col("received") - pl.col("at")
    return rows.with_columns((delay > timedelta(days=late_after_days)).alias("late"))
