"""What a topic's subscribers would get by mail is kept in a file."""

import json
from pathlib import Path

from support.making import Client


def test_a_published_message_is_kept_as_the_mail_it_would_have_been(
    client: Client, stage_home: Path
) -> None:
    topic = client("sns").create_topic(Name="verdicts")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")

    client("sns").publish(TopicArn=topic, Subject="plain", Message="é & ü\nsecond line")
    both = json.dumps({"default": "{}", "email": "for people"})
    client("sns").publish(TopicArn=topic, Subject="two", Message=both, MessageStructure="json")

    lines = (stage_home / "logs/notifications.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    assert [(one["subject"], one["message"]) for one in kept if one["topic"] == topic] == [
        ("plain", "é & ü\nsecond line"),
        ("two", "for people"),
    ]
