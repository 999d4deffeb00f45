"""Keeps a sample of the scored rows in S3, for the monitoring of what the model is asked.

A request is kept after it was answered where that can be done: a background thread writes, and an
internal Lambda extension asks Lambda to let it finish before the process is frozen. Where no
extension can be registered the thread writes when it gets to. A row that could not be kept is
dropped with a line in the log: no request fails or waits for it.
"""

import json
import queue
import sys
import threading
import time
from zlib import crc32

from scorer.answering import Answer
from scorer.extension import Extension

# More waiting than this means that S3 is not to be reached; nothing may pile up.
MOST_WAITING = 8


class Capture:
    """Writes every answer that the share picks below `prefix`, as JSON lines with a row each."""

    def __init__(self, bucket: str, prefix: str, share: float) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._below = share * 2**32
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_WAITING)
        self._extension: Extension | None = None
        if share > 0:
            threading.Thread(target=self._write, name="capture", daemon=True).start()
            self._extension = Extension.register(self._waiting.join)

    def offer(self, answer: Answer, request_id: str) -> None:
        """Keep the answer if its request is of the sample; the request's id decides that."""
        if crc32(request_id.encode()) < self._below and answer.document["predictions"]:
            now = time.gmtime()
            day, clock = time.strftime("%Y-%m-%d", now), time.strftime("%H%M%S", now)
            key = f"{self._prefix}/dt={day}/{clock}-{request_id}.jsonl"
            try:
                self._waiting.put_nowait((key, _lines(answer, now)))
            except queue.Full:
                _warn("a request was not captured: S3 does not keep up")

    def answered(self) -> None:
        """Say at the end of every invocation, of whatever kind, that writing may go on."""
        if self._extension:
            self._extension.answered()

    def wait(self) -> None:
        """Return when all that was offered has been written or given up."""
        self._waiting.join()

    def _write(self) -> None:
        client = None
        while True:
            key, content = self._waiting.get()
            try:
                if client is None:
                    import boto3  # it takes longer than all else; most requests need none

                    client = boto3.client("s3")
                client.put_object(Bucket=self._bucket, Key=key, Body=content)
            except Exception as error:  # whatever it is, it must not end the thread
                _warn(f"a request was not captured: {type(error).__name__}: {error}")
            finally:
                self._waiting.task_done()


def _lines(answer: Answer, now: time.struct_time) -> bytes:
    document = answer.document
    facts = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        "request_id": document["request_id"],
        "model": document["model"],
        "release": document["release"],
    }
    lines = (
        json.dumps({**facts, **prediction, "features": answer.rows[prediction["row"]]})
        for prediction in document["predictions"]
    )
    return ("\n".join(lines) + "\n").encode()


def _warn(message: str) -> None:
    sys.stdout.write(json.dumps({"level": "WARNING", "message": message}) + "\n")
