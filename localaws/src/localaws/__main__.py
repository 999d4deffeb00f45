"""`python -m localaws`: start, find and stop a stage from the command line."""

import argparse
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from localaws import stage
from localaws.state_files import DamagedStateError


def main() -> None:
    """Run one command; its errors are one line."""
    parser = argparse.ArgumentParser(prog="python -m localaws", description="An AWS on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (
        ("up", "start the stage, or show the one that runs"),
        ("down", "stop it; its state stays"),
        ("status", "show the running stage as JSON; exit code 3 where none runs"),
        ("env", "print the settings that make other AWS tools talk to it"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--home", type=Path, default=Path(".localaws"), help="its folder")
        if name == "up":
            command.add_argument("--steps", type=Path, help="the folder of the step images' code")
            command.add_argument("--docker", action="store_true", help="run jobs in built images")
    arguments = parser.parse_args()
    if arguments.command == "up":
        try:
            running = stage.up(arguments.home, steps=arguments.steps, docker=arguments.docker)
        except stage.StageError as error:
            sys.exit(str(error))
        except DamagedStateError as error:
            fix = f"`mv {error.before} {error.file}` brings back what was before it, or " * bool(
                error.before
            )
            sys.exit(f"{error}; {fix}remove {arguments.home} to begin with an empty stage")
        print(f"The stage is up at {running.endpoint}")
    elif arguments.command == "down":
        print("The stage is down." if stage.down(arguments.home) else "No stage was running.")
    else:
        _show(stage.status(arguments.home), arguments.command)


def _show(running: stage.Stage | None, command: str) -> None:
    if running is None:
        print("no stage is running", file=sys.stderr)
        sys.exit(3)
    if command == "status":
        print(json.dumps(asdict(running), indent=1))
        return
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in running.environment().items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
