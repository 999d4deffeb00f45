"""What a job prints, as CloudWatch log streams: one for each host of the job."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from localaws.jobs.layout import Host
from localaws.jobs.work import Work
from localaws.sagemaker.account import Ports

LOOK_SECONDS = 0.25
# CloudWatch takes 256 KB with each event; a longer line is cut, as the agent on AWS does.
LINE_CHARACTERS = 250_000


class LogStreams:
    """Follows the hosts' log files. As on AWS, a role without the permissions just has no logs."""

    def __init__(self, ports: Ports, region: str, work: Work, hosts: Sequence[Host]) -> None:
        self._ports = ports
        started = int(time.time())
        self._group = work.form.group
        self._tails = [Tail(host.log, f"{work.name}/{host.name}-{started}") for host in hosts]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="job-logs", daemon=True)
        self._permitted = self._may_write(work.role, region)

    def follow(self) -> None:
        """Begin to carry lines to CloudWatch."""
        if self._permitted:
            self._thread.start()

    def finish(self) -> None:
        """Carry what is left; the programs have ended."""
        self._done.set()
        if self._permitted:
            self._thread.join()
            self._carry(ended=True)

    def _may_write(self, role: str, region: str) -> bool:
        group = f"arn:aws:logs:{region}:{role.split(':')[4]}:log-group:{self._group}"
        # The group is one for the account and stays; only the first job of all makes it.
        if not self._ports.log_group_exists(self._group) and not self._ports.allowed(
            role, "logs:CreateLogGroup", group
        ):
            return False
        return self._ports.allowed(role, "logs:DescribeLogStreams", group) and all(
            self._ports.allowed(role, action, f"{group}:log-stream:{tail.stream}")
            for tail in self._tails
            for action in ("logs:CreateLogStream", "logs:PutLogEvents")
        )

    def _follow(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            self._carry(ended=False)

    def _carry(self, *, ended: bool) -> None:
        for tail in self._tails:
            now = int(time.time() * 1000)
            if lines := tail.lines(ended=ended):
                self._ports.write_log(self._group, tail.stream, [(now, line) for line in lines])


class Tail:
    """The lines that were added to a file since the last look."""

    def __init__(self, file: Path, stream: str) -> None:
        self._file = file
        self._position = 0
        self.stream = stream

    def lines(self, *, ended: bool) -> list[str]:
        """Return whole lines; with `ended` also the last one without its line break."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._position)
                content = file.read()
        except FileNotFoundError:
            return []
        if not ended:
            content = content[: content.rfind(b"\n") + 1]
        self._position += len(content)
        text = content.decode("utf-8", "replace")
        return [line[:LINE_CHARACTERS] for line in text.splitlines() if line.strip()]
