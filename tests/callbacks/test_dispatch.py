"""One event to many handlers, from synchronous and from asynchronous code."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

import chatplug.callbacks
from chatplug.callbacks import BaseCallbackHandler
from chatplug.callbacks.dispatch import adispatch, dispatch
from tests.callbacks.recording import AsyncRecording, Failing, Recording

RUN = UUID(int=1)
Send = Callable[..., None]


def send_asynchronously(*args: Any, **kwargs: Any) -> None:
    asyncio.run(adispatch(*args, **kwargs))


def send_inside_a_loop(*args: Any, **kwargs: Any) -> None:
    async def inside() -> None:
        dispatch(*args, **kwargs)

    asyncio.run(inside())


ways = pytest.mark.parametrize("send", [dispatch, send_asynchronously, send_inside_a_loop])


@ways
def test_each_handler_hears_the_event_in_order_whether_its_method_is_async_or_not(send: Send) -> None:
    order: list[int] = []

    class Ordered(BaseCallbackHandler):
        run_inline = True

        def __init__(self, number: int) -> None:
            self.number = number

        def on_llm_new_token(self, token: str, **kwargs: Any) -> Any:
            order.append(self.number)

    class Later(Ordered):
        async def on_llm_new_token(self, token: str, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            order.append(self.number)

    send([Later(1), Ordered(2), Later(3), Ordered(4)], "on_llm_new_token", "a", run_id=RUN)

    assert order == [1, 2, 3, 4]


@ways
@pytest.mark.parametrize("kind", [Recording, AsyncRecording])
def test_a_handler_hears_the_event_as_it_was_sent(kind: type[Recording], send: Send) -> None:
    handler = kind()

    send([handler], "on_llm_new_token", "a", run_id=RUN, tags=["x"])

    assert handler.heard == [("on_llm_new_token", ("a",), {"run_id": RUN, "tags": ["x"]})]


@ways
def test_a_handler_that_defines_nothing_hears_nothing(send: Send) -> None:
    send([BaseCallbackHandler()], "on_llm_end", None, run_id=RUN)


@ways
def test_a_method_that_was_put_on_the_handler_itself_is_heard(send: Send) -> None:
    handler, heard = BaseCallbackHandler(), list[str]()
    handler.run_inline = True
    handler.on_llm_new_token = lambda token, **kwargs: heard.append(token)  # type: ignore[method-assign]  # the point

    send([handler], "on_llm_new_token", "a", run_id=RUN)

    assert heard == ["a"]


@ways
def test_a_failing_handler_is_logged_with_its_name_and_the_others_still_hear(
    send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    other = Recording()

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        send([Failing("on_llm_end"), other], "on_llm_end", None, run_id=RUN)

    assert other.names == ["on_llm_end"]
    (record,) = caplog.records
    assert record.getMessage() == "Failing.on_llm_end failed: LookupError('failed at on_llm_end')"
    assert record.exc_info is not None


@ways
def test_a_handler_that_is_required_ends_the_call_when_it_fails(send: Send) -> None:
    with pytest.raises(LookupError, match="failed at on_llm_end"):
        send([Failing("on_llm_end", raise_error=True)], "on_llm_end", None, run_id=RUN)


@ways
def test_an_asynchronous_handler_sees_the_context_of_the_call(send: Send) -> None:
    seen: list[str] = []
    where: ContextVar[str] = ContextVar("where", default="nowhere")

    class Looks(BaseCallbackHandler):
        run_inline = True

        async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
            seen.append(where.get())

    token = where.set("here")
    send([Looks()], "on_llm_end", None, run_id=RUN)
    where.reset(token)

    assert seen == ["here"]


def test_synchronous_calls_have_one_thread_for_all_asynchronous_handlers_and_leave_no_other_behind() -> None:
    send_inside_a_loop([AsyncRecording()], "on_llm_end", None, run_id=RUN)
    before = set(threading.enumerate())

    for _ in range(10):
        send_inside_a_loop([AsyncRecording()], "on_llm_end", None, run_id=RUN)
        dispatch([AsyncRecording()], "on_llm_end", None, run_id=RUN)

    assert set(threading.enumerate()) <= before


def test_names_of_the_package_are_imported_on_first_use_and_others_are_not_there() -> None:
    missing = "Nothing"

    assert chatplug.callbacks.CallbackManagerForLLMRun.__module__ == "chatplug.callbacks.manager"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(chatplug.callbacks, missing)
