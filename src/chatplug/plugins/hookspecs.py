"""The hooks: what the host asks plugins.

An implementation is marked with `chatplug.hookimpl` and may name fewer arguments than the hook has. Arguments are
added to hooks, never renamed or removed. A directed hook is asked of the one plugin that declared the provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.language_models import BaseChatModel

__all__ = ["ChatplugSpecs", "hookimpl"]

hookimpl = pluggy.HookimplMarker("chatplug")
"""Marks a function or method of a plugin as the implementation of the hook of the same name."""
_hookspec = pluggy.HookspecMarker("chatplug")


class ChatplugSpecs:
    """Every hook, each a method without a body."""

    @_hookspec(firstresult=True)
    def chatplug_create_model(self, provider: str, model: str, settings: Mapping[str, Any]) -> BaseChatModel | None:
        """A model of a provider. Directed.

        Args:
            provider: The name that the plugin declared and the user asked for.
            model: What the user wrote behind the provider's name.
            settings: The user's settings, by name; the plugin checks them.

        Returns:
            The model.

        Raises:
            InvalidRequestError: For a model or a setting that the provider does not have.

        >>> import chatplug
        >>> from chatplug.language_models import SimpleChatModel
        >>> class Shout(SimpleChatModel):
        ...     _llm_type = "shout"
        ...
        ...     def _call(self, messages, stop=None, run_manager=None, **kwargs):
        ...         return messages[-1].text.upper()
        >>> @chatplug.hookimpl
        ... def chatplug_create_model(provider, model, settings):
        ...     return Shout(**settings)
        >>> chatplug_create_model("shout", "loud", {}).invoke("hello").text
        'HELLO'
        """

    @_hookspec(firstresult=True)
    def chatplug_list_models(self, provider: str, settings: Mapping[str, Any]) -> list[str] | None:
        """The models that a provider offers now. Directed.

        Args:
            provider: The name that the plugin declared.
            settings: The user's settings: where the server is, and the key.

        Returns:
            The models' names, as they are written behind the provider's name.

        >>> import chatplug
        >>> @chatplug.hookimpl
        ... def chatplug_list_models(provider, settings):
        ...     return ["loud", "louder"]
        >>> chatplug_list_models("shout", {})
        ['loud', 'louder']
        """
