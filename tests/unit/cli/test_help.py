"""The front door: quick, complete, with examples."""

import subprocess
import sys

import click
import pytest

from kanmon.cli import main

VERBS = main.list_commands(click.Context(main))


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from kanmon.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'boto3', 'botocore', 'pydantic', 'yaml', 'polars', 'moto'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Exit codes:" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_examples(kanmon, verb):
    result = kanmon(verb, "--help")

    assert result.exit_code == 0
    assert "Examples:\n" in result.stdout
    assert "--json" in result.stdout
    assert "--stage" in result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_summary_fits_its_line(verb):
    command = main.get_command(click.Context(main), verb)

    assert command is not None
    assert not command.get_short_help_str(70).endswith("...")


def test_no_verb_shows_the_help_and_is_a_usage_error(kanmon):
    result = kanmon()

    assert result.exit_code == 2
    assert "Usage: kanmon" in result.output


def test_the_version_is_told(kanmon):
    assert kanmon("--version").stdout.startswith("kanmon ")


def test_the_shell_completes_verbs_and_models(kanmon, monkeypatch):
    monkeypatch.setenv("_KANMON_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "kanmon run w")
    monkeypatch.setenv("COMP_CWORD", "2")

    assert kanmon().stdout == "plain,wine\n"
