"""A step's inputs and outputs: from S3 to the function's disk, and back."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from on_lambda.limits import MIB, StepOutgrewError

THREADS = 8
PIECE = 1 << 20
# What one PutObject and one CopyObject can have. AWS: "Uploading and copying objects", 2026.
LARGEST = 5 * 1000**3
# What a function surely sends; most send several times as much.
BYTES_A_SECOND = 50 * 1000**2


def fetch(s3: Any, inputs: Mapping[str, str], folder: Path) -> None:
    """Bring every input to `folder`/NAME, as Processing does with the type S3Prefix.

    An input is all objects whose key begins with its URI's; a file's name is what follows the
    URI's last slash.
    """

    def find(name: str, uri: str) -> Iterable[Callable[[], None]]:
        bucket, prefix = place(uri)
        cut = prefix.rfind("/") + 1
        (folder / name).mkdir(parents=True, exist_ok=True)
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                key = entry["Key"]
                if not key.endswith("/"):
                    yield download(s3, bucket, key, folder / name / key[cut:])

    def found(each: tuple[str, str]) -> list[Callable[[], None]]:
        return list(find(*each))

    with ThreadPoolExecutor(THREADS) as pool:
        listings = as_completed([pool.submit(found, each) for each in inputs.items()])
        try:
            for done in [pool.submit(one) for listed in listings for one in listed.result()]:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun is not wanted
            raise


def deliver(s3: Any, outputs: Mapping[str, str], folder: Path, end: float) -> int:
    """Store every file of `folder`/NAME below the output's URI; how many there are.

    `end` is the time.monotonic() by which all must be stored. Raises StepOutgrewError where a file
    is too large for that, or for one request.
    """

    def store(bucket: str, key: str, file: Path) -> Callable[[], None]:
        def put() -> None:
            if time.monotonic() > end:
                raise StepOutgrewError(f"{key}: there was no time left to store it")
            with file.open("rb") as body:
                s3.put_object(Bucket=bucket, Key=key, Body=body)

        return put

    found, sizes = [], [0]
    for name, uri in outputs.items():
        bucket, prefix = place(uri)
        files = sorted(file for file in (folder / name).rglob("*") if file.is_file())
        for file in files:
            path = file.relative_to(folder / name).as_posix()
            found.append(store(bucket, f"{prefix}/{path}", file))
            sizes.append(file.stat().st_size)
    if max(sizes) > LARGEST or time.monotonic() + sum(sizes) / BYTES_A_SECOND > end:
        raise StepOutgrewError(f"{sum(sizes) / MIB:,.0f} MB of results are too much to store now")
    at_once(found)
    return len(found)


def download(s3: Any, bucket: str, key: str, file: Path) -> Callable[[], None]:
    """What brings one object to a file, piece by piece."""

    def get() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as target:
            shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], target, PIECE)

    return get


def at_once(work: Iterable[Callable[[], None]]) -> None:
    """Do all of it on several threads; the first failure is raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(one) for one in work]:
            done.result()


def place(uri: str) -> tuple[str, str]:
    """
    >>> place("s3://data/runs/wine/r1/train/")
    ('data', 'runs/wine/r1/train/')
    """
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")
