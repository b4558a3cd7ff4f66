"""A server that answers every request with the same bytes, whatever they are; an environment without keys."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator

import pytest
from chatplug_openai_compat.gateway import gateway_names, gateway_of

Serve = Callable[[bytes], str]


class CannedServer:
    """Answers each connection's first request with `reply` and hangs up."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self.requests.append(self._read(connection))
                connection.sendall(self.reply)
                connection.shutdown(socket.SHUT_WR)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def canned() -> Generator[Callable[[bytes], CannedServer]]:
    servers: list[CannedServer] = []

    def make(reply: bytes) -> CannedServer:
        servers.append(CannedServer(reply))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no address of this machine's user gets into a test."""
    for name in gateway_names():
        row = gateway_of(name)
        version = [row.api_version["variable"]] if row.api_version else []
        for variable in (*row.key_variables, *row.base_url_variables, *version):
            monkeypatch.delenv(variable, raising=False)
