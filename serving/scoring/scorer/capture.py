"""Capture a sample of the scored rows in S3, for monitoring.

A background thread writes. An internal Lambda extension makes Lambda wait for it before it freezes
the process, so the caller has its answer first. Where no extension can be registered, the thread
writes when it gets time. Rows that cannot be written are dropped with a line in the log: no request
fails or waits because of them.
"""

import json
import queue
import sys
import threading
import time
from collections.abc import Iterable, Set
from typing import Any
from zlib import crc32

from scorer.answering import Answer
from scorer.extension import Extension

# If more are waiting, S3 cannot be reached; requests must not pile up.
MOST_WAITING = 8


class Capture:
    """Writes the share of answers below `prefix`, as JSON lines: one row a line.

    `left_out` are columns that a line's features do not have: private ones, and those of the key,
    which a line has by themselves.
    """

    def __init__(
        self, bucket: str, prefix: str, share: float, left_out: Iterable[str] = ()
    ) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._left_out = frozenset(left_out)
        self._below = share * 2**32
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_WAITING)
        self._extension: Extension | None = None
        if share > 0:
            threading.Thread(target=self._write, name="capture", daemon=True).start()
            self._extension = Extension.register(self._waiting.join)

    def offer(self, answer: Answer, request_id: str) -> None:
        """Keep the answer if its request is in the sample, which the request's id decides."""
        if crc32(request_id.encode()) < self._below and answer.document["predictions"]:
            now = time.gmtime()
            day, clock = time.strftime("%Y-%m-%d", now), time.strftime("%H%M%S", now)
            key = f"{self._prefix}/dt={day}/{clock}-{request_id}.jsonl"
            try:
                self._waiting.put_nowait((key, _lines(answer, now, self._left_out)))
            except queue.Full:
                _warn("a request was not captured: S3 is too slow")

    def answered(self) -> None:
        """Allow writing to continue. Call it at the end of every invocation of any kind."""
        if self._extension:
            self._extension.answered()

    def wait(self) -> None:
        """Return when all offered answers are written or dropped."""
        self._waiting.join()

    def _write(self) -> None:
        client = None
        while True:
            key, content = self._waiting.get()
            try:
                if client is None:
                    import boto3  # slow to import, and most requests do not need it

                    client = boto3.client("s3")
                client.put_object(Bucket=self._bucket, Key=key, Body=content)
            except Exception as error:  # no error may end the thread
                _warn(f"a request was not captured: {type(error).__name__}: {error}")
            finally:
                self._waiting.task_done()


def _lines(answer: Answer, now: time.struct_time, left_out: Set[str]) -> bytes:
    document = answer.document
    facts = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        "request_id": document["request_id"],
        "model": document["model"],
        "release": document["release"],
    }
    lines = (
        json.dumps(
            {**facts, **prediction, "features": _kept(answer.rows[prediction["row"]], left_out)}
        )
        for prediction in document["predictions"]
    )
    return ("\n".join(lines) + "\n").encode()


def _kept(row: Any, left_out: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in left_out}


def _warn(message: str) -> None:
    sys.stdout.write(json.dumps({"level": "WARNING", "message": message}) + "\n")
