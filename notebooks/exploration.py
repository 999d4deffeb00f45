"""A stage as a notebook sees it: its runs and batches as frames, and a folder to write to.

It needs boto3 and polars (`make .venv-notebook/ready`) and nothing else of Kanmon, so this folder
can be copied to where a notebook runs. docs/exploring.md says who may do what.

A run is named by its folder in the stage's bucket, such as
`runs/abalone/abalone-261201031709-mgj`; a batch likewise. Errors of AWS pass as they come;
ExplorationError is for what can be said better here.
"""

import getpass
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import polars as pl
from botocore.credentials import AssumeRoleCredentialFetcher, RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import Session as CoreSession


class ExplorationError(Exception):
    """What is asked for is not there, or a job failed. The text says what, and how to fix it."""


@dataclass(frozen=True)
class Stage:
    """A deployed stage, as the person who explores it."""

    stack: str
    bucket: str
    job_role: str
    user: str
    session: boto3.Session

    @property
    def scratch(self) -> str:
        """The folder of this person's results; S3 removes what is 30 days old."""
        return f"scratch/{self.user}"

    @property
    def s3(self) -> Any:
        """S3, with this person's credentials."""
        return self.session.client("s3")

    def uri(self, key: str) -> str:
        """The S3 URI of a key or a folder of the bucket."""
        return f"s3://{self.bucket}/{key}"

    def keys(self, folder: str) -> Iterator[str]:
        """The keys of all objects in a folder of the bucket, sorted."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{folder.rstrip('/')}/"
        )
        for page in pages:
            yield from (found["Key"] for found in page.get("Contents", []))

    def read(self, key: str) -> bytes:
        """An object's content."""
        try:
            content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise ExplorationError(f"there is no {key} in {self.bucket}") from error
            raise
        return content

    def document(self, key: str) -> dict[str, Any]:
        """A JSON document."""
        return dict(json.loads(self.read(key)))

    def frame(self, folder: str) -> pl.DataFrame:
        """All Parquet files of a folder, one below the other. They must fit into memory."""
        keys = [key for key in self.keys(folder) if key.endswith(".parquet")]
        if not keys:
            raise ExplorationError(f"there are no Parquet files in {folder}/ of {self.bucket}")
        return pl.concat([pl.read_parquet(io.BytesIO(self.read(key))) for key in keys])

    def runs(self, model: str) -> list[str]:
        """The model's evaluated runs, the latest one last."""
        return self._folders_of(model, "runs", "/evaluate/evaluation.json")

    def batches(self, model: str) -> list[str]:
        """The model's batches that have ended well, the latest one last."""
        return self._folders_of(model, "batches", "/manifest.json")

    def _folders_of(self, model: str, kind: str, ending: str) -> list[str]:
        keys = (key for key in self.keys(f"{kind}/{model}") if key.endswith(ending))
        return [key.removesuffix(ending) for key in keys]

    def scores(self, batch: str) -> pl.DataFrame:
        """A batch's scores, with the rows' keys."""
        return self.frame(f"{batch}/scores")

    def metrics(self, evaluation: str) -> pl.DataFrame:
        """The metrics of an evaluation.json with their intervals, the champion's too."""
        document = self.document(evaluation)
        return pl.DataFrame(
            [
                {"of": model, "metric": name, **interval}
                for model in ("candidate", "champion")
                if document[model]
                for name, interval in document[model]["metrics"].items()
            ]
        )

    def baseline(self, run: str) -> pl.DataFrame:
        """What the run's training rows are like: a line per feature, of each host of Preprocess."""
        columns = ("minimum", "maximum", "mean", "std")
        return pl.DataFrame(
            [
                {
                    "file": Path(key).stem,
                    "feature": name,
                    "kind": feature["kind"],
                    "missing": feature["missing"],
                    **{column: feature.get("numeric", {}).get(column) for column in columns},
                    "categories": len(feature["categories"]) if "categories" in feature else None,
                }
                for key in self.keys(f"{run}/preprocess/report")
                if Path(key).name.startswith("baseline")
                for name, feature in self.document(key)["features"].items()
            ],
            schema_overrides=dict.fromkeys(columns, pl.Float64) | {"categories": pl.Int64},
        )

    def clean(self, folder: str | None = None) -> int:
        """Remove what this person's jobs left, or one folder of it; the number of objects."""
        folder = folder or self.scratch
        if folder != self.scratch and not folder.startswith(f"{self.scratch}/"):
            raise ExplorationError(f"{folder} is not below {self.scratch}/")
        keys = list(self.keys(folder))
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return len(keys)


def connect(
    stack: str = "kanmon-local", *, profile: str | None = None, assume: bool = True
) -> Stage:
    """The stage of a stack, as its data scientist: the local one after `eval "$(kanmon env)"`.

    `profile` is one of AWS's configuration. `assume=False` is for a profile whose person has the
    data scientist's policies without the role.
    """
    session, user = boto3.Session(profile_name=profile), user_name(getpass.getuser())
    try:
        [described] = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise ExplorationError(
            f"there is no stack {stack} in {session.region_name}; `kanmon deploy` deploys a stage"
        ) from error
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    if "ExploreJobRoleArn" not in outputs:
        raise ExplorationError(f"{stack} is of a version without exploration; deploy it again")
    if assume:
        session = assumed(session, outputs["DataScientistRoleArn"], user)
    return Stage(stack, outputs["DataBucketName"], outputs["ExploreJobRoleArn"], user, session)


@dataclass(frozen=True)
class AssumedRole:
    """Gives a session the credentials of a role; botocore renews them each hour."""

    fetcher: AssumeRoleCredentialFetcher

    def load_credentials(self) -> RefreshableCredentials:
        """Called by botocore for the session's first client."""
        ask = self.fetcher.fetch_credentials
        return RefreshableCredentials.create_from_metadata(ask(), ask, "assume-role")


def assumed(session: boto3.Session, role: str, user: str) -> boto3.Session:
    """The same account, as the role; its records name `user`."""
    fetcher = AssumeRoleCredentialFetcher(
        # With the session's own settings in place of those that are not given.
        client_creator=lambda service, **given: session.client(
            service, **{name: value for name, value in given.items() if value is not None}
        ),
        source_credentials=session.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": user},
    )
    core = CoreSession()
    core.register_component("credential_provider", AssumedRole(fetcher))
    return boto3.Session(botocore_session=core, region_name=session.region_name)


def user_name(login: str) -> str:
    """A login name as folders, tags and sessions can have it; no two people have the same.

    >>> user_name("ada"), user_name("Ada.Lovelace@example.com"), user_name("o")
    ('ada', 'ada-lovelace-example-com-9dee37', 'o-65c74c')
    """
    name = re.sub(r"[^a-z0-9]+", "-", login.lower())[:40].strip("-")
    if name == login and len(name) > 1:
        return name
    return f"{name or 'user'}-{hashlib.sha256(login.encode()).hexdigest()[:6]}"
