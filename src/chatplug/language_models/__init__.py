"""What a chat model is."""

from __future__ import annotations

from chatplug.language_models.chat_model import BaseChatModel, LanguageModelInput
from chatplug.language_models.gate import Finding, ModelEndWarning, UnsupportedRequestWarning
from chatplug.language_models.request import ChatRequest
from chatplug.language_models.settings import UnsupportedSettingWarning
from chatplug.language_models.simple import SimpleChatModel

__all__ = [
    "BaseChatModel",
    "ChatRequest",
    "Finding",
    "LanguageModelInput",
    "ModelEndWarning",
    "SimpleChatModel",
    "UnsupportedRequestWarning",
    "UnsupportedSettingWarning",
]
