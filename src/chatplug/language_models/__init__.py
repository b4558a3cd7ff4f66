"""What a chat model is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chatplug.language_models.chat_model import BaseChatModel, LanguageModelInput
from chatplug.language_models.request import ChatRequest
from chatplug.language_models.settings import ModelEndWarning, UnsupportedRequestWarning, UnsupportedSettingWarning
from chatplug.language_models.simple import SimpleChatModel

if TYPE_CHECKING:
    from chatplug.language_models.fake_chat_models import (
        FakeListChatModel,
        FakeMessagesListChatModel,
        GenericFakeChatModel,
        ParrotFakeChatModel,
    )

__all__ = [
    "BaseChatModel",
    "ChatRequest",
    "FakeListChatModel",
    "FakeMessagesListChatModel",
    "GenericFakeChatModel",
    "LanguageModelInput",
    "ModelEndWarning",
    "ParrotFakeChatModel",
    "SimpleChatModel",
    "UnsupportedRequestWarning",
    "UnsupportedSettingWarning",
]

_FAKES = {"FakeListChatModel", "FakeMessagesListChatModel", "GenericFakeChatModel", "ParrotFakeChatModel"}


def __getattr__(name: str) -> Any:
    # Only tests want them.
    if name not in _FAKES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.fake_chat_models"), name)
