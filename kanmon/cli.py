"""The command line's front door: what there is, examples, exit codes. Verbs load when called."""

import click

from kanmon.terminal.invocation import VerbGroup

EXAMPLES = """
kanmon up && kanmon deploy               start the local stage and put the platform on it
kanmon put-data abalone abalone.csv      give a model its data
kanmon run abalone                       retrain: train, evaluate, judge, register
kanmon run abalone --set seed=8          try another parameter
kanmon review abalone --open             read the review page of the release that waits
kanmon approve abalone --reason "..."    let it go into production; `kanmon watch` shows how
kanmon score abalone rows.csv            ask the release in service
kanmon rollback abalone                  bring the one before back
kanmon --stage dev runs abalone          the same verbs on a deployed stage
"""

EXIT_CODES = """
0    it worked (a run: promote, hold, nothing new, or queued)
1    the run, the release, or what was asked for, failed
2    wrong usage or bad input; nothing was changed
3    the stage cannot be reached, is not deployed, or refuses the credentials
4    the run worked and the gate rejected its candidate
130  interrupted
"""

ENVIRONMENT = """
KANMON_STAGE    the stage when --stage is not given
KANMON_AS       the role to act as when --as is not given
KANMON_PROJECT  the project's folder when it is not the current one
KANMON_HOME     where the local stage keeps its state  [default: .kanmon in the project]
KANMON_DEBUG    show tracebacks
NO_COLOR        no colours
"""

COMPLETION = """
eval "$(_KANMON_COMPLETE=bash_source kanmon)"    in ~/.bashrc; zsh_source, fish_source likewise
"""


@click.command(
    cls=VerbGroup,
    sections={
        "Stage": ["up", "deploy", "down", "doctor", "env"],
        "Models": ["models", "new-model", "put-data"],
        "Runs": ["run", "runs", "show", "report", "logs", "stop"],
        "Releases": [
            "releases",
            "review",
            "approve",
            "reject",
            "watch",
            "retry",
            "rollback",
            "history",
        ],
        "Service": ["score", "console"],
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.version_option(package_name="kanmon", message="kanmon %(version)s")
def main() -> None:
    """Keep models right in production, from one folder each; or all of it on a laptop."""


main.notes = {
    "Examples": EXAMPLES,
    "Exit codes": EXIT_CODES,
    "Environment": ENVIRONMENT,
    "Completion": COMPLETION,
}
