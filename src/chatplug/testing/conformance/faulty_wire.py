"""Every fault of the fault server: whatever it does, a call ends with the whole answer or with a provider's error."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

from typing import Any, ClassVar

import pytest

from chatplug.errors import ProviderError
from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance.part import added_up, fault
from chatplug.testing.conformance.refusals import once
from chatplug.testing.conformance.secrecy import keys_of, tells
from chatplug.testing.conformance.served import Served
from chatplug.testing.conformance.way import SYNC, Way
from chatplug.testing.fault_server import Answers, Fault, FaultServer
from chatplug.testing.faults import FAULTS
from chatplug.testing.http_server import Exchange, LoopbackServer

__all__ = ["FaultyWire"]

_CASES = [
    pytest.param(one, how, id=f"{one.name}-{how}")
    for one in FAULTS
    for how, kind in (("invoke", "whole"), ("stream", "stream"))
    if one.of in ("any", kind)
]


_TOTAL = 1.0
"""The seconds of a whole call, for a model that has no limit of the time without an event."""


class FaultyWire(Served):
    """What a wire can do wrong, by name; a model that tries again is told not to."""

    group: ClassVar[str] = "faults"

    @pytest.mark.parametrize(("wrong", "how"), _CASES)
    def test_a_fault_of_the_wire_ends_as_it_should(self, way: Way, wrong: Fault, how: str) -> None:
        expected = self._text(self.new_model(), SYNC, how)
        with FaultServer(wrong, self._answers()) as server:
            model = _limited(once(self.make_model_at(server.url)), wrong)
            try:
                text = self._text(model, way, how)
            except ProviderError as error:
                if wrong.error is None and wrong.requests == 1:
                    fault(
                        f"With {wrong.name!r} the {how} answer can be read, and the error is {error!r}.",
                        "Read on: this is a thing that servers do, and no failure.",
                    )
                name = tells(f"{error} {vars(error)}", keys_of(model))
                if name is not None:
                    fault(f"The error of {wrong.name!r} shows the secret of {name!r}.", "Take it out with redact().")
                return
            if server.elsewhere.requests:
                fault(f"With {wrong.name!r} a request went to another host.", "Follow no redirect: it takes the key.")
        if wrong.error is not None:
            fault(
                f"With {wrong.name!r} the call gave {text!r} as if nothing had happened.",
                f"Raise {wrong.error.__name__}.",
            )
        if self.repeatable and text != expected:
            fault(f"With {wrong.name!r} the answer is {text!r}, and {expected!r} without it.", "Lose nothing.")

    def _text(self, model: BaseChatModel, way: Way, how: str) -> str:
        return self.answer(way, model).text if how == "invoke" else added_up(self.chunks(way, model)).text

    def _answers(self) -> Answers:
        """What the author's server says to the prompt, whole and as a stream."""
        said: dict[bool, Any] = {}

        def listen(request: Exchange) -> None:
            is_stream = self.wants_stream(request)
            said[is_stream] = self.stream_to(request) if is_stream else self.answer_to(request)
            self.serve(request)

        with LoopbackServer(listen) as server:
            model = self.make_model_at(server.url)
            self.answer(SYNC, model)
            self.chunks(SYNC, model)
        events: list[bytes] = list(said[True])
        end = events.pop() if b"[DONE]" in events[-1] else b""
        return Answers(
            body=said[False],
            events=events,
            end=end,
            body_type=self.answer_type,
            stream_type=self.stream_type,
            is_stream=self.wants_stream,
        )


def _limited(model: BaseChatModel, wrong: Fault) -> BaseChatModel:
    """The model with the limits that a fault needs to show in time."""
    limits: dict[str, Any] = {}
    if wrong.timeout is not None:
        limits["timeout"] = wrong.timeout
    if wrong.stall_timeout is not None and "stall_timeout" in type(model).model_fields:
        limits["stall_timeout"] = wrong.stall_timeout
    elif wrong.stall_timeout is not None and wrong.error is not None:
        limits["timeout"] = {**(wrong.timeout or {}), "total": _TOTAL}
    missing = sorted(limits.keys() - type(model).model_fields.keys())
    if missing:
        pytest.skip(f"{type(model).__name__} has no setting {' and '.join(missing)}, which ends {wrong.name!r}.")
    return model.model_copy(update=limits) if limits else model
