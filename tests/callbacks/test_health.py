"""What becomes of a handler that fails, or that cannot keep up."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from chatplug.callbacks import flush, handler_reports
from chatplug.callbacks.hearing import Hearing
from chatplug.callbacks.listener import listener_of
from tests.callbacks.observing import END, SECONDS, START, TOKEN, Failing, Held, Observing
from tests.language_models.models import Driver, Pieces, PiecesNative, Whole, both


@both
def test_a_failure_of_a_handler_that_observes_is_logged_once_with_its_name(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Failing()

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        chunks = driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    assert "".join(chunk.text for chunk in chunks) == "cat"
    assert handler.names == [START, *[TOKEN] * 4, END]
    assert [record.getMessage() for record in caplog.records] == [
        "Failing.on_llm_new_token failed: LookupError('failed at on_llm_new_token')"
    ]
    assert caplog.records[0].exc_info is not None
    report = listener_of(handler).report()
    assert (report.failed, report.dropped, report.is_aside, report.is_well) == (4, 0, False, False)
    assert report in handler_reports()


@both
@pytest.mark.parametrize("is_inline", [True, False])
def test_a_handler_that_fails_too_often_in_a_row_is_put_aside_and_said_so(
    is_inline: bool, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Failing()
    handler.run_inline = is_inline

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        for _ in range(5):
            driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    report = listener_of(handler).report()
    assert (report.name, report.failed, report.is_aside) == ("Failing", 10, True)
    assert report.dropped > 0
    assert report.last_error == "LookupError('failed at on_llm_new_token')"
    assert handler.names.count(TOKEN) == 10
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "Failing is put aside" in caplog.text


@both
def test_a_handler_that_fails_now_and_then_goes_on_hearing(driver: Driver) -> None:
    class Odd(Observing):
        def keep(self, name: str, args: Any, kwargs: Any) -> None:
            super().keep(name, args, kwargs)
            if name == TOKEN and args[0] == "a":
                raise LookupError

    handler = Odd()

    for _ in range(12):
        driver.stream(PiecesNative(), "cat", {"callbacks": [handler]})

    assert handler.names.count(END) == 12
    assert not listener_of(handler).is_aside


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration])
def test_whatever_an_observing_handler_raises_the_call_and_the_worker_go_on(kind: type[BaseException]) -> None:
    class Raises(Observing):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            raise kind

    handler = Raises()

    for _ in range(2):
        Whole().invoke("cat", {"callbacks": [handler]})

    assert handler.names == [END, END]
    assert listener_of(handler).failed == 2


def test_events_that_a_handler_cannot_keep_up_with_are_dropped_counted_and_said_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = Held()
    words = "x" * 12_000

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        for _ in Pieces().stream(words, {"callbacks": [handler]}):
            pass
        Whole().invoke("late", {"callbacks": [handler]})  # its start is dropped, and so is all of it
        queue = next(iter(listener_of(handler).queues()))
        waiting = sum(isinstance(who, Hearing) for who, *_ in queue.items)  # a run that waits in vain leaves a marker
    handler.gate.set()

    assert flush(SECONDS)
    assert 10_000 <= waiting <= 10_001
    assert handler.names.count(START) == handler.names.count(END) == 1
    assert handler.names[-1] == END
    assert len(handler.heard) + listener_of(handler).dropped == 1 + 12_000 + 1 + 1 + 2
    assert [record.getMessage() for record in caplog.records] == [
        "Held misses events: it is too slow, or its event loop has ended."
    ]


def test_a_handler_that_is_gone_is_remembered_where_it_failed() -> None:
    class Gone(Failing):
        pass

    handler = Gone(at=START)
    Whole().invoke("cat", {"callbacks": [handler]})
    well = Observing()
    Whole().invoke("cat", {"callbacks": [well]})
    assert flush(SECONDS)
    del handler, well

    reports = [report for report in handler_reports() if report.name == "Gone"]
    assert [report.failed for report in reports] == [1]
