"""kanmon rollback."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="rollback",
    examples="""
    kanmon rollback abalone --reason "errors in the north"
    kanmon rollback abalone --to 5
    kanmon rollback abalone --canary        shift the traffic as model.yaml says
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--to", type=click.IntRange(1), help="The number of the release to go back to.")
@click.option("--reason", default="", help="The reason; stored in the model's history.")
@click.option("--canary", is_flag=True, help="Shift the traffic in steps, as model.yaml says.")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(model: str, to: int | None, reason: str, canary: bool, no_wait: bool) -> int:
    """Put the previous or another release back into service.

    It gets all traffic at once, deployed as it was when it was promoted: without another build or
    review, and only its golden records are scored before it gets traffic. If a canary of the model
    is running, that canary is stopped instead, and CodeDeploy shifts the traffic back.
    """
    from kanmon.commands.watch import watch_release
    from kanmon.project import check_model_name
    from kanmon.releases import rollback, watch
    from kanmon.stage.connection import stage_flag

    check_model_name(model)
    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    flag = stage_flag(connection.name)
    with invocation.check_service_of(model):
        done = rollback.roll_back(connection, model, to, reason, canary=canary)
    if done.what == "canary stopped":
        screen.say(f"The canary of {done.release.reference if done.release else model} is stopped")
        if done.release and not no_wait:
            watch.follow(connection, done.release, lambda look: None, done.execution)
            screen.say(f"It is rolled back; {stays_in_service(model, done.serving)}")
        else:
            screen.say(f"CodeDeploy rolls it back; `kanmon history {model}{flag}` shows when")
    elif done.release:
        left = f"From {model}/{done.serving} back" if done.serving else "Back"
        screen.note(f"{left} to {done.release.reference}")
        if not no_wait:
            return watch_release(invocation, done.release, done.execution)
        screen.say(f"`kanmon watch {done.release.reference}{flag}` shows it")
    screen.document(
        {
            "model": model,
            "what": done.what,
            "release": done.release.release if done.release else None,
            "execution": done.execution,
            "serving": done.serving,
        }
    )
    return 0


def stays_in_service(model: str, serving: int | None) -> str:
    """
    >>> stays_in_service("abalone", 6), stays_in_service("abalone", None)
    ('abalone/6 stays in service', 'no release of abalone is in service')
    """
    return (
        f"{model}/{serving} stays in service" if serving else f"no release of {model} is in service"
    )
