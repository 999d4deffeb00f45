"""S3 as a job's role sees it: list, download, upload over the gateway, signed, so IAM decides.

A client of its own because boto3's takes longer to make than most jobs have overhead to spend.
"""

import hashlib
import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlencode, urlsplit
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PIECE_BYTES = 1 << 20
TIMEOUT_SECONDS = 300


class S3Error(Exception):
    """S3 refused; `code` is S3's own, such as AccessDenied or NoSuchBucket."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Location:
    """A bucket and a key or prefix in it."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "Location":
        """
        >>> Location.parse("s3://data/runs/a")
        Location(bucket='data', key='runs/a')
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Signer(S3SigV4Auth):
    """Signs over a digest made beforehand: the body itself may be larger than memory."""

    def payload(self, request: AWSRequest) -> str:
        digest: str = request.context["digest"]
        return digest


class Connections:
    """Open connections to the gateway, each used by one thread at a time and kept for the next."""

    def __init__(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []

    def take(self, address: str, *, fresh: bool) -> http.client.HTTPConnection:
        if not fresh:
            try:
                return self._idle.pop()
            except IndexError:
                pass
        return http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        self._idle.append(connection)


class S3:
    """The calls a job's data needs. Safe to use from many threads."""

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Credentials,
        connections: Connections | None = None,
    ) -> None:
        self._endpoint = urlsplit(endpoint)
        self._signer = Signer(credentials, "s3", region)
        self._connections = connections or Connections()

    def keys(self, location: Location) -> Iterator[str]:
        """Yield every key under the prefix, in S3's order; folder markers are left out."""
        token: str | None = None
        while True:
            query = {"list-type": "2", "prefix": location.key, "encoding-type": "url"}
            if token:
                query["continuation-token"] = token
            with self._send("GET", f"/{location.bucket}", query) as response:
                # Our own gateway's answer, not a stranger's document.
                listing = ElementTree.fromstring(response.read())  # noqa: S314
            space = listing.tag.partition("}")[0] + "}" if listing.tag.startswith("{") else ""
            for entry in listing.iter(f"{space}Key"):
                # The encoding is that of a form, where a space is a plus sign.
                key = unquote((entry.text or "").replace("+", " "))
                if not key.endswith("/"):
                    yield key
            token = listing.findtext(f"{space}NextContinuationToken")
            if not token:
                return

    def read(self, location: Location) -> bytes:
        with self._send("GET", f"/{location.bucket}/{quote(location.key)}") as response:
            return response.read()

    def download(self, location: Location, target: Path, version: str | None = None) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        path = f"/{location.bucket}/{quote(location.key)}"
        with (
            self._send("GET", path, {"versionId": version} if version else None) as response,
            target.open("wb") as file,
        ):
            while piece := response.read(PIECE_BYTES):
                file.write(piece)

    def upload(self, source: Path, location: Location, headers: Mapping[str, str]) -> None:
        size = source.stat().st_size
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            sent = {**headers, "Content-Length": str(size)}
            path = f"/{location.bucket}/{quote(location.key)}"
            with self._send("PUT", path, headers=sent, body=file, digest=digest) as response:
                response.read()

    @contextmanager
    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: BinaryIO | None = None,
        digest: str = hashlib.sha256(b"").hexdigest(),
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a signed request and yield the answer, which must be read to its end."""
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        url = f"{self._endpoint.scheme}://{self._endpoint.netloc}{target}"
        request = AWSRequest(method=method, url=url, headers=dict(headers or {}))
        request.context["digest"] = digest
        self._signer.add_auth(request)
        connection, response = self._exchange(method, target, body, dict(request.headers.items()))
        if response.status >= http.client.BAD_REQUEST:
            answer = response.read()
            connection.close()
            raise refusal(response.status, answer)
        yield response
        if response.isclosed():
            self._connections.give_back(connection)
        else:
            connection.close()

    def _exchange(
        self, method: str, target: str, body: BinaryIO | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        # A kept connection may be one that the gateway closed meanwhile; a fresh one is not. Every
        # call here may be repeated.
        for fresh in (False, True):
            connection = self._connections.take(self._endpoint.netloc, fresh=fresh)
            if body is not None:
                body.seek(0)
            try:
                connection.request(method, target, body, headers)
                return connection, connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                connection.close()
        raise S3Error("RequestTimeout", "the local stage closed the connection")


def refusal(status: int, answer: bytes) -> S3Error:
    """Read S3's own words out of an error answer."""
    try:
        error = ElementTree.fromstring(answer)  # noqa: S314 - our own gateway's answer
    except ElementTree.ParseError:
        return S3Error(str(status), answer.decode("utf-8", "replace")[:300])
    space = error.tag.partition("}")[0] + "}" if error.tag.startswith("{") else ""
    return S3Error(
        error.findtext(f"{space}Code") or str(status), error.findtext(f"{space}Message") or ""
    )
