"""What a plugin tells of its provider: facts about the models, and the class of the settings; checked at the border."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic import BaseModel

from chatplug.errors import PluginHookError
from chatplug.plugins.border import Border, drop
from chatplug.plugins.declaration import remedy, who

if TYPE_CHECKING:
    from chatplug.plugins.loading import Plugin

__all__ = ["ToldFacts", "facts_told", "settings_told"]

ToldFacts: TypeAlias = Mapping[str, Mapping[str, Any]] | PathLike[str] | None
"""What a plugin says of its models: the facts, the file that has them, or nothing."""


def facts_told(plugin: Plugin, provider: str) -> ToldFacts:
    """What a plugin says of a provider's models.

    Raises:
        PluginHookError: If the hook raises, or gives something else.
    """
    said: Any = _answer(plugin, "chatplug_model_profiles", provider)
    if said is None or isinstance(said, (Mapping, PathLike)):
        return cast("ToldFacts", said)
    raise _wrong(plugin, "chatplug_model_profiles", provider, said, "neither facts nor a file")


def settings_told(plugin: Plugin, provider: str) -> type[BaseModel] | None:
    """The class whose fields are a provider's settings; None where the plugin does not say.

    Raises:
        PluginHookError: If the hook raises, or gives something else.
    """
    given = _answer(plugin, "chatplug_settings_model", provider)
    if given is None:
        return None
    cls: Any = given
    if isinstance(cls, type) and issubclass(cls, BaseModel):
        return cls
    raise _wrong(plugin, "chatplug_settings_model", provider, given, "no class of settings")


def _answer(plugin: Plugin, hook: str, provider: str) -> object:
    ask = plugin.hook(hook)
    with Border(plugin.declaration, hook, provider):
        return ask(provider) if ask else None


def _wrong(plugin: Plugin, hook: str, provider: str, given: object, what: str) -> PluginHookError:
    drop(given)
    return PluginHookError(
        f"{hook} of {who(plugin.declaration)} gave {type(given).__name__}, which is {what}.",
        hint=remedy(plugin.declaration),
        provider=provider,
    )
