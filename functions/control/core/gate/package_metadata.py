"""What a registered package says about itself: metadata and description, in SageMaker's limits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from core.gate.rule import Verdict
from core.reading import estimate, part
from core.stage import registry
from core.words.catalogue import say
from core.words.formats import MINUS, one_line
from core.words.lists import clauses
from core.words.metrics import metric_format
from core.words.verdicts import verdict_name

# SageMaker's limits for CustomerMetadataProperties and ModelPackageDescription.
LONGEST_VALUE = 256
LONGEST_DESCRIPTION = 1024
_ALLOWED_MARKS = "_.:/=+-@"


def package_metadata(
    plan: Mapping[str, Any],
    verdict: Verdict,
    evaluation: Mapping[str, Any],
    artifact: Mapping[str, str],
    uris: Mapping[str, str],
) -> dict[str, str]:
    """Everything that must be known of a package years later, by name.

    `plan` is run.json; `artifact` has uri, sha256 and, in a versioned bucket, version; `uris` has
    evaluation, report and review.
    """
    champion, reference = plan.get("champion") or {}, plan.get("reference") or {}
    values = {
        registry.RUN: plan["run"],
        registry.FINGERPRINT: plan["fingerprint"],
        registry.DEFINITION: plan["definition"]["sha256"],
        "snapshot": plan["snapshot"]["id"],
        "reason": _apart(plan["reason"]),
        "commit": plan.get("commit"),
        "verdict": verdict.verdict,
        "summary": verdict.summary,
        registry.ARTIFACT_URI: artifact["uri"],
        registry.ARTIFACT_SHA256: artifact["sha256"],
        "artifact_version": artifact.get("version"),
        registry.EVALUATION_URI: uris["evaluation"],
        registry.REPORT_URI: uris["report"],
        "review_uri": uris["review"],
        "champion": champion.get("package_arn"),
        "champion_run": champion.get("run"),
        "reference": reference.get("package_arn"),
        "reference_run": reference.get("run"),
        **{f"image_{step}": uri.rpartition("@")[2] for step, uri in plan["images"].items()},
        **_primary_metric(evaluation),
    }
    metadata = {name: allowed(str(value)) for name, value in values.items() if value}
    return {name: value for name, value in metadata.items() if value}


def description(verdict: Verdict) -> str:
    r"""The verdict and every rule that fails, the worst first, within the registry's limits.

    They quote values of the data, which may hold what a description may not: it takes
    [\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*, so neither control characters nor invisible joiners.
    """
    reasons = [
        rule.words
        for outcome in ("reject", "hold")
        for rule in verdict.rules
        if rule.outcome == outcome
    ]
    text = verdict.summary
    if reasons:
        reason = clauses(reasons)
        text = say("gate.summary.one_reason", verdict=verdict_name(verdict.verdict), reason=reason)
    kept = "".join(c if unicodedata.category(c)[0] in "LMZSNP" else " " for c in text)
    return one_line(kept, LONGEST_DESCRIPTION)


def _apart(reasons: str) -> str:
    """What stands between reasons is no character of a metadata value; a stroke keeps them apart.

    >>> _apart("2026-11-30 06:00 CET; new data: 2 files")
    '2026-11-30 06:00 CET / new data: 2 files'
    """
    return re.sub(r"\s*[;；](?=.)\s*", " / ", reasons)


def allowed(text: str) -> str:
    r"""The text in the characters a metadata value may have: [\p{L}\p{Z}\p{N}_.:/=+\-@]*

    >>> allowed("RMSE 12,346 (12,101 to 12,590), the champion's: −5 %")
    'RMSE 12346 12101 to 12590 the champions: -5'
    """
    text = re.sub(r"(?<=\d),(?=\d)", "", text.replace("'", "").replace(MINUS, "-"))
    text = text.replace("〜", " - ")  # the Japanese sign between the ends of an interval
    kept = "".join(c if _is_allowed(c) else " " for c in text)
    return " ".join(kept.split())[:LONGEST_VALUE].rstrip()


def _is_allowed(character: str) -> bool:
    return character in _ALLOWED_MARKS or unicodedata.category(character)[0] in "LZN"


def _primary_metric(evaluation: Mapping[str, Any]) -> dict[str, str]:
    primary = evaluation.get("primary")
    if not isinstance(primary, str):
        return {}
    each = estimate(part(evaluation, "candidate", "metrics", primary))
    if each is None:
        return {}
    write = metric_format(evaluation, primary)
    value, interval = write.value(each), write.interval(each)
    if interval:
        value = say("registry.value", value=value, interval=interval)
    return {"primary_metric": primary, "primary_value": value}
