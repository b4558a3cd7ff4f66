"""The hooks: what the host asks plugins.

An implementation is marked with `chatplug.hookimpl` and may name fewer arguments than the hook has. Arguments are
added to hooks, never renamed or removed. A directed hook is asked of the one plugin that declared the provider. A
broadcast hook is asked of each plugin that is declared in the entry-point group `chatplug.extensions`, in the order of
their names; one that raises is logged with its distribution's name and stops nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from os import PathLike

    from click import Group
    from pydantic import BaseModel

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.language_models import BaseChatModel
    from chatplug.messages import BaseMessage, Exported
    from chatplug.profiles import ModelProfile

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
    def chatplug_list_models(
        self, provider: str, settings: Mapping[str, Any]
    ) -> list[str] | Awaitable[list[str] | None] | None:
        """The models that a provider offers now. Directed; may be `async def`.

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

    @_hookspec(firstresult=True)
    def chatplug_model_profiles(self, provider: str) -> Mapping[str, ModelProfile] | PathLike[str] | None:
        """What the provider's models can do. Directed.

        It is asked when a fact about one of them is wanted, and once in each process.

        Args:
            provider: The name that the plugin declared.

        Returns:
            The facts by model; a name with `*` in it stands for all that fit. Or the path of a TOML file that has
            them, each with its source and date, which is read when it is needed; `chatplug.profiles.facts_file` says
            how it is written. A model that is not there, and a fact that is not there, is unknown.

        >>> import chatplug
        >>> @chatplug.hookimpl
        ... def chatplug_model_profiles(provider):
        ...     return {"loud*": {"tool_calling": False, "max_input_tokens": 4096}}
        >>> chatplug_model_profiles("shout")["loud*"]["max_input_tokens"]
        4096
        """

    @_hookspec(firstresult=True)
    def chatplug_settings_model(self, provider: str) -> type[BaseModel] | None:
        """The class whose fields are the provider's settings. Directed.

        Args:
            provider: The name that the plugin declared.

        Returns:
            The class of the model, or the one that holds its settings.

        >>> import chatplug
        >>> from pydantic import BaseModel
        >>> class Settings(BaseModel):
        ...     volume: int = 11
        >>> @chatplug.hookimpl
        ... def chatplug_settings_model(provider):
        ...     return Settings
        >>> list(chatplug_settings_model("shout").model_fields)
        ['volume']
        """

    @_hookspec(firstresult=True)
    def chatplug_import_messages(self, value: object) -> list[BaseMessage] | None:
        """The messages that a foreign value stands for. Broadcast; the first answer counts.

        It is asked about what the host cannot convert itself: an item of a conversation, then all of it. That may be a
        dict, a list or a tuple, of which the host has found that it is none of its own.

        Args:
            value: What a user handed to `invoke`, `convert_to_messages` or `import_messages`.

        Returns:
            The messages; None if the plugin does not know this kind of value.

        >>> import chatplug
        >>> from chatplug.messages import HumanMessage
        >>> class Letter:
        ...     def __init__(self, text):
        ...         self.text = text
        >>> @chatplug.hookimpl
        ... def chatplug_import_messages(value):
        ...     return [HumanMessage(value.text)] if isinstance(value, Letter) else None
        >>> chatplug_import_messages(Letter("Hello"))
        [HumanMessage(content='Hello')]
        """

    @_hookspec(firstresult=True)
    def chatplug_export_messages(self, messages: list[BaseMessage], format: str) -> Exported | None:
        """A conversation in a foreign format. Broadcast; the first answer counts.

        It is asked about formats that the host does not know itself.

        Args:
            messages: The conversation.
            format: The format's name, as the user wrote it.

        Returns:
            An `Exported` with the foreign value and what was lost; None if the plugin does not know the format.

        >>> import chatplug
        >>> from chatplug.messages import AIMessage, Exported, Loss
        >>> @chatplug.hookimpl
        ... def chatplug_export_messages(messages, format):
        ...     if format != "transcript":
        ...         return None
        ...     losses = [
        ...         Loss(f"messages[{i}].id", "name", "a transcript has none") for i, m in enumerate(messages) if m.id
        ...     ]
        ...     return Exported("; ".join(f"{message.type}: {message.text}" for message in messages), losses)
        >>> print(chatplug_export_messages([AIMessage("Hello", id="m1")], "transcript").value)
        ai: Hello
        """

    @_hookspec(firstresult=True)
    def chatplug_callback_handlers(self) -> list[BaseCallbackHandler] | None:
        """Handlers that hear every run. Broadcast; all answers count.

        It is asked once in a process, when the first run begins.

        Returns:
            The handlers; None for none.

        >>> import chatplug
        >>> from chatplug.callbacks import BaseCallbackHandler
        >>> class Counter(BaseCallbackHandler):
        ...     runs = 0
        ...
        ...     def on_chat_model_start(self, serialized, messages, **kwargs):
        ...         self.runs += 1
        >>> @chatplug.hookimpl
        ... def chatplug_callback_handlers():
        ...     return [Counter()]
        >>> len(chatplug_callback_handlers())
        1
        """

    @_hookspec(firstresult=True)
    def chatplug_redactors(self) -> list[Callable[[str], str]] | None:
        """What hides texts from handlers. Broadcast; all answers count, one after the other.

        Each text in what handlers hear of inputs and outputs goes through it, tokens one by one, for every handler
        that does not say otherwise. It is asked once in a process, when a run is first heard. One that fails hides the
        whole text.

        Returns:
            Functions that take a text and give the text to show; None for none.

        >>> import re
        >>> import chatplug
        >>> @chatplug.hookimpl
        ... def chatplug_redactors():
        ...     return [lambda text: re.sub(r"[0-9]{16}", "[card]", text)]
        >>> [hide] = chatplug_redactors()
        >>> hide("My card is 4111111111111111.")
        'My card is [card].'
        """

    @_hookspec(firstresult=True)
    def chatplug_register_commands(self, cli: Group) -> None:
        """Subcommands of the command line. Broadcast to plugins in the entry-point group `chatplug.commands`.

        It is asked each time the command starts, so the plugin's module should import click and little else.

        Args:
            cli: A click group to add commands to. A name that is taken already stays whose it is.

        >>> import chatplug, click
        >>> @chatplug.hookimpl
        ... def chatplug_register_commands(cli):
        ...     @cli.command()
        ...     def purr():
        ...         click.echo("Purr!")
        >>> group = click.Group()
        >>> chatplug_register_commands(group)
        >>> list(group.commands)
        ['purr']
        """
