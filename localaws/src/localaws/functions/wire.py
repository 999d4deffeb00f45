"""Messages between the server and its function processes: a length, then that much JSON."""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")


def send(connection: socket.socket, message: Any, descriptors: tuple[int, ...] = ()) -> None:
    """Send one message, and with it open files."""
    payload = json.dumps(message).encode()
    # The files travel with the first bytes; the rest may take several sends.
    socket.send_fds(connection, [_LENGTH.pack(len(payload))], list(descriptors))
    connection.sendall(payload)


def receive(connection: socket.socket, descriptors: int = 0) -> tuple[Any, list[int]]:
    """Return the next message and its open files. Raises EOFError when the other side is gone."""
    head, files, _, _ = socket.recv_fds(connection, _LENGTH.size, descriptors)
    if len(head) < _LENGTH.size:
        raise EOFError
    return json.loads(_exactly(connection, _LENGTH.unpack(head)[0])), list(files)


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            raise EOFError
        content += part
    return bytes(content)
