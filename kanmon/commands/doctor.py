"""kanmon doctor."""

from dataclasses import asdict

import click

from kanmon.errors import FAILED, OK
from kanmon.terminal.invocation import Verb, current
from kanmon.terminal.screen import coloured, table


@click.command(
    cls=Verb,
    name="doctor",
    examples="""
    kanmon doctor                    this machine, for the local stage
    kanmon doctor --stage dev        this machine and the account, before the first deployment
    """,
)
def command() -> int:
    """Check this machine, or an account before its first deployment.

    Each line is ok, warn or fail, with the fix. The exit code is 1 if a check fails.
    """
    from kanmon.deployment import account_checks, machine_checks

    invocation = current()
    screen, project = invocation.screen, invocation.project
    found = []
    checks = machine_checks.CHECKS if invocation.stage == "local" else account_checks.CHECKS
    for check in checks:
        screen.live(f"Checking {check.__name__.replace('_', ' ')} …")
        found += check(project, invocation.stage)
    rows = [[coloured(one.outcome), one.what, one.found] for one in found]
    for line, one in zip(table(rows), found, strict=True):
        screen.say(line)
        if one.fix and one.outcome != "ok":
            screen.say(f"      {one.fix}")
    screen.document({"stage": invocation.stage, "checks": [asdict(one) for one in found]})
    return FAILED if any(one.outcome == "fail" for one in found) else OK
