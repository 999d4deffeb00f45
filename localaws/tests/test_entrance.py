"""Who reaches the local stage: this machine's own programs, with its own credentials."""

import http.client
import json
import os
import re
import socket
import stat
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import stage as local_stage
from localaws.home import write_private
from localaws.stage import Stage, StageError
from localaws.state_files import DamagedStateError
from support.making import Client
from support.stage import connect

LISTENING = "0A"
LOOPBACK = ("0100007F", "00000000000000000000000001000000")


def ask(stage: Stage, path: str, **headers: str) -> tuple[int, str]:
    """Send an unsigned GET, or one with the headers given; return status and body."""
    host, _, port = stage.endpoint.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("GET", path, headers={n.replace("_", "-"): v for n, v in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def listening_addresses(pid: int) -> set[str]:
    """Read the addresses (hexadecimal) on which a process accepts connections."""
    links = [link for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    sockets = {str(link.readlink())[8:-1] for link in links if "socket:" in str(link.readlink())}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTENING and rest[5] in sockets:
                found.add(local.partition(":")[0])
    return found


def processes_of(pid: int) -> list[int]:
    """List a process and all that it started."""
    found = [pid]
    for process in found:
        for thread in Path(f"/proc/{process}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text().split()]
    return found


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux shows who listens")
def test_it_listens_on_loopback_only(stage: Stage, client: Client) -> None:
    client("cloudformation").list_stacks()  # every service is up now

    addresses: set[str] = set()
    for process in processes_of(stage.pid):
        addresses |= listening_addresses(process)

    assert addresses
    assert addresses <= set(LOOPBACK)


def test_its_credentials_are_the_owners_alone(stage: Stage, stage_home: Path) -> None:
    mode = stat.S_IMODE((stage_home / "stage.json").stat().st_mode)

    assert mode == 0o600
    assert json.loads((stage_home / "stage.json").read_text())["secret_key"] == stage.secret_key


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        ("/", {"Host": "evil.example:80"}, "evil.example:80"),
        ("/", {"Host": "127.0.0.1"}, "127.0.0.1"),  # a page's own port is another one
        ("/", {"Origin": "http://evil.example"}, "web pages"),
        ("/", {}, "not signed"),
        ("/a-bucket/a-key", {}, "not signed"),
        ("/_ministack/reset", {"Authorization": "AWS4-HMAC-SHA256 x"}, "not served"),
        ("/health", {"Authorization": "AWS4-HMAC-SHA256 x"}, "not served"),
    ],
)
def test_requests_from_elsewhere_are_refused(
    stage: Stage, path: str, headers: dict[str, str], reason: str
) -> None:
    status, body = ask(stage, path, **headers)

    assert status == 403
    assert reason in body


@pytest.mark.parametrize("service", ["s3", "dynamodb", "states", "sagemaker"])
@pytest.mark.parametrize(
    ("access_key", "secret_key"),
    [
        ("test", "test"),
        ("123456789012", "test"),  # MiniStack takes an account's number for its root
        ("AKIAUNKNOWNUNKNOWNXX", "test"),
        (None, "wrong"),  # the real key with another secret
    ],
)
def test_only_the_stages_own_credentials_count(
    stage: Stage, service: str, access_key: str | None, secret_key: str
) -> None:
    calls: dict[str, tuple[str, str]] = {
        "s3": ("s3", "list_buckets"),
        "dynamodb": ("dynamodb", "list_tables"),
        "states": ("stepfunctions", "list_state_machines"),
        "sagemaker": ("sagemaker", "list_processing_jobs"),
    }
    name, operation = calls[service]
    stranger = connect(
        stage,
        name,
        aws_access_key_id=access_key or stage.access_key,
        aws_secret_access_key=secret_key,
    )

    with pytest.raises(ClientError) as refusal:
        getattr(stranger, operation)()

    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_an_address_with_a_signature_opens_an_object_until_it_expires(
    stage: Stage, client: Client
) -> None:
    client("s3").create_bucket(Bucket="signed-addresses")
    client("s3").put_object(Bucket="signed-addresses", Key="page.html", Body=b"<h1>hello</h1>")
    place: Any = {"Bucket": "signed-addresses", "Key": "page.html"}
    signed = client("s3").generate_presigned_url("get_object", Params=place, ExpiresIn=60)
    path = signed.removeprefix(stage.endpoint)

    assert ask(stage, path) == (200, "<h1>hello</h1>")
    assert ask(stage, path.replace("page.html", "other.html"))[0] == 403
    assert ask(stage, path[:-2] + "00")[0] == 403


def test_starting_twice_gives_the_same_stage(stage: Stage, stage_home: Path) -> None:
    assert local_stage.up(stage_home) == stage


def test_a_stage_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/root.json").write_text("damaged")

    with pytest.raises(DamagedStateError, match=r"root\.json is damaged: it is not what the stage"):
        local_stage.up(tmp_path)


def test_a_server_of_another_version_is_not_joined_by_a_second_one(tmp_path: Path) -> None:
    """It answers no question of this version, and both would write the same files."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.listen()
        threading.Thread(target=answer_nothing, args=(listener,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        stage = Stage(endpoint, os.getpid(), "us-east-1", "1", "key", "secret", "then")
        write_private(tmp_path / "stage.json", asdict(stage))

        stop = re.escape(f"is of another version. Stop it with `kill {os.getpid()}`")
        with pytest.raises(StageError, match=stop):
            local_stage.up(tmp_path)


def answer_nothing(listener: socket.socket) -> None:
    """Take every connection and say that the page is not there."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
