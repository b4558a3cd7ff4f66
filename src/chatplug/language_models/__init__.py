"""What a chat model is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chatplug.language_models.chat_model import BaseChatModel, LanguageModelInput
from chatplug.language_models.settings import ModelEndWarning, UnsupportedRequestWarning, UnsupportedSettingWarning

if TYPE_CHECKING:
    from chatplug.language_models.chat_model import BaseChatModel as BaseLanguageModel
    from chatplug.language_models.fake_chat_models import (
        FakeListChatModel,
        FakeMessagesListChatModel,
        GenericFakeChatModel,
        ParrotFakeChatModel,
    )
    from chatplug.language_models.request import ChatRequest
    from chatplug.language_models.simple import SimpleChatModel
    from chatplug.language_models.structured import LanguageModelLike, LanguageModelOutput

__all__ = [
    "BaseChatModel",
    "BaseLanguageModel",
    "ChatRequest",
    "FakeListChatModel",
    "FakeMessagesListChatModel",
    "GenericFakeChatModel",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
    "ModelEndWarning",
    "ParrotFakeChatModel",
    "SimpleChatModel",
    "UnsupportedRequestWarning",
    "UnsupportedSettingWarning",
]

_FAKES = "fake_chat_models"
# What not every program wants is imported when it is asked for.
_HOMES = {
    "ChatRequest": "request",
    "FakeListChatModel": _FAKES,
    "FakeMessagesListChatModel": _FAKES,
    "GenericFakeChatModel": _FAKES,
    "ParrotFakeChatModel": _FAKES,
    "LanguageModelLike": "structured",
    "LanguageModelOutput": "structured",
    "SimpleChatModel": "simple",
}


def __getattr__(name: str) -> Any:
    if name == "BaseLanguageModel":
        return BaseChatModel  # there are no others
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
