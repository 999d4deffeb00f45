"""What all commands share: --stage, --as and --json, one-line errors, exit codes."""

import atexit
import difflib
import errno
import gc
import importlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from kanmon.errors import BAD_INPUT, FAILED, INTERRUPTED, KanmonError, NoServiceError
from kanmon.project import ROLES, STAGES, Project, check_model_name, find_project
from kanmon.terminal.screen import Screen

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The fix for a file or folder that cannot be used, by error number.
FIXES = {
    errno.EACCES: "Change its owner or permissions (`ls -ld` shows them), or use another.",
    errno.EPERM: "Change its owner or permissions (`ls -ld` shows them), or use another.",
    errno.EROFS: "Use a folder that you can write to.",
    errno.ENOENT: "Check the path.",
    errno.EISDIR: "Name a file.",
    errno.ENOTDIR: "Move that file: a folder is needed there.",
    errno.EEXIST: "Move that file: a folder is needed there.",
    errno.ENOSPC: "Free some space on that disk.",
}


# How many more objects there are before Python looks for garbage: more than a short command makes.
OBJECTS_BEFORE_GARBAGE = 500_000


@dataclass
class Invocation:
    """One call of the command line: its stage, its role, its output."""

    stage: str = "local"
    as_json: bool = False
    role: str | None = None
    project: Project = field(default_factory=find_project)

    @cached_property
    def screen(self) -> Screen:
        """Where the command prints."""
        return Screen(self.as_json)

    @contextmanager
    def check_service_of(self, model: str) -> Iterator[None]:
        """Report a model that does not exist as such, not as one without a release in service.

        A model can be in service without a folder in this project, so its folder comes second.
        """
        try:
            yield
        except NoServiceError:
            self.project.model_folder(model)
            raise

    def require_model(self, model: str) -> None:
        """Refuse a model that is neither in the project nor on the stage.

        A model on the stage may have no folder here: another branch, a folder that was deleted.
        """
        check_model_name(model)
        if model in self.project.models():
            return
        from kanmon.stage.model_names import models_on_stage

        if model not in models_on_stage(self.connection):
            self.project.model_folder(model)

    @cached_property
    def connection(self) -> "Connection":
        """The stage, which must be running, with the credentials of the role."""
        from kanmon.stage.connection import connect

        connection = connect(self.stage, self.project)
        if self.role is None:
            return connection
        from kanmon.stage.roles import assume

        return assume(connection, self.role)


def current() -> Invocation:
    """The invocation of the current command."""
    root = click.get_current_context().find_root()
    settings = root.meta
    return Invocation(
        settings.get("kanmon.stage") or "local",
        bool(settings.get("kanmon.json")),
        settings.get("kanmon.role"),
    )


def complete_model(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The models that a begun word may become."""
    try:
        return [name for name in find_project().models() if name.startswith(begun)]
    except KanmonError:
        return []


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    # An option given twice, before and after the command: the one after it wins.
    key = f"kanmon.{parameter.name}"
    if value or key not in context.meta:
        context.meta[key] = value
    return value


def common_options(outermost: bool) -> list[click.Parameter]:
    """--stage, --as and --json: every command takes them, before or after its name."""
    return [
        click.Option(
            ["--stage"],
            type=click.Choice(STAGES),
            envvar="KANMON_STAGE" if outermost else None,
            help="The stage to use  [default: $KANMON_STAGE or local]",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--as", "role"],
            type=click.Choice(ROLES),
            envvar="KANMON_AS" if outermost else None,
            help="The role to assume  [default: $KANMON_AS or your own credentials]",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            help="Print one JSON document on stdout; progress goes to stderr.",
            expose_value=False,
            callback=_remember,
        ),
    ]


class Verb(click.Command):
    """A command with the common options, and examples at the end of its help."""

    def __init__(self, *args: Any, examples: str = "", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.extend(common_options(outermost=False))
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, never wrapped."""
        write_block(formatter, "Examples", self.examples)


def write_block(formatter: click.HelpFormatter, title: str, text: str) -> None:
    """Write a section of help without wrapping its lines."""
    if text.strip():
        with formatter.section(title):
            for line in text.strip().splitlines():
                formatter.write(f"  {line.strip()}\n")


class VerbGroup(click.Group):
    """Loads a command's module when it is called, and prints every error as one line."""

    def __init__(self, *args: Any, sections: dict[str, list[str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sections = sections
        self.params.extend(common_options(outermost=True))
        self.notes: dict[str, str] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, section by section."""
        return [name for names in self.sections.values() for name in names]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the most similar ones if there is none of this name."""
        name = args[0]
        if name.startswith("-") or name in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.list_commands(ctx), 2)
        question = f". Did you mean {' or '.join(near)}?" if near else ""
        raise click.UsageError(f"there is no command '{name}'{question}", ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import this command's module, and no other."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"kanmon.commands.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 - narrows for the type checker
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings."""
        for title, names in self.sections.items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl(
                    [(name, command.get_short_help_str(70)) for name, command in found if command],
                    col_max=12,
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, exit codes and environment, never wrapped."""
        for title, text in self.notes.items():
            write_block(formatter, title, text)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        """Run a command, print an error as one line, exit with the documented code."""
        _look_for_no_garbage()
        settings["standalone_mode"] = False
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, *rest, **settings)
        except Exception as error:
            if os.environ.get("KANMON_DEBUG"):
                raise
            code = report_error(error, "--json" in words)
        except KeyboardInterrupt:
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)


def _look_for_no_garbage() -> None:
    """Let Python look for garbage rarely while a command works, and not at its end.

    Nearly all of it is imported code. Looking takes a third of a short command's time, most of it
    at the end.
    """
    gc.set_threshold(OBJECTS_BEFORE_GARBAGE)
    atexit.register(gc.freeze)


def report_error(error: Exception, as_json: bool) -> int:
    """Print an error; its exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return BAD_INPUT
    if isinstance(error, BrokenPipeError):  # `kanmon runs | head` closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    line, code = describe_error(error)
    Screen(as_json).problem(line)
    if as_json:
        click.echo(json.dumps({"error": line, "exit_code": code}, ensure_ascii=False))
    return code


def describe_error(error: Exception) -> tuple[str, int]:
    """Any error as one line, and its exit code."""
    if isinstance(error, KanmonError):
        return error.line(), error.exit_code
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "kanmon"
        message = error.format_message().rstrip(".")
        stop = "" if message.endswith("?") else "."
        return f"{message}{stop} See `{path} --help`.", BAD_INPUT
    if isinstance(error, click.ClickException):
        return error.format_message(), BAD_INPUT
    if type(error).__module__.startswith(("botocore", "boto3", "s3transfer")):
        from kanmon.stage.aws_errors import describe_aws_error

        return describe_aws_error(error)
    # What is written to a full disk fails without a name.
    if (
        isinstance(error, OSError)
        and error.errno in FIXES
        and (error.filename or error.errno == errno.ENOSPC)
    ):
        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{(error.strerror or str(error)).lower()}"
        return f"{what}. {FIXES[error.errno]}", BAD_INPUT
    name = type(error).__name__
    return f"{name}: {error}. KANMON_DEBUG=1 shows where.".replace("..", "."), FAILED
