"""The process that function instances are forked from. Started with the number of its socket.

It has no threads and opens nothing, so that forking it is safe.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys

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
    # Otherwise the first collection in every instance walks, and so copies, all of this heap.
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the instances
    from localaws.functions import instance

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
