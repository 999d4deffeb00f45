"""Imports botocore without what documents it.

Every method of a client has a text for `help()`, made by a part of botocore that no command uses
and that takes an eighth of its import. Methods of clients have no such text after this. A later
import of botocore.docs gets all of it.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_DOCS, _TEXTS = "botocore.docs", "botocore.docs.docstring"


class _NoText(str):
    """In the place of each class of botocore.docs.docstring: an empty text, whatever it is of."""

    __slots__ = ()

    def __new__(cls, *of_what: Any, **more: Any) -> "_NoText":
        return super().__new__(cls)


def load() -> None:
    """Import it, unless that was done already."""
    if "botocore.client" in sys.modules or _DOCS in sys.modules:
        return
    import botocore

    docs, texts = ModuleType(_DOCS), ModuleType(_TEXTS)
    docs.__path__ = [str(Path(place) / "docs") for place in botocore.__path__]
    for name in ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"):
        setattr(texts, name, _NoText)
    sys.modules.update({_DOCS: docs, _TEXTS: texts})
    try:
        importlib.import_module("botocore.session")
    finally:
        for name in [one for one in sys.modules if one.startswith(_DOCS)]:
            del sys.modules[name]
