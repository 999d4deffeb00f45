"""Send Mail: a fact of the bus becomes one mail, however often its event comes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.report.fact import Fact
from core.report.mail import subject, text

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def send_mail(stage: Stage, fact: Fact, now: datetime) -> bool:
    """List the fact and mail it, if it is for people and was not mailed; was it mailed now?

    A function that dies between sending and noting that sends twice rather than never.
    """
    listed = stage.notices.note(fact, now)
    if not fact.mailed:
        return False
    with stage.notices.sending(listed, "mail", now) as to_send:
        if to_send:
            # As it was listed: a repeat may have another time.
            known = listed.fact
            stage.topic.publish(known, subject(known), text(known, stage.links))
    return to_send
