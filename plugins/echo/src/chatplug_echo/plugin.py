"""The hooks. The model is imported when one is made, so that finding the plugin costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatplug import hookimpl
from chatplug.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.language_models import BaseChatModel

__all__ = [
    "chatplug_create_model",
    "chatplug_list_models",
    "chatplug_model_profiles",
    "chatplug_settings_model",
]


@hookimpl
def chatplug_create_model(model: str, settings: Mapping[str, Any]) -> BaseChatModel:
    """An `EchoChatModel` for a name such as `n3`."""
    from chatplug_echo.model import EchoChatModel, read_length

    if "n" in settings:
        raise SettingsError("The model's name says what n is.", hint=f"Write echo:n{settings['n']} and leave n out.")
    return EchoChatModel(n=read_length(model), **settings)


@hookimpl
def chatplug_list_models() -> list[str]:
    """A few names; any other number is as good."""
    return ["n1", "n3", "n10", "n100"]


@hookimpl
def chatplug_model_profiles() -> Path:
    """What the models can do: a file, which is read when somebody asks."""
    return Path(__file__).with_name("profiles.toml")


@hookimpl
def chatplug_settings_model() -> type[BaseChatModel]:
    """The class whose fields are the settings."""
    from chatplug_echo.model import EchoChatModel

    return EchoChatModel
