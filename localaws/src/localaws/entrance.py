"""What every request must pass before a service sees it.

Loopback keeps other machines out, but not the pages a browser shows: those can send requests to
any port of this machine. So a request must name this server in its Host header (a page that made
its own name point here cannot), must not come from a page (Origin), must carry a signature (the
services check it), and may not ask for the emulator's own unsigned pages.
"""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PID_PATH = "/_localaws/pid"

# Paths that the emulator answers without looking at credentials: its own pages, a container
# registry, sign-in pages. No S3 bucket can have these names.
_UNSIGNED_PATHS = ("/_", "/v2/", "/oauth2", "/health", "/latest/", "/.well-known/", "/saml2")


# Function URLs are under one of them. They take signed requests only, whatever their AuthType.
_FUNCTION_URLS = "/_aws/lambda-url/"

# An address that carries its signature, in the present form or in S3's old one.
_SIGNED_ADDRESS = (b"X-Amz-Credential=", b"AWSAccessKeyId=")


class Entrance:
    """An ASGI application in front of the services."""

    def __init__(self, services: Application, port: int) -> None:
        self.services = services
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == PID_PATH:
            await _answer(send, 200, str(os.getpid()).encode(), "text/plain")
            return
        refusal = self.refusal(scope)
        if refusal:
            body = json.dumps({"__type": refusal[0], "message": refusal[1]}).encode()
            await _answer(send, 403, body, "application/x-amz-json-1.1")
            return
        # `aws:SecureTransport` is true here: nothing travels over a network, and policies that
        # demand TLS are right to. The client's own header about it is dropped.
        headers = [(n, v) for n, v in scope["headers"] if n.lower() != b"x-forwarded-proto"]
        await self.services({**scope, "scheme": "https", "headers": headers}, receive, send)

    def refusal(self, scope: Scope) -> tuple[str, str] | None:
        """Return the code and message of a refusal, or None for a request that may go on."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self.hosts:
            return "AccessDeniedException", f"this server is not {host or 'without a name'}"
        if b"origin" in headers:
            return "AccessDeniedException", "web pages may not call the local stage"
        path = scope["path"]
        if path.startswith(_UNSIGNED_PATHS) and not path.startswith(_FUNCTION_URLS):
            return "AccessDeniedException", f"{path} is not served here"
        signed = headers.get(b"authorization", b"").startswith(b"AWS4-HMAC-SHA256 ")
        query = scope.get("query_string", b"")
        if not signed and not any(name in query for name in _SIGNED_ADDRESS):
            return "MissingAuthenticationTokenException", "the request is not signed"
        return None


async def _answer(send: Send, status: int, body: bytes, kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
