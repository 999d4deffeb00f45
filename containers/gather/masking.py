"""Keep a secret's text out of what a program prints. Standard library only."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

MASK = "***"
# A shorter part, such as a PIN or a port of three digits, stands in many other words and numbers.
SHORTEST = 4
# A line that does not end is masked in pieces of this size.
LONGEST_LINE = 1 << 20


class Mask:
    """Replaces a secret's text, each of its lines and, where it is JSON, each of its values but
    `true`, `false` and `null`, which say nothing and are printed everywhere."""

    def __init__(self, secret: str | None) -> None:
        parts = {form for part in _parts(secret or "") for form in _forms(part)}
        # The longest first: it may contain others.
        self._parts = sorted(parts, key=lambda part: (-len(part), part))
        self._longest = max((len(part.encode()) for part in self._parts), default=0)
        self._rest = b""

    def text(self, text: str) -> str:
        """
        >>> Mask('{"user": "ann", "password": "hunter22"}').text("ann has hunter22")
        'ann has ***'
        """
        for part in self._parts:
            text = text.replace(part, MASK)
        return text

    def feed(self, chunk: bytes) -> str:
        """What may be shown so far: whole lines, because a part may be cut off at the end."""
        self._rest += chunk
        kept = len(self._rest) - (self._rest.rfind(b"\n") + 1)
        if kept > LONGEST_LINE:
            self._rest = self.text(self._rest.decode("utf-8", "replace")).encode()
            kept = self._longest
        shown, self._rest = (
            self._rest[: len(self._rest) - kept],
            self._rest[len(self._rest) - kept :],
        )
        return self.text(shown.decode("utf-8", "replace"))

    def end(self) -> str:
        """What is left."""
        shown, self._rest = self._rest, b""
        return self.text(shown.decode("utf-8", "replace"))


def _parts(secret: str) -> Iterator[str]:
    yield secret
    yield from secret.splitlines()
    try:
        document = json.loads(secret)
    except ValueError:
        return
    for value in _values(document):
        yield value
        yield from value.splitlines()


def _values(document: Any) -> Iterator[str]:
    if isinstance(document, dict | list):
        inside: Iterable[Any] = document.values() if isinstance(document, dict) else document
        for each in inside:
            yield from _values(each)
    elif isinstance(document, str):
        yield document
    elif not isinstance(document, bool | None):
        yield json.dumps(document)


def _forms(part: str) -> Iterator[str]:
    """The part as it is, in quotes and in an address; nothing where it is too short to hide."""
    for form in (part, part.strip()):
        if len(form.strip()) >= SHORTEST:
            yield from (form, json.dumps(form)[1:-1], repr(form)[1:-1], quote(form, safe=""))
