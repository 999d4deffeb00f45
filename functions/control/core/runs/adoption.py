"""What a step's function has left becomes a part of the run.

A function that nobody waits for any more may still write. So each attempt writes to a folder of its
own, and only what the attempt left that has answered is copied to the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from core.stage.bucket import ObjectMissingError, Store
from core.words.catalogue import say

# Parts of a copy travel inside S3; the function only waits.
_AT_ONCE = 8


def adopt(store: Store, model: str, run: str, at: Mapping[str, str]) -> int:
    """Copy what lies elsewhere to the run's own folder; how many objects that were.

    `at` maps steps to the URI where the attempt that answered left its folders. Twice is as good as
    once.
    """
    copies = []
    for step, uri in at.items():
        own = store.uri(store.run_key(model, run, step))
        if uri == own:
            continue
        if not uri.startswith(store.uri(store.attempts_key(model, run)) + "/"):
            raise ObjectMissingError(say("refused.foreign", where=uri, run=run))
        prefix = store.key_of(uri) + "/"
        left = list(store.keys(prefix))
        if not left:  # it has expired: the run was redriven long after
            raise ObjectMissingError(say("refused.gone", where=uri))
        copies += [
            (key, store.run_key(model, run, f"{step}/{key.removeprefix(prefix)}")) for key in left
        ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return len(list(pool.map(lambda copy: store.copy(*copy), copies)))
