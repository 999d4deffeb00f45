"""kanmon env."""

import shlex

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Verb, current


@click.command(
    cls=Verb,
    name="env",
    examples="""
    eval "$(kanmon env)"
    sam deploy --config-env local
    aws sagemaker list-model-packages --model-package-group-name kanmon-local-abalone
    """,
)
def command() -> None:
    """Print the settings that point other AWS tools at the local stage."""
    invocation = current()
    if invocation.stage != "local":
        raise BadInputError(
            f"stage {invocation.stage} runs on AWS", "AWS tools reach it with your own credentials."
        )
    from kanmon.stage import local, tracking
    from kanmon.stage.connection import not_running

    running = local.status(invocation.project.home)
    if running is None:
        raise not_running(invocation.project)
    settings = {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
        "AWS_DEFAULT_REGION": running.region,
        "AWS_REGION": running.region,
        "SAM_CLI_TELEMETRY": "0",
    }
    records = tracking.choice(invocation.project.home).uri
    if records:
        settings["MLFLOW_TRACKING_URI"] = records
    invocation.screen.say("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in settings.items():
        invocation.screen.say(f"export {name}={shlex.quote(value)}")
    invocation.screen.document(settings)
