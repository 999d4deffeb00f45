"""The process that function instances are forked from. Started with the number of its socket.

It has no threads and opens nothing, so that forking it is safe.
"""

import contextlib
import importlib
import os
import signal
import socket
import sys

from kanmon.local.functions import wire

# What our functions import. One that is missing only makes its users slower.
LIBRARIES = (
    "boto3",
    "boto3.dynamodb.conditions",
    "botocore.client",
    "botocore.httpsession",
    "aws_lambda_powertools",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.idempotency",
    "pydantic",
    "jinja2",
    "yaml",
)


def main() -> None:
    """Fork an instance for every message until the server is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's ^C is for the server
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the instances
    from kanmon.local.functions import instance

    while True:
        try:
            order, files = wire.receive(control, descriptors=2)
        except (EOFError, OSError):
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            instance.run(order, socket.socket(fileno=files[0]), output=files[1])
        for file in files:
            os.close(file)


if __name__ == "__main__":
    main()
