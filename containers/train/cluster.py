"""The hosts of a Training job: their names, and where each is reached."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from contract.paths import Paths
from contract.step import StepError

# On SageMaker every host has an address of its own. LightGBM listens on this port, and the hosts
# watch each other on the next one.
PORT = 12400
# A host's name may not be known yet when another has started already.
RESOLVING_SECONDS = 180


@dataclass(frozen=True)
class Cluster:
    """All hosts, sorted by name, so that every host has the same order; `index` is this one."""

    names: tuple[str, ...]
    addresses: tuple[tuple[str, int], ...]
    index: int

    @classmethod
    def of(cls, paths: Paths) -> Cluster:
        """The hosts that resourceconfig.json names; without it, this host is alone."""
        if not paths.resources.is_file():
            return cls(("algo-1",), (("127.0.0.1", PORT),), 0)
        config = json.loads(paths.resources.read_text(encoding="utf-8"))
        names = tuple(sorted(config["hosts"]))
        if len(names) == 1:
            return cls(names, (("127.0.0.1", PORT),), 0)
        known = _known(paths.resources)
        addresses = tuple(known.get(name) or (resolved(name), PORT) for name in names)
        return cls(names, addresses, names.index(config["current_host"]))

    @property
    def name(self) -> str:
        """This host's name."""
        return self.names[self.index]

    @property
    def alone(self) -> bool:
        """Is there no other host?"""
        return len(self.names) == 1

    @property
    def leads(self) -> bool:
        """Is this the first host, which evaluates and writes the model?"""
        return self.index == 0

    @property
    def machines(self) -> str:
        """The hosts as LightGBM takes them, in the order of their names."""
        return ",".join(f"{address}:{port}" for address, port in self.addresses)

    @property
    def port(self) -> int:
        """Where LightGBM listens on this host."""
        return self.addresses[self.index][1]


def resolved(name: str, seconds: float = RESOLVING_SECONDS) -> str:
    """The address of a host's name. Raises StepError if it has none after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        try:
            return socket.gethostbyname(name)
        except OSError as error:
            if time.monotonic() > until:
                raise StepError(
                    f"host {name} of the job has no address ({error}); start a new run"
                ) from None
        time.sleep(min(1.0, seconds))


def _known(resources: Path) -> dict[str, tuple[str, int]]:
    """The addresses that the local stage writes, whose hosts are processes of one machine."""
    config = json.loads(resources.read_text(encoding="utf-8"))
    found = {}
    for name, place in config.get("addresses", {}).items():
        address, _, port = place.rpartition(":")
        found[name] = (address, int(port))
    return found
