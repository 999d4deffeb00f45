"""A step's sizing in words, the same on the page and in the terminal."""

from __future__ import annotations

from core.reading import Document, finite, listed
from core.words.catalogue import say
from core.words.formats import count, number, percent, text
from core.words.lists import clauses

_MB_IN_FULL = 10_000


def memory(mb: object) -> str:
    """As machines and functions are sold: in units of 1,024.

    >>> memory(412), memory(4096), memory(3008), memory(15_000)
    ('412 MB', '4 GB', '3,008 MB', '14.6 GB')
    """
    known = finite(mb)
    if known is None:
        return say("missing.not_reported")
    if known and (known % 1024 == 0 or known >= _MB_IN_FULL):
        return say("sizing.gigabytes", number=number(known / 1024, 3))
    return say("sizing.megabytes", number=count(known))


def place_words(sizing: Document) -> str:
    """What the step worked on."""
    if sizing.get("outcome") == "function":
        return say("sizing.lambda", memory=memory(sizing.get("memory_mb")))
    had, hosts = text(sizing.get("had")), finite(sizing.get("hosts")) or 1
    if sizing.get("spot"):
        place, saved = say("sizing.spot", machine=had), finite(sizing.get("saved"))
        return place if not saved else say("sizing.saved", place=place, share=percent(saved, 2))
    return had if hosts < 2 else say("sizing.hosts", count=count(hosts), machine=had)


def machine_words(sizing: Document) -> str:
    """What the step worked on, and the machine that it needs."""
    return say("sizing.machine", place=place_words(sizing), words=sizing_words(sizing))


def sizing_words(sizing: Document) -> str:
    """The machine that the step needs, and what was short."""
    words = [_machine(sizing)]
    limits = listed(sizing.get("limits"))
    if "disk" in limits:
        used, volume = memory(sizing.get("disk_mb")), memory(sizing.get("volume_mb"))
        words.append(say("sizing.limit.disk", disk=used, volume=volume))
    if "processors" in limits:
        words.append(say("sizing.limit.processors", count=count(sizing.get("processors"))))
    return clauses(words)


def _machine(sizing: Document) -> str:
    outcome, peak = sizing.get("outcome"), finite(sizing.get("peak_memory_mb"))
    if peak is None:
        return say("sizing.unknown")
    known = {"peak": memory(peak), "memory": memory(sizing.get("memory_mb"))}
    had, fits = text(sizing.get("had")), text(sizing.get("fits"), "")
    if outcome == "function":
        return say("sizing.function", fits=fits, **known) if fits else say("sizing.alone", **known)
    if outcome == "larger":
        words = {"had": had, **known}
        return say("sizing.larger", fits=fits, **words) if fits else say("sizing.largest", **words)
    if not fits:
        return say("sizing.none", peak=known["peak"])
    if outcome == "smallest":
        return say("sizing.smallest", had=had, **known)
    of = memory(sizing.get("fits_memory_mb"))
    return say("sizing.smaller", fits=fits, peak=known["peak"], memory=of)
