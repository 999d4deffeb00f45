"""The local stage's server: `python -m localaws.server --home DIR [--steps DIR] [--docker]`."""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws import pace, steps
from localaws.home import ACCOUNT, REGION, Home, write_private

log = logging.getLogger("localaws")

# Only these answer; every other service of the emulator is off.
SERVICES = (
    "athena,cloudformation,dynamodb,ec2,ecr,events,glue,iam,lambda,logs,monitoring,s3,scheduler,"
    "secretsmanager,sns,sqs,ssm,states,sts,tagging"
)
WATCH_SECONDS = 2.0
# How many more objects there are before Python looks for garbage. At its 700, it would look through
# what one state machine's definition is parsed into again and again.
OBJECTS_BEFORE_GARBAGE = 50_000


def main() -> None:
    """Serve until a signal stops it."""
    gc.set_threshold(OBJECTS_BEFORE_GARBAGE)
    parser = argparse.ArgumentParser(prog="localaws.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="0: one that is free")
    parser.add_argument("--steps", type=Path, help="the folder of the step images' code")
    parser.add_argument("--variants", type=Path, help="the folder of the step images' variants")
    parser.add_argument("--docker", action="store_true", help="run jobs in the built images")
    arguments = parser.parse_args()
    try:
        pace.scale()
        given = (arguments.steps, arguments.variants)
        folder = steps.read(*given) if arguments.steps else None
    except (pace.PaceError, steps.StepsError) as error:
        sys.exit(str(error))
    home = Home(arguments.home.resolve())
    home.make()
    listener = _listen(arguments.port)
    port = listener.getsockname()[1]
    configure(home, port)
    asyncio.run(_serve(home, listener, port, folder, docker=arguments.docker))


def configure(home: Home, port: int) -> None:
    """Set the environment that the emulator reads, in part while it is imported."""
    access_key, secret_key = home.root_key()
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_"))]:
        del os.environ[name]  # the caller's profile and endpoint are not ours
    os.environ.update(
        AWS_ACCESS_KEY_ID=access_key,
        AWS_SECRET_ACCESS_KEY=secret_key,
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_EC2_METADATA_DISABLED="true",
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_REGION=REGION,
        PERSIST_STATE="1",
        S3_PERSIST="1",
        S3_DATA_DIR=str(home.objects),
        STATE_DIR=str(home.state),
        SERVICES=SERVICES,
        POWERTOOLS_TRACE_DISABLED="true",  # there is no X-Ray to send to
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener


async def _serve(
    home: Home, listener: socket.socket, port: int, folder: steps.Steps | None, *, docker: bool
) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from localaws.assembly import Assembly
    from localaws.entrance import Entrance

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    assembly = Assembly(home, f"http://127.0.0.1:{port}", steps=folder, docker=docker)
    application = assembly.application(loop)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2  # seconds; an idle connection that stays open is waited for
    threading.Thread(target=assembly.warm_up, name="warm-up", daemon=True).start()
    write_private(home.stage_file, _describe(home, port, docker))
    watch = loop.create_task(_stop_when_disowned(home, stop))
    try:
        entrance: Any = Entrance(application, port)  # hypercorn has the same types, by other names
        await serve(entrance, config, shutdown_trigger=stop.wait)
    finally:
        watch.cancel()
        if _is_ours(home):
            assembly.close()
            home.stage_file.unlink()
        # Threads of executions and jobs would hold the interpreter back; all state is saved.
        os._exit(0)


async def _stop_when_disowned(home: Home, stop: asyncio.Event) -> None:
    """Stop once the folder is gone or belongs to another server: nobody could find this one."""
    while _is_ours(home):
        await asyncio.sleep(WATCH_SECONDS)
    stop.set()


def _is_ours(home: Home) -> bool:
    try:
        return bool(json.loads(home.stage_file.read_text())["pid"] == os.getpid())
    except (OSError, ValueError, KeyError):
        return False


def _describe(home: Home, port: int, docker: bool) -> dict[str, Any]:
    log_file = home.logs / "server.log"
    access_key, secret_key = home.root_key()
    return {
        "endpoint": f"http://127.0.0.1:{port}",
        "pid": os.getpid(),
        "region": REGION,
        "account": ACCOUNT,
        "access_key": access_key,
        "secret_key": secret_key,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "docker": docker,
        "log_begins": log_file.stat().st_size if log_file.exists() else 0,
    }


if __name__ == "__main__":
    main()
