"""How a person is written for people: by name, where AWS has an ARN. Pure."""

from __future__ import annotations


def person(who: str | None) -> str:
    """The end of an ARN that names the person: the user, or the session of a role.

    >>> person("arn:aws:sts::123456789012:assumed-role/kanmon-Approver/ada"), person(None)
    ('ada (kanmon-Approver)', '–')
    >>> person("arn:aws:iam::123456789012:user/team/ada")
    'ada'
    """
    if not who:
        return "–"
    if not who.startswith("arn:"):
        return who
    parts = who.split(":", 5)[-1].split("/")
    if parts[0] == "assumed-role" and len(parts) > 2:
        return f"{parts[2]} ({parts[1]})"
    return parts[-1]
