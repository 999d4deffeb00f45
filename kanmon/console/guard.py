"""Which requests the console accepts, and what a browser may do with its pages.

The console listens on this machine only, but every program here, and every web page that is open in
a browser here, can send it requests. So a request must carry the key that was printed at the start:
once in the address, then in a cookie that no other site's request carries. It must use the
console's own host name, because a foreign name can resolve to 127.0.0.1. Every change must be a
POST from one of the console's own forms.
"""

import hmac
import secrets
from dataclasses import dataclass, field

from flask import Flask, Request, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

COOKIE = "kanmon-console"
LARGEST_FORM = 20_000
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Guard:
    """The secrets of one console: the key that opens it, and the token of its forms."""

    port: int
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def address(self) -> str:
        """The address to open; its key is exchanged for a cookie."""
        return f"http://127.0.0.1:{self.port}/?key={self.key}"

    @property
    def _hosts(self) -> set[str]:
        return {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}

    def knows(self, asked: Request) -> bool:
        """Does the request come from a browser that has opened the printed address?"""
        return _same(asked.cookies.get(COOKIE, ""), self.key)

    def problem_of(self, asked: Request) -> str | None:
        """Why a request is refused; None if it is accepted."""
        if asked.host not in self._hosts:
            return "the console accepts requests to its own address only"
        if asked.endpoint == "static" and asked.method in ("GET", "HEAD"):
            return None  # the style of the page that asks for the key
        if not self.knows(asked):
            return "the key is missing: open the address that `kanmon console` printed"
        if asked.method in ("GET", "HEAD"):
            return None
        if asked.headers.get("Origin", "") not in {f"http://{name}" for name in self._hosts}:
            return "this form was not sent from a page of the console"
        if not _same(asked.form.get("token", ""), self.form_token):
            return "this form is from an earlier console: reload the page and repeat"
        return None

    def install(self, app: Flask) -> None:
        """Check every request, and add the headers to every response."""
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM

        @app.before_request
        def check() -> AnyResponse | None:
            given = _same(request.args.get("key", ""), self.key)
            if given and request.host in self._hosts and request.method in ("GET", "HEAD"):
                return self._with_cookie(redirect(url_for("overview")))
            problem = self.problem_of(request)
            if problem:
                abort(403, problem)
            return None

        @app.after_request
        def protect(response: Response) -> Response:
            response.headers.setdefault("Content-Security-Policy", POLICY)
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "no-store"
            return response

    def _with_cookie(self, response: AnyResponse) -> AnyResponse:
        # Cookies ignore the port, so this replaces the cookie of another console on this machine.
        response.set_cookie(COOKIE, self.key, httponly=True, samesite="Strict")
        return response


def _same(given: str, secret: str) -> bool:
    """Compare in constant time; as bytes, because the text can be in any script."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
