r"""A server on loopback that does what a script says, down to the byte: everything that a wire can do wrong.

    def cut_short(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        exchange.hang_up()

    with LoopbackServer(cut_short) as server:
        transport.request(Request("GET", server.url))

Each connection has a thread. A script is called for each request; when it returns, the next request of the connection
is read, unless it hung up.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

__all__ = ["Exchange", "LoopbackServer", "Script"]

_PATIENCE = 20.0
"""Seconds after which a server stops waiting for a client, so that no mistake hangs a test run."""


class Exchange:
    """One request that has arrived, and the connection to answer it on."""

    def __init__(self, connection: _Connection, head: bytes, body: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ", 2)
        self.headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        self.body = body
        self.connection = connection.number
        """Which connection of the server this is, from 1."""
        connection.served += 1
        self.turn = connection.served
        """Which request of the connection this is, from 1."""
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        self._connection.sock.sendall(data)

    def answer(self, body: bytes = b"", *, status: int = 200, headers: Iterable[str] = ()) -> None:
        """Send a whole answer."""
        self.send(_head(status, [*headers, f"Content-Length: {len(body)}"]) + body)

    def begin(self, *, status: int = 200, headers: Iterable[str] = ()) -> None:
        """Send the head of an answer in chunks."""
        self.send(_head(status, [*headers, "Transfer-Encoding: chunked"]))

    def piece(self, data: bytes) -> None:
        """Send one chunk."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        """Send the chunk that is the last."""
        self.send(b"0\r\n\r\n")

    def send_until_full(self, data: bytes, seconds: float) -> int:
        """Send the same bytes again and again until nobody has taken any for a time; how many were taken."""
        sock = self._connection.sock
        sock.settimeout(seconds)
        taken = 0
        try:
            while True:
                taken += sock.send(data)
        except OSError:
            return taken
        finally:
            sock.settimeout(_PATIENCE)

    def client_left(self, seconds: float = _PATIENCE) -> bool:
        """Wait until the client has hung up; False if it has not done so in time."""
        sock = self._connection.sock
        sock.settimeout(seconds)
        try:
            while sock.recv(65536):
                pass
        except TimeoutError:
            sock.settimeout(_PATIENCE)
            return False
        except OSError:
            return True
        return True

    def hang_up(self, *, reset: bool = False) -> None:
        """End the connection: in order, or with a reset."""
        self._connection.hang_up(reset=reset)

    def tunnel(self, host: str, port: int) -> None:
        """Answer a CONNECT and carry bytes both ways until one side ends."""
        mine = self._connection.sock
        with socket.create_connection((host, port), timeout=_PATIENCE) as other:
            self.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = {mine: other, other: mine}
            while True:
                ready, _, _ = select.select(list(ways), [], [], _PATIENCE)
                for sock in ready:
                    data = sock.recv(65536)
                    if not data:
                        self.hang_up()
                        return
                    ways[sock].sendall(data)


Script = Callable[[Exchange], None]


def _head(status: int, headers: Iterable[str]) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *headers, "", ""]).encode("latin-1")


class _Connection:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.served = 0
        self.is_open = True

    def requests(self) -> Iterable[Exchange]:
        """What the client asks, one after the other."""
        data = b""
        while self.is_open:
            while b"\r\n\r\n" not in data:
                more = self.sock.recv(65536)
                if not more:
                    return
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.strip().lower() == b"content-length":
                    length = int(value)
            parts = [data]
            missing = length - len(data)
            while missing > 0:
                more = self.sock.recv(1 << 20)
                if not more:
                    return
                parts.append(more)
                missing -= len(more)
            data = b"".join(parts)
            body, data = data[:length], data[length:]
            yield Exchange(self, head, body)

    def interrupt(self) -> None:
        """Wake the thread that waits for the client; it finds the end."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def hang_up(self, *, reset: bool = False) -> None:
        if not self.is_open:
            return
        self.is_open = False
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.interrupt()
        self.sock.close()


class LoopbackServer:
    """A server at `url` until the `with` block ends."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, greeting: bytes = b"") -> None:
        self._script = script
        self._tls = tls
        self._greeting = greeting
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.host = "127.0.0.1"
        self.url = f"{'http' if tls is None else 'https'}://{self.host}:{self.port}"
        self.accepted = 0
        """How many connections there have been."""
        self.requests = 0
        """How many requests there have been."""
        self.mistakes: deque[BaseException] = deque(maxlen=10)
        """What scripts raised, but for clients that hung up."""
        self._open: set[_Connection] = set()
        self._threads: set[threading.Thread] = set()
        self._is_closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def open_connections(self) -> int:
        """How many connections there are now."""
        return len(self._open)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        # Wakes the thread that waits for the next connection.
        with socket.socket() as sock:
            sock.connect_ex((self.host, self.port))
        self._thread.join()
        self._listener.close()
        for connection in list(self._open):
            connection.interrupt()
        for thread in list(self._threads):
            thread.join(_PATIENCE)
        if kind is None and self.mistakes:
            raise self.mistakes[0]

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._is_closing:
                sock.close()
                return
            self.accepted += 1
            connection = _Connection(sock, self.accepted)
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.add(thread)
            thread.start()

    def _serve(self, connection: _Connection) -> None:
        try:
            connection.sock.settimeout(_PATIENCE)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection.sock = self._tls.wrap_socket(connection.sock, server_side=True)
            connection.sock.sendall(self._greeting)
            for exchange in connection.requests():
                self.requests += 1
                self._script(exchange)
        except OSError:
            # The client hung up, which is its right; what it then sees is what is tested.
            pass
        except (AssertionError, ValueError, LookupError, TypeError) as error:
            self.mistakes.append(error)
        finally:
            connection.hang_up()
            self._open.discard(connection)
            self._threads.discard(threading.current_thread())
