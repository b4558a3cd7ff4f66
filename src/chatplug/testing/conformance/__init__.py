"""The conformance kit: what every chat model owes, as one class to subclass.

    class TestMyModel(ChatModelConformance):
        def make_model(self) -> BaseChatModel:
            return chatplug.init("acme:large")

pytest finds the tests in it. No key and no network is needed, as far as the model needs none; a plugin with a server
subclasses `HttpChatModelConformance`, which brings the server. Each failure says what is wrong and what to do. What a
model cannot do is declared with its reason in `expected_failures`; a declared failure that does not happen is an error.

The kit needs pytest, which comes with the extra `testing`.
"""

from __future__ import annotations

import pytest

# So that a failed assertion shows its values to whoever holds a model to this.
pytest.register_assert_rewrite(f"{__name__}.part")

from chatplug.testing.conformance.abilities import Inputs, Structured, Tools  # noqa: E402
from chatplug.testing.conformance.answers import Answers, Streams, Usage  # noqa: E402
from chatplug.testing.conformance.asking import Settings, Stop  # noqa: E402
from chatplug.testing.conformance.copies import Copies  # noqa: E402
from chatplug.testing.conformance.faulty_wire import FaultyWire  # noqa: E402
from chatplug.testing.conformance.life import Concurrency, Endings  # noqa: E402
from chatplug.testing.conformance.listening import Callbacks, Config  # noqa: E402
from chatplug.testing.conformance.packaging import Hooks, Packaging  # noqa: E402
from chatplug.testing.conformance.refusals import Refusals  # noqa: E402
from chatplug.testing.conformance.secrecy import Secrets  # noqa: E402
from chatplug.testing.conformance.wire import Wire  # noqa: E402

__all__ = ["ChatModelConformance", "HttpChatModelConformance"]


class ChatModelConformance(
    Answers,
    Streams,
    Usage,
    Stop,
    Tools,
    Structured,
    Inputs,
    Callbacks,
    Config,
    Settings,
    Secrets,
    Copies,
    Concurrency,
    Endings,
    Hooks,
    Packaging,
):
    """Subclass it, name the class `Test...`, and give in `make_model` the model that is to be held to it."""


class HttpChatModelConformance(Refusals, Wire, FaultyWire, ChatModelConformance):
    """The same for a plugin that talks to a server, which the kit brings: say what it answers, and where it is.

    `make_model_at(url)` gives the model, `answer_to(request)` a whole answer in the provider's wire format, and
    `stream_to(request)` the events of a stream.
    """
