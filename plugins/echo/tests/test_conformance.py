"""The echo model passes the kit with nothing skipped."""

from __future__ import annotations

import chatplug
from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance import ChatModelConformance


class TestEchoConforms(ChatModelConformance):
    def make_model(self) -> BaseChatModel:
        return chatplug.init("echo:n8")
