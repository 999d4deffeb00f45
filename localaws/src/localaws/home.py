"""Where a local stage keeps its things, and what never changes. Standard library only."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Home:
    """The folder of one stage."""

    root: Path

    @property
    def stage_file(self) -> Path:
        """Endpoint and root credentials of the running stage; only there while it runs."""
        return self.root / "stage.json"

    @property
    def state(self) -> Path:
        """What the services remember: one JSON file per service."""
        return self.root / "state"

    @property
    def objects(self) -> Path:
        """The bodies of S3 objects."""
        return self.root / "s3"

    @property
    def functions(self) -> Path:
        """Unpacked Lambda packages, one folder per content."""
        return self.root / "functions"

    @property
    def logs(self) -> Path:
        """The server's own log and the notifications that would have been e-mails."""
        return self.root / "logs"

    @property
    def authorizations(self) -> Path:
        """Every IAM decision about a role, one JSON object per line."""
        return self.state / "authorizations.jsonl"

    @property
    def notifications(self) -> Path:
        """Every message published to a topic, one JSON object per line."""
        return self.logs / "notifications.jsonl"

    def make(self) -> None:
        """Create the folders, readable by their owner alone: they hold credentials and data."""
        for folder in (self.root, self.state, self.objects, self.functions, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    def root_key(self) -> tuple[str, str]:
        """Return the access key and secret of the account's root, made once per home."""
        path = self.state / "root.json"
        if path.exists():
            kept = json.loads(path.read_text())
            return kept["access_key"], kept["secret_key"]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        access_key = "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
        secret_key = secrets.token_urlsafe(30)
        write_private(path, {"access_key": access_key, "secret_key": secret_key})
        return access_key, secret_key


def write_private(path: Path, content: object) -> None:
    """Write JSON atomically (no reader sees half of it), readable by its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    draft.replace(path)
