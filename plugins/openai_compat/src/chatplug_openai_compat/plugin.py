"""The hooks. Model and transport are imported when a model is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatplug import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.language_models import BaseChatModel
    from chatplug_openai_compat.model import ChatOpenAICompat

__all__ = [
    "chatplug_create_model",
    "chatplug_list_models",
    "chatplug_model_profiles",
    "chatplug_settings_model",
]

_FACTS = Path(__file__).with_name("profiles")


@hookimpl
def chatplug_create_model(provider: str, model: str, settings: Mapping[str, Any]) -> BaseChatModel:
    """A `ChatOpenAICompat` with the facts of the provider's row in `gateways.toml`."""
    return _made(provider, model, settings)


@hookimpl
def chatplug_list_models(provider: str, settings: Mapping[str, Any]) -> list[str]:
    """The models that the server lists at `/models`."""
    return _made(provider, "", settings).list_models()


@hookimpl
def chatplug_model_profiles(provider: str) -> Path | None:
    """The file with the facts about the provider's models; none where it serves whatever its user has put there."""
    file = _FACTS / f"{provider}.toml"
    return file if file.exists() else None


@hookimpl
def chatplug_settings_model() -> type[BaseChatModel]:
    """The class whose fields are the settings."""
    from chatplug_openai_compat.model import ChatOpenAICompat

    return ChatOpenAICompat


def _made(provider: str, model: str, settings: Mapping[str, Any]) -> ChatOpenAICompat:
    from chatplug_openai_compat.model import ChatOpenAICompat

    if "gateway" in settings:
        from chatplug.errors import SettingsError

        raise SettingsError("The setting 'gateway' is chosen by the provider's name.", hint="Leave it out.")
    return ChatOpenAICompat(model=model, gateway=provider, **settings)
