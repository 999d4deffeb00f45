"""Who may ask the console, and what a browser may do with its answers.

A console listens on this machine only, but every program and every web page open in a browser here
can send it requests. So a request must carry the key that was printed at the start (once in the
address, then in a cookie that no other site's request carries), must be addressed to the console by
its own name (a foreign name that resolves to 127.0.0.1 is refused), and whatever changes something
must be a POST from one of the console's own forms.
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
    """One console's secrets: the key that opens it, and the token of its forms."""

    port: int
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def address(self) -> str:
        """What to open in a browser; the key in it is exchanged for a cookie at once."""
        return f"http://127.0.0.1:{self.port}/?key={self.key}"

    def problem_of(self, asked: Request) -> str | None:
        """Why a request is refused, in words; None when it may pass."""
        own = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        if asked.host not in own:
            return "this console answers under its own address only"
        if not _same(asked.cookies.get(COOKIE, ""), self.key):
            return "open the address that `kanmon console` printed; its key is missing here"
        if asked.method in ("GET", "HEAD"):
            return None
        if asked.headers.get("Origin", "") not in {f"http://{name}" for name in own}:
            return "this form was not sent from one of the console's pages"
        if not _same(asked.form.get("token", ""), self.form_token):
            return "this form is from an earlier console; load the page again and repeat"
        return None

    def install(self, app: Flask) -> None:
        """Put the guard in front of every route, and its headers on every answer."""
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM

        @app.before_request
        def check() -> AnyResponse | None:
            if request.method in ("GET", "HEAD") and _same(request.args.get("key", ""), self.key):
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
        # No port is part of a cookie's scope: another console's cookie on this machine is replaced.
        response.set_cookie(COOKIE, self.key, httponly=True, samesite="Strict")
        return response


def _same(given: str, secret: str) -> bool:
    """Compared in the same time whatever differs; as bytes, because text may be of any script."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
