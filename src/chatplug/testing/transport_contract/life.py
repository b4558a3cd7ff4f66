"""Cancellation, interrupts, threads, event loops, forks: whatever happens to a program while a call is under way."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chatplug.http import BrokenBody, Transport
from chatplug.testing.http_server import Exchange, LoopbackServer
from chatplug.testing.transport_contract.driver import PATIENCE, Driver, SyncDriver
from chatplug.testing.transport_contract.parts import PLAIN, Part, ask

__all__ = ["Life"]

AT_ONCE = 64
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")


def echo(exchange: Exchange) -> None:
    """Answer with what was asked, whole or as a stream."""
    if exchange.path.startswith("/stream"):
        exchange.begin()
        exchange.piece(exchange.body[:5])
        exchange.piece(exchange.body[5:])
        exchange.end()
    else:
        exchange.answer(exchange.body)


def in_child(work: Callable[[], object]) -> int:
    """Fork; the child does the work and is gone. The parent gets its id."""
    with warnings.catch_warnings():
        # Python 3.12 and later warn of a fork beside threads; that it works nevertheless is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except KeyboardInterrupt:
        code = 130
    finally:
        if code == 1:
            traceback.print_exc()
        os._exit(code)


def ended_with(child: int) -> int:
    """The exit code of a child, for which nobody waits for ever."""
    moment = threading.Event()
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        moment.wait(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("The child did not end.")


def at_once(count: int, work: Callable[[int], bool]) -> list[bool]:
    """Whether the work was right, in as many threads at once."""
    results = [False] * count

    def run(number: int) -> None:
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Waiting:
    """A script that says when a request has come and when the client has left; it begins an answer if asked to."""

    def __init__(self) -> None:
        self.has_come = threading.Event()
        self.has_left = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        if exchange.path.startswith("/body"):
            exchange.begin()
            exchange.piece(b"one")
        self.has_come.set()
        if exchange.client_left():
            self.has_left.set()


class Life(Part):
    """What happens around a call."""

    @pytest.mark.parametrize("path", ["/head", "/body"])
    @pytest.mark.parametrize("kind", ["request", "stream"])
    def test_cancelling_a_task_closes_its_connection(self, transport: Transport, path: str, kind: str) -> None:
        script = Waiting()

        async def work(server: LoopbackServer) -> None:
            if kind == "request":
                await transport.arequest(ask(server, path))
            else:
                stream = await transport.astream(ask(server, path))
                async for _ in stream:
                    pass

        async def main(server: LoopbackServer) -> None:
            task = asyncio.create_task(work(server))
            assert await asyncio.to_thread(script.has_come.wait, PATIENCE)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(script.has_left.wait, PATIENCE)
            await transport.aclose()

        with LoopbackServer(script) as server:
            asyncio.run(main(server))

    def test_a_transport_works_on_after_a_cancellation(self, transport: Transport) -> None:

        def script(exchange: Exchange) -> None:
            if exchange.path.startswith("/wait"):
                exchange.client_left()
            else:
                exchange.answer(exchange.body)

        async def main(server: LoopbackServer) -> None:
            for number in range(20):
                body = b"%d" % number
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.001 * number):
                        await transport.arequest(ask(server, "/wait", body=body))
                assert (await transport.arequest(ask(server, body=body))).body == body
            await transport.aclose()

        with LoopbackServer(script) as server:
            asyncio.run(main(server))

    @forks
    @pytest.mark.parametrize("path", ["/head", "/body"])
    def test_an_interrupt_ends_a_call_at_once(self, way: str, path: str) -> None:
        script = Waiting()

        def call(server: LoopbackServer) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            transport = self.make_transport(PLAIN)
            if way == "sync":
                transport.request(ask(server, path))
            else:
                asyncio.run(_arequest(transport, server, path))

        with LoopbackServer(script) as server:
            child = in_child(lambda: call(server))
            assert script.has_come.wait(PATIENCE)
            started = time.monotonic()
            os.kill(child, signal.SIGINT)

            assert ended_with(child) == 130
            assert time.monotonic() - started < 2
            assert script.has_left.wait(PATIENCE)

    def test_another_thread_may_close_a_stream_that_waits(self, transport: Transport) -> None:
        script = Waiting()

        with LoopbackServer(script) as server:
            stream = transport.stream(ask(server, "/body"))
            pieces = iter(stream)
            assert next(pieces) == b"one"

            def close() -> None:
                # Whether the other thread already waits or is about to, it must not wait any longer.
                threading.Event().wait(0.05)
                stream.close()

            closing = threading.Thread(target=close)
            closing.start()
            with pytest.raises(BrokenBody, match="closed"):
                next(pieces)
            closing.join()
            assert script.has_left.wait(PATIENCE)

    def test_many_threads_call_at_once(self, transport: Transport) -> None:
        together = threading.Barrier(AT_ONCE, timeout=PATIENCE)

        def script(exchange: Exchange) -> None:
            together.wait()
            echo(exchange)

        def call(number: int) -> bool:
            body = b"number %d" % number
            with transport.stream(ask(server, "/stream", body=body)) as stream:
                return b"".join(stream) == body and transport.request(ask(server, body=body)).body == body

        with LoopbackServer(script) as server:
            assert all(at_once(AT_ONCE, call))

    def test_many_tasks_call_at_once(self, transport: Transport) -> None:
        together = threading.Barrier(AT_ONCE, timeout=PATIENCE)

        def script(exchange: Exchange) -> None:
            together.wait()
            echo(exchange)

        async def call(server: LoopbackServer, number: int) -> bool:
            body = b"number %d" % number
            async with await transport.astream(ask(server, "/stream", body=body)) as stream:
                pieces = [piece async for piece in stream]
            return b"".join(pieces) == body and (await transport.arequest(ask(server, body=body))).body == body

        async def main(server: LoopbackServer) -> None:
            assert all(await asyncio.gather(*[call(server, number) for number in range(AT_ONCE)]))
            await transport.aclose()

        with LoopbackServer(script) as server:
            asyncio.run(main(server))

    def test_one_event_loop_may_follow_another(self, transport: Transport) -> None:

        with LoopbackServer(echo) as server:
            for number in range(3):
                body = b"number %d" % number

                assert asyncio.run(_arequest(transport, server, "/", body)) == body
                # A loop takes its connections with it, without being asked.
                assert _soon(lambda: server.open_connections == 0)

    def test_event_loops_in_several_threads_may_call_at_once(self, transport: Transport) -> None:
        together = threading.Barrier(4, timeout=PATIENCE)

        def script(exchange: Exchange) -> None:
            together.wait()
            echo(exchange)

        def call(number: int) -> bool:
            body = b"number %d" % number
            return asyncio.run(_arequest(transport, server, "/", body)) == body

        with LoopbackServer(script) as server:
            assert all(at_once(4, call))

    def test_an_event_loop_that_was_just_closed_is_let_go_of(self, transport: Transport) -> None:

        with LoopbackServer(echo) as server, warnings.catch_warnings():
            # asyncio itself warns of the connections of such a loop.
            warnings.simplefilter("ignore", ResourceWarning)
            for _ in range(3):
                loop = asyncio.new_event_loop()
                assert loop.run_until_complete(_keep(transport, server)) == b"body"
                loop.close()
                del loop
            transport.close()
            gc.collect()
            assert _soon(lambda: server.open_connections == 0)

    @forks
    def test_a_forked_child_and_its_parent_do_not_disturb_each_other(self, driver: Driver, way: str) -> None:
        connections: dict[bytes, set[int]] = {b"parent": set(), b"child": set()}

        def script(exchange: Exchange) -> None:
            connections[exchange.body.partition(b" ")[0]].add(exchange.connection)
            echo(exchange)

        def call(who: bytes, driver: Driver) -> None:
            for number in range(30):
                body = b"%s %d" % (who, number)
                assert driver.request(ask(server, body=body)).body == body
                stream = driver.open(ask(server, "/stream", body=body))
                assert stream.read() == body
                stream.close()

        def child_calls() -> None:
            inherited: Any = driver
            call(b"child", driver if way == "sync" else type(inherited)(inherited.transport))

        with LoopbackServer(script) as server:
            driver.request(ask(server, body=b"parent 0"))
            child = in_child(child_calls)
            call(b"parent", driver)

            assert ended_with(child) == 0
            assert not connections[b"parent"] & connections[b"child"]

    @forks
    def test_a_forked_child_does_not_keep_its_parents_connections_open(self, driver: Driver) -> None:
        script = Waiting()
        read, write = os.pipe()

        def wait() -> None:
            os.close(write)
            os.read(read, 1)

        with LoopbackServer(script) as server:
            stream = driver.open(ask(server, "/body"))
            assert stream.next() == b"one"
            child = in_child(wait)
            stream.close()

            assert driver.wait(script.has_left)
            os.close(write)
            os.close(read)
            assert ended_with(child) == 0

    def test_a_transport_can_be_sent_to_another_process(self, transport: Transport, way: str) -> None:
        code = (
            "import asyncio, pickle, sys\n"
            "transport, request = pickle.load(sys.stdin.buffer)\n"
            "if sys.argv[1] == 'sync':\n"
            "    response = transport.request(request)\n"
            "else:\n"
            "    response = asyncio.run(transport.arequest(request))\n"
            "sys.stdout.buffer.write(response.body)\n"
        )
        with LoopbackServer(echo) as server:
            assert SyncDriver(transport).request(ask(server)).status == 200
            sent = pickle.dumps((transport, ask(server)))
            command = [sys.executable, "-c", code, way]
            done = subprocess.run(command, input=sent, capture_output=True, timeout=PATIENCE, check=False)

        assert done.stdout == b"secret-in-body", done.stderr.decode()

    def test_a_closed_transport_opens_new_connections(self, driver: Driver) -> None:
        with LoopbackServer(echo) as server:
            for _ in range(2):
                assert driver.request(ask(server)).status == 200
                if isinstance(driver, SyncDriver):
                    driver.transport.close()
                else:
                    driver.run(driver.transport.aclose())  # type: ignore[attr-defined]  # The other kind of driver.
                assert _soon(lambda: server.open_connections == 0)
            assert server.accepted == 2


async def _arequest(transport: Transport, server: LoopbackServer, path: str, body: bytes = b"body") -> bytes:
    return (await transport.arequest(ask(server, path, body=body))).body


def _keep(transport: Transport, server: LoopbackServer) -> Coroutine[Any, Any, bytes]:
    return _arequest(transport, server, "/")


def _soon(is_so: Callable[[], bool]) -> bool:
    moment = threading.Event()
    ends = time.monotonic() + 5
    while not is_so():
        if time.monotonic() > ends:
            return False
        moment.wait(0.005)
    return True
