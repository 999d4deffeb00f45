"""kanmon console."""

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Verb, current


@click.command(
    cls=Verb,
    name="console",
    examples="""
    kanmon console --open
    kanmon console --port 8765 --as approver
    """,
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="The port; 0 picks a free one."
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def command(port: int, open_it: bool) -> None:
    """Serve models, runs and releases as web pages on this machine.

    The pages can approve, reject and roll back, with the credentials of the user who started the
    console. Only the printed address opens it, until the console stops.
    """
    import socket

    from waitress.server import create_server

    from kanmon.console.app import make_app
    from kanmon.console.guard import Guard

    invocation = current()
    invocation.connection.outputs  # noqa: B018 - fails now if there is no stage
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise BadInputError(
            f"port {port} of 127.0.0.1 cannot be used: {error.strerror}",
            "Choose another port, or 0.",
        ) from error
    guard = Guard(listener.getsockname()[1])
    server = create_server(
        make_app(invocation, guard), sockets=[listener], threads=4, ident="kanmon"
    )
    screen = invocation.screen
    screen.say(f"The console of stage {invocation.stage} is at {guard.address}")
    screen.note("Press Ctrl-C to stop it")
    screen.document({"address": guard.address, "stage": invocation.stage})
    if open_it:
        click.launch(guard.address)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
