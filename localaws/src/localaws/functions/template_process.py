"""The process that function instances are forked from. Started with the number of its socket.

It has imported the libraries that most functions use. For each package of code whose functions
share modules it forks a template of its own, which imports those once for all of its instances.
These processes have no threads and open nothing, so that forking them is safe.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from localaws.functions import wire

# What our functions import. One that is missing only makes its users slower.
LIBRARIES = (
    "boto3",
    "boto3.dynamodb.conditions",
    "botocore.client",
    "botocore.httpsession",
    "aws_lambda_powertools",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.utilities.typing",
    "pydantic",
    "jinja2",
    "yaml",
)


# The services they call: most of the time to make a client goes into reading its model.
SERVICES = (
    *("dynamodb", "ecr", "s3", "sagemaker", "sns", "stepfunctions"),
    *("cloudformation", "codedeploy", "codepipeline", "lambda"),
)


# The templates of so many packages stay, the newest: a deployment replaces a package by another.
MOST_PACKAGES = 4
# A template that imports for longer is ended; the package's instances are then forked without it.
IMPORT_SECONDS = 20
# Each package's template, by its name; None where it ended by itself, as it would again.
Packages = dict[str, socket.socket | None]


def main() -> None:
    """Fork an instance for every message until the server is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's ^C is for the server
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    for prepare in (_build_a_model, _read_models):
        with contextlib.suppress(ImportError):
            prepare()
    _freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the instances
    packages: Packages = {}
    for order, files in _orders(control):
        if not (order["shared"] and _handed_on(order, files, control, packages)):
            _fork_instance(order, files, [control, *_open(packages)])


def _orders(control: socket.socket) -> Iterable[tuple[dict[str, Any], list[int]]]:
    """Every order with its open files, which are closed here afterwards."""
    while True:
        try:
            order, files = wire.receive(control, descriptors=2)
        except (EOFError, OSError):
            return
        yield order, files
        for file in files:
            os.close(file)


def _fork_instance(order: dict[str, Any], files: list[int], ours: list[socket.socket]) -> None:
    from localaws.functions import instance

    if os.fork() == 0:
        for connection in ours:
            connection.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        instance.run(order, socket.socket(fileno=files[0]), output=files[1])


def _handed_on(
    order: dict[str, Any], files: list[int], control: socket.socket, packages: Packages
) -> bool:
    """Let the template of the order's package fork the instance; it may have to be forked first.

    False where that process is gone.
    """
    name = json.dumps([order["folder"], order["libraries"]])
    if name not in packages:
        if len(packages) == MOST_PACKAGES and (oldest := packages.pop(next(iter(packages)))):
            oldest.close()  # it ends with its connection
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            for connection in (control, ours, *_open(packages)):
                connection.close()
            for file in files:
                os.close(file)
            # All instances are forked with this order in their memory: nothing of one function,
            # least of all its credentials, may be in it.
            del order["environment"]
            _become_package(order, theirs)
        theirs.close()
        packages[name] = ours
    template = packages[name]
    if template is None:
        return False
    try:
        wire.send(template, order, (files[0], files[1]))
    except OSError:
        template.close()
        packages[name] = None
        return False
    return True


def _open(packages: Packages) -> list[socket.socket]:
    """The connections to the templates: an instance that kept one would keep its template."""
    return [connection for connection in packages.values() if connection]


def _become_package(order: dict[str, Any], control: socket.socket) -> NoReturn:
    """Import what the package's functions share, and fork an instance for every message.

    A module that cannot be imported only makes its users slower. None may read the environment,
    which is each function's own.
    """
    from localaws.functions import instance

    gc.disable()
    os.environ.clear()
    instance.enter(order)
    signal.alarm(IMPORT_SECONDS)
    for name in order["shared"]:
        with contextlib.suppress(Exception, SystemExit):
            module, _, function = name.partition(":")
            found = importlib.import_module(module)
            if function:
                getattr(found, function)()
    signal.alarm(0)
    _freeze()
    for each, files in _orders(control):
        _fork_instance(each, files, [control])
    os._exit(0)


def _freeze() -> None:
    """Otherwise the first collection in every instance walks, and so copies, all of this heap."""
    gc.freeze()
    gc.enable()


def _build_a_model() -> None:
    """Most of pydantic is only imported when the first model is built."""
    import pydantic

    pydantic.create_model("Model", field=(int, 0))


def _read_models() -> None:
    """Read the models, for boto3's default session and those that functions make themselves.

    The default one takes up credentials at its first client.
    """
    import boto3
    import botocore.session

    from localaws import descriptions

    descriptions.share()
    boto3.setup_default_session(botocore_session=botocore.session.get_session())
    loader = descriptions.loader()
    for service in SERVICES:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    for name in ("partitions", "endpoints", "sdk-default-configuration", "_retry"):
        loader.load_data(name)


if __name__ == "__main__":
    main()
