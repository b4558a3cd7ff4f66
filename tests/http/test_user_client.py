"""The contract over the user's own client, of httpx and of httpx2."""

from __future__ import annotations

import asyncio
import ssl
from types import ModuleType
from typing import Any, ClassVar

import httpx
import httpx2
import pytest

from chatplug.http import HttpxTransport, InvalidRequest, Request, Transport, TransportOptions
from chatplug.testing.http_server import LoopbackServer
from chatplug.testing.transport_contract import TransportContract

ITS_POOL = "The client keeps its connections by itself, and tells nobody whether one had been used."
ITS_LOOP = "An asynchronous client of httpx works in one event loop."
ITS_FORK = "The client shares its connections with a forked child."
ITS_PROXY = "Which proxy the client uses, and whether it is of a known kind, is the client's own."
ITS_OWN = "The client is its maker's: closing it, sending it elsewhere and its cookies are not ours."
ITS_READ = "The client knows no limit for the whole call, and a stream of it cannot be closed by another thread."
ITS_GZIP = "The client takes the end of the connection for the end of a compressed body."


class OwnedHttpxTransport(HttpxTransport):
    """A transport that also closes the clients, as their maker would."""

    def close(self) -> None:
        self._client.close()

    async def aclose(self) -> None:
        self._client.close()
        await self._async_client.aclose()


class HttpxContract(TransportContract):
    library: ModuleType

    expected_failures: ClassVar = {
        "test_cookies_are_not_kept": ITS_OWN,
        "test_a_closed_transport_opens_new_connections": ITS_OWN,
        "test_a_transport_can_be_sent_to_another_process": ITS_OWN,
        "test_bytes_after_an_answer_do_not_begin_the_next": ITS_POOL,
        "test_a_request_that_met_the_end_of_a_used_connection_is_sent_once_more": ITS_POOL,
        "test_a_request_is_sent_no_third_time": ITS_POOL,
        "test_a_proxy_that_cannot_be_reached_is_named": ITS_PROXY,
        "test_a_proxy_that_refuses_a_tunnel_is_no_answer": ITS_PROXY,
        "test_a_proxy_of_an_unknown_kind_is_refused": ITS_PROXY,
        "test_a_body_cut_short_is_an_error_after_what_came[sync-compressed]": ITS_GZIP,
        "test_a_body_cut_short_is_an_error_after_what_came[async-compressed]": ITS_GZIP,
    }
    untried: ClassVar = {
        # Whether the client notices the end in time is a race, with either outcome.
        "test_a_connection_that_ended_while_unused_is_not_noticed": ITS_POOL,
        "test_a_stream_that_ends_with_its_connection_is_followed_by_another": ITS_POOL,
        "test_a_header_that_dribbles_in_does_not_last_for_ever[sync]": ITS_READ,
        "test_the_rest_of_a_body_can_be_limited[sync]": ITS_READ,
        "test_another_thread_may_close_a_stream_that_waits": ITS_READ,
        "test_one_event_loop_may_follow_another": ITS_LOOP,
        "test_event_loops_in_several_threads_may_call_at_once": ITS_LOOP,
        "test_an_event_loop_that_was_just_closed_is_let_go_of": ITS_LOOP,
        "test_a_forked_child_and_its_parent_do_not_disturb_each_other": ITS_FORK,
        "test_a_forked_child_does_not_keep_its_parents_connections_open": ITS_FORK,
    }

    def make_transport(self, options: TransportOptions) -> Transport:
        settings: dict[str, Any] = {
            "trust_env": options.trust_env,
            "proxy": options.proxy,
            "verify": ssl.create_default_context(cafile=options.ca),
        }
        client, async_client = self.library.Client(**settings), self.library.AsyncClient(**settings)
        return OwnedHttpxTransport(client, async_client, max_body=options.max_body)


class TestHttpxKeepsTheContract(HttpxContract):
    library = httpx


class TestHttpx2KeepsTheContract(HttpxContract):
    library = httpx2


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_call_for_which_there_is_no_client_is_refused(library: ModuleType) -> None:
    async def call(transport: Transport) -> None:
        await transport.arequest(Request("GET", "http://127.0.0.1:1"))

    with library.Client(trust_env=False) as client:
        with pytest.raises(InvalidRequest, match="http_async_client="):
            asyncio.run(call(HttpxTransport(client)))
        with pytest.raises(InvalidRequest, match="http_client="):
            HttpxTransport().request(Request("GET", "http://127.0.0.1:1"))


def test_what_is_no_client_is_refused_when_it_is_passed() -> None:
    with pytest.raises(TypeError, match=r"Expected Client of httpx or httpx2, got builtins\.object"):
        HttpxTransport(object())
    with httpx.Client() as client, pytest.raises(TypeError, match="Expected AsyncClient"):
        HttpxTransport(async_client=client)


def test_a_client_of_ones_own_class_is_a_client() -> None:
    class OwnClient(httpx.Client):
        pass

    with LoopbackServer(lambda exchange: exchange.answer(b"hello")) as server, OwnClient(trust_env=False) as client:
        assert HttpxTransport(client).request(Request("GET", server.url)).body == b"hello"
