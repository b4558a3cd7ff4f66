from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from chatplug.http import DefaultTransport, Request, TLSError, Transport, TransportOptions, default_transport
from chatplug.http.tls import tls_context
from chatplug.testing.http_server import LoopbackServer
from chatplug.testing.transport_contract import TransportContract


class TestDefaultTransportKeepsTheContract(TransportContract):
    def make_transport(self, options: TransportOptions) -> Transport:
        return DefaultTransport(options)


def test_equal_options_share_one_transport() -> None:
    assert default_transport() is default_transport(TransportOptions())
    assert default_transport(TransportOptions(max_idle=7)) is default_transport(TransportOptions(max_idle=7))
    assert default_transport() is not default_transport(TransportOptions(max_idle=7))


def test_the_tls_settings_are_made_once_for_each_way_of_trusting() -> None:
    assert tls_context(TransportOptions()) is tls_context(TransportOptions(proxy="http://127.0.0.1:1"))


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("absent.pem", "empty.pem"):
        transport = DefaultTransport(TransportOptions(trust_env=False, ca=tmp_path / name))

        with LoopbackServer(lambda exchange: exchange.answer()) as server:
            request = Request("GET", f"https://127.0.0.1:{server.port}")
            with pytest.raises(TLSError, match=name):
                transport.request(request)
            with pytest.raises(TLSError, match=name):
                asyncio.run(transport.arequest(request))


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after this code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


CLIENTS = {"aiohttp", "asyncio", "http.client", "httpx", "httpx2", "ssl", "urllib.request", "urllib3"}
HEAVY = {"dataclasses", "inspect", "pydantic"}


def test_importing_the_package_loads_no_client() -> None:
    assert not loaded_after("import chatplug.http") & (CLIENTS | HEAVY)


def test_a_synchronous_call_loads_nothing_asynchronous() -> None:
    code = (
        "from chatplug.http import *\n"
        "try:\n"
        "    default_transport().request(Request('GET', 'http://127.0.0.1:1'))\n"
        "except ConnectError:\n"
        "    pass\n"
    )

    assert not loaded_after(code) & {"aiohttp", "asyncio", "httpx", "httpx2", "urllib3", "dataclasses", "inspect"}


def test_an_asynchronous_call_does_not_load_the_synchronous_half() -> None:
    code = (
        "import asyncio\n"
        "from chatplug.http import *\n"
        "try:\n"
        "    asyncio.run(default_transport().arequest(Request('GET', 'http://127.0.0.1:1')))\n"
        "except ConnectError:\n"
        "    pass\n"
    )

    assert not loaded_after(code) & {"chatplug.http.sync", "chatplug.http.connection", "httpx", "urllib3"}


def test_what_is_missing_is_named_when_aiohttp_is_not_installed() -> None:
    code = (
        "import asyncio, sys\n"
        "sys.modules['aiohttp'] = None\n"
        "from chatplug.http import *\n"
        "try:\n"
        "    asyncio.run(default_transport().arequest(Request('GET', 'http://127.0.0.1:1')))\n"
        "except ModuleNotFoundError as error:\n"
        "    assert 'chatplug[http]' in str(error)\n"
        "else:\n"
        "    raise SystemExit('no error')\n"
    )

    loaded_after(code)


def test_no_warning_is_left_behind_by_a_program_that_closes_nothing() -> None:
    code = (
        "import asyncio\n"
        "from chatplug.http import *\n"
        "from chatplug.testing.http_server import LoopbackServer\n"
        "async def main(request):\n"
        "    await default_transport().arequest(request)\n"
        "    stream = await default_transport().astream(request)\n"
        "    await anext(aiter(stream))\n"
        "with LoopbackServer(lambda exchange: exchange.answer(b'hello')) as server:\n"
        "    request = Request('GET', server.url)\n"
        "    default_transport().request(request)\n"
        "    next(iter(default_transport().stream(request)))\n"
        "    asyncio.run(main(request))\n"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == ""
