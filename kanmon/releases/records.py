"""Releases in the model table: find one, list them, read a review page."""

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.names import is_model_name
from core.stage.release_records import (
    Champion,
    DeploymentLock,
    Release,
    Status,
    Withdrawal,
    champion_from,
    is_release,
    record_from,
    release_item,
    withdrawal_from,
)
from kanmon.errors import BadInputError, RunFailedError
from kanmon.runs.records import RunRecord, run_record
from kanmon.stage.connection import stage_flag
from kanmon.stage.model_table import item_of, items_of
from kanmon.stage.records import record_named

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def release_from(item: dict[str, Any], champion: Champion | None) -> Release:
    """A release from its item and the model's champion."""
    release = record_from(Release, item)
    in_service = champion is not None and champion.release == release.release
    return replace(release, in_service=in_service)


def newest_releases(connection: "Connection", models: list[str]) -> list[Release]:
    """The releases of several models, newest first."""
    found = [release for name in models for release in list_releases(connection, name)]
    return sorted(found, key=lambda one: str(one.opened_at or ""), reverse=True)


def list_releases(connection: "Connection", model: str) -> list[Release]:
    """A model's releases, newest first."""
    items = [item for item in items_of(connection, model, "release#") if is_release(item)]
    if not items:
        return []
    champion = champion_of(connection, model)
    found = [release_from(item, champion) for item in items]
    return sorted(found, key=lambda one: one.release, reverse=True)


def champion_of(connection: "Connection", model: str) -> Champion | None:
    """The model's champion; None before the first promotion and after a withdrawal."""
    return champion_from(item_of(connection, model, "champion"))


def withdrawal_of(connection: "Connection", model: str) -> Withdrawal | None:
    """That the model was taken out of service; None while a release is in service, or never was."""
    return withdrawal_from(item_of(connection, model, "champion"))


def deployment_lock_of(connection: "Connection", model: str) -> DeploymentLock:
    """The lock that a pipeline execution holds while it deploys the model."""
    item = item_of(connection, model, "deployment-lock")
    return record_from(DeploymentLock, item) if item else DeploymentLock(model)


def find_release(connection: "Connection", reference: str) -> Release:
    """The release `abalone/7`; for `abalone` the waiting one, else the latest; or a run's."""
    model, slash, number = reference.partition("/")
    if slash:
        return _numbered(connection, model, number)
    found = list_releases(connection, reference)
    if found:
        return chosen(found)
    record = record_named(connection, RunRecord, reference)
    if record is None:
        raise _absent(connection, reference)
    flag = stage_flag(connection.name)
    if record.equals:
        record = run_record(connection, record.model, str(record.equals)) or record
    if not record.release:
        raise BadInputError(
            f"run {record.run} has opened no release",
            f"`kanmon show {record.run}{flag}` shows why.",
        )
    return _numbered(connection, record.model, str(record.release))


def release_to_decide(connection: "Connection", reference: str) -> Release:
    """The release that an approval or a rejection means; a model's name must leave no choice."""
    found = list_releases(connection, reference) if is_model_name(reference) else []
    waiting = [one for one in found if one.status == Status.WAITING]
    if len(waiting) > 1:
        each = "; ".join(f"{one.reference} ({one.verdict})" for one in waiting)
        raise BadInputError(
            f"{len(waiting)} releases of {reference} wait for a review: {each}",
            "Name one of them as MODEL/NUMBER; `kanmon reject --all-waiting` rejects them all.",
        )
    return find_release(connection, reference)


def chosen(releases: list[Release]) -> Release:
    """The waiting release of a list that is sorted newest first, else the latest."""
    return next((one for one in releases if one.status == Status.WAITING), releases[0])


def _numbered(connection: "Connection", model: str, number: str) -> Release:
    if not number.isascii() or not number.isdigit():
        raise BadInputError(
            f"{model}/{number} is not the name of a release",
            "Write MODEL/NUMBER, such as abalone/7.",
        )
    item = item_of(connection, model, release_item(int(number)))
    if item is None:
        fix = f"`kanmon releases {model}{stage_flag(connection.name)}` lists them."
        raise BadInputError(f"there is no release {model}/{int(number)}", fix)
    return release_from(item, champion_of(connection, model))


def _absent(connection: "Connection", reference: str) -> BadInputError:
    from kanmon.project import find_project

    flag, project = stage_flag(connection.name), find_project()
    if reference in project.models():
        return BadInputError(
            f"model {reference} has no release yet",
            f"`kanmon run {reference}{flag}` opens one, unless the gate rejects its candidate.",
        )
    return BadInputError(
        f"there is no release {reference!r} on stage {connection.name}",
        project.suggestion(reference) or f"`kanmon releases{flag}` lists them.",
    )


def release_key(release: Release, name: str) -> str:
    """The key of one of the release's files in the data bucket."""
    return f"releases/{release.model}/{release.release}/{name}"


def release_record(connection: "Connection", release: Release) -> dict[str, Any]:
    """release.json, checked against the digest that was recorded with the release."""
    content = _object(connection, release_key(release, "release.json"))
    _require_same(release, "release.json", content, release.release_sha256)
    return dict(json.loads(content))


def review_page(connection: "Connection", release: Release) -> bytes:
    """The release's review page, checked against the digest that was recorded with it."""
    written = release_record(connection, release).get("review") or {}
    key = str(written.get("uri") or release.review_uri).split("/", 3)[-1]
    page = _object(connection, key)
    _require_same(release, "review page", page, written.get("sha256"))
    return page


def _object(connection: "Connection", key: str) -> bytes:
    from botocore.exceptions import ClientError

    try:
        return connection.s3.get_object(Bucket=connection.bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            raise RunFailedError(
                f"s3://{connection.bucket}/{key} does not exist",
                "It was deleted: restore its last version in S3.",
            ) from error
        raise


def _require_same(release: Release, what: str, content: bytes, recorded: str | None) -> None:
    found = hashlib.sha256(content).hexdigest()
    if recorded and found != recorded:
        raise RunFailedError(
            f"the {what} of {release.reference} was replaced: its sha256 is {found[:12]}, "
            f"but {recorded[:12]} was recorded",
            "Do not approve this release; restore the first version in S3.",
        )
