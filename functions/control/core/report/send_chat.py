"""Send Chat: a fact of the bus becomes one message in the chat channels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.report.chat import message
from core.report.fact import Fact

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def send_chat(stage: Stage, fact: Fact, now: datetime) -> bool:
    """Put it into the channels' topic, if it is for people and is not there yet; is it now?

    A function that dies between sending and noting that sends twice rather than never.
    """
    if not fact.mailed:
        return False
    listed = stage.notices.note(fact, now)
    with stage.notices.sending(listed, "chat", now) as to_send:
        if to_send:
            # As it was listed: a repeat may have another time.
            stage.chat.publish(listed.fact, message(listed.fact, stage.links))
    return to_send
