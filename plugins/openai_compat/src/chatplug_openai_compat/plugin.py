"""The hooks. Model and transport are imported when a model is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.language_models import BaseChatModel

__all__ = ["chatplug_create_model", "chatplug_list_models"]


@hookimpl
def chatplug_create_model(model: str, settings: Mapping[str, Any]) -> BaseChatModel:
    """A `ChatOpenAICompat` for a model of the server that `base_url` names."""
    from chatplug_openai_compat.model import ChatOpenAICompat

    return ChatOpenAICompat(model=model, **settings)


@hookimpl
def chatplug_list_models(settings: Mapping[str, Any]) -> list[str]:
    """The models that the server lists at `/models`."""
    from chatplug_openai_compat.model import ChatOpenAICompat

    return ChatOpenAICompat(model="", **settings).list_models()
