"""Why work was started, as people read it. Pure.

A reason is what a person or the planner wrote; the planner's is in the stage's language already.
"""

from core.words.catalogue import say

# What stands for a reason where a person gave none.
MANUAL = "manual"


def reason_words(reason: str) -> str:
    """
    >>> reason_words("manual"), reason_words("try a slower rate")
    ('manual', 'try a slower rate')
    """
    return say("run.manual") if reason == MANUAL else reason
