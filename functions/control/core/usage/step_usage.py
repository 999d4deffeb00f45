"""What a step used of its machine, from the usage.json of each of its hosts.

A run of an earlier version left none: then nothing is known of it, which is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.reading import Document, finite, mapping

if TYPE_CHECKING:
    from core.stage.bucket import Store

MEASURED = ("seconds", "cpu_seconds", "peak_memory_mb", "disk_mb", "processors")
# Where each step of a run leaves its report, and its usage beside it.
FOLDERS = {"preprocess": "preprocess/report", "train": "train", "evaluate": "evaluate"}
_MOST_HOSTS = 100


def most_used(hosts: Iterable[object]) -> dict[str, float]:
    """Of each measure the most that any host used; nothing of what no host measured.

    >>> most_used([{"seconds": 2.0, "disk_mb": 9}, {"seconds": 3.0}, None])
    {'seconds': 3.0, 'disk_mb': 9.0}
    """
    known = [mapping(host) for host in hosts]
    values = {
        name: [value for host in known if (value := finite(host.get(name))) is not None]
        for name in MEASURED
    }
    return {name: max(found) for name, found in values.items() if found and min(found) >= 0}


def hosts_of(content: Document, step: str) -> int:
    """How many machines a definition gives a step; one where it does not say."""
    place = mapping(content.get("compute")).get(step)
    # A definition of an earlier version had the number among the resources.
    before = mapping(mapping(content.get("resources")).get(step)).get("instance_count")
    count = finite(mapping(place).get("hosts", before))
    return min(max(int(count), 1), _MOST_HOSTS) if count is not None else 1


def read_usage(store: Store, folder: str, hosts: int) -> dict[str, float]:
    """What the hosts left in this folder."""
    names = ["usage.json", *(f"usage-{host:03d}.json" for host in range(1, hosts))]
    return most_used(store.read_json_if_there(f"{folder}/{name}") for name in names)


def usage_of_run(store: Store, plan: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By step."""
    content = plan["definition"]["content"]
    return {
        step: read_usage(
            store, store.run_key(plan["model"], plan["run"], folder), hosts_of(content, step)
        )
        for step, folder in FOLDERS.items()
    }
