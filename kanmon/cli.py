"""The main help: commands, examples, exit codes. A command's module loads when it is called."""

import click

from kanmon.terminal.invocation import VerbGroup

EXAMPLES = """
kanmon up && kanmon deploy               start the local stage and deploy to it
kanmon put-data abalone abalone.csv      upload a model's data
kanmon run abalone                       retrain: train, evaluate, judge, register
kanmon run abalone --set seed=8          try another parameter
kanmon review abalone --open             open the review page of the waiting release
kanmon approve abalone --reason "..."    put it into service; `kanmon watch` shows how it goes
kanmon score abalone rows.csv            score rows with the release in service
kanmon score-batch abalone rows.csv      score whole files, to Parquet or a spreadsheet
kanmon monitor abalone                   compare what it answered with its baseline and labels
kanmon plan                              what starts by itself, and why the rest does not
kanmon rollback abalone                  go back to the previous release
kanmon --stage dev runs abalone          the same commands on a stage in AWS
"""

EXIT_CODES = """
0    success (a run: promote, hold, nothing new, or queued)
1    the run, the release, or the requested operation failed
2    wrong usage or bad input; nothing was changed
3    the stage cannot be reached, is not deployed, or refuses the credentials
4    the run succeeded and the gate rejected its candidate, or the monitoring alarms
130  interrupted
"""

ENVIRONMENT = """
KANMON_STAGE    the stage, when --stage is not given
KANMON_AS       the role, when --as is not given
KANMON_PROJECT  the project's folder, when it is not the current folder
KANMON_HOME     the folder for the local stage's state  [default: .kanmon in the project]
KANMON_DEBUG    show tracebacks
NO_COLOR        turn colours off
"""

COMPLETION = """
eval "$(_KANMON_COMPLETE=bash_source kanmon)"    in ~/.bashrc; zsh_source, fish_source likewise
"""


@click.command(
    cls=VerbGroup,
    sections={
        "Stage": ["up", "deploy", "publish", "down", "uninstall", "doctor", "env"],
        "Models": ["models", "new-model", "put-data", "data", "remove"],
        "Labels": ["put-labels", "labels", "dataset-from-labels", "forget"],
        "Planning": ["plan", "pause", "resume", "budget", "digest", "tick"],
        "Runs": ["run", "runs", "show", "compare", "trend", "report", "logs", "stop"],
        "Releases": [
            "releases",
            "review",
            "approve",
            "reject",
            "watch",
            "retry",
            "rollback",
            "withdraw",
            "history",
        ],
        "Service": [
            "score",
            "score-batch",
            "batches",
            "fetch",
            "monitor",
            "monitorings",
            "notices",
            "cost",
            "console",
        ],
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.version_option(package_name="kanmon", message="kanmon %(version)s")
def main() -> None:
    """Retrain, review and release models from one folder each, on AWS or on your laptop."""


main.notes = {
    "Examples": EXAMPLES,
    "Exit codes": EXIT_CODES,
    "Environment": ENVIRONMENT,
    "Completion": COMPLETION,
}
