"""What authors of plugins and of programs test with; each name is imported on first use.

The conformance kit and the contract of transports need pytest, `chatplug.testing.strategies` needs hypothesis: both
come with the extra `testing`. The rest needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatplug.testing.conformance import ChatModelConformance, HttpChatModelConformance
    from chatplug.testing.fake_transport import FakeAnswer, FakeTransport
    from chatplug.testing.fakes import FakeCall, FakeChatModel, FakeListChatModel, GenericFakeChatModel
    from chatplug.testing.fault_server import Answers, Fault, FaultServer, Scene
    from chatplug.testing.faults import FAULTS, RETRIES
    from chatplug.testing.http_server import Exchange, LoopbackServer
    from chatplug.testing.real_providers import RealProviderError, RealProviders
    from chatplug.testing.recorder import Recorder, RecordingMissError
    from chatplug.testing.recording_handler import Heard, RecordingHandler
    from chatplug.testing.transport_contract import TransportContract

__all__ = [
    "FAULTS",
    "RETRIES",
    "Answers",
    "ChatModelConformance",
    "Exchange",
    "FakeAnswer",
    "FakeCall",
    "FakeChatModel",
    "FakeListChatModel",
    "FakeTransport",
    "Fault",
    "FaultServer",
    "GenericFakeChatModel",
    "Heard",
    "HttpChatModelConformance",
    "LoopbackServer",
    "RealProviderError",
    "RealProviders",
    "Recorder",
    "RecordingHandler",
    "RecordingMissError",
    "Scene",
    "TransportContract",
]

_HOMES = {
    "Answers": "fault_server",
    "ChatModelConformance": "conformance",
    "Exchange": "http_server",
    "FAULTS": "faults",
    "FakeAnswer": "fake_transport",
    "FakeCall": "fakes",
    "FakeChatModel": "fakes",
    "FakeListChatModel": "fakes",
    "FakeTransport": "fake_transport",
    "Fault": "fault_server",
    "FaultServer": "fault_server",
    "GenericFakeChatModel": "fakes",
    "Heard": "recording_handler",
    "HttpChatModelConformance": "conformance",
    "LoopbackServer": "http_server",
    "RETRIES": "faults",
    "RealProviderError": "real_providers",
    "RealProviders": "real_providers",
    "Recorder": "recorder",
    "RecordingHandler": "recording_handler",
    "RecordingMissError": "recorder",
    "Scene": "fault_server",
    "TransportContract": "transport_contract",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
