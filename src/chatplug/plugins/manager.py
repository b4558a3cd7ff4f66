"""The host's side of the hooks: loads a plugin when its provider is asked for, and calls it.

Each plugin has a pluggy manager of its own, in which nobody else is registered. So a directed hook reaches the one
plugin that it is meant for, a plugin that fails while it is registered leaves nothing behind, and whatever is raised
is known by its distribution's name.
"""

from __future__ import annotations

from copy import copy
from threading import RLock
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NoReturn

import pluggy
from pydantic import ValidationError

from chatplug.errors import (
    ChatplugError,
    PluginError,
    PluginHookError,
    PluginLoadError,
    ProviderConflictError,
    ProviderNotFoundError,
    nearest,
)
from chatplug.language_models.chat_model import BaseChatModel, wrong_setting
from chatplug.messages import BaseMessage
from chatplug.messages.extension import provide_converters
from chatplug.plugins.discovery import EXTENSIONS, PROVIDERS, Declaration, discover_all
from chatplug.plugins.hookspecs import ChatplugSpecs
from chatplug.wire.shape import is_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chatplug.messages.loss import Exported

__all__ = ["PluginManager", "default_manager"]


class PluginManager:
    """A typed face over pluggy, with one method for each hook.

    Args:
        declarations: The providers that are there, by name; None for those of the installed distributions.
        extensions: The extensions that are there, by name; None for those of the installed distributions, or for
            none where `declarations` are given.
    """

    def __init__(
        self,
        declarations: Mapping[str, list[Declaration]] | None = None,
        extensions: Mapping[str, list[Declaration]] | None = None,
    ) -> None:
        self._declared = declarations
        self._declared_extensions: Mapping[str, list[Declaration]] | None = extensions
        if extensions is None and declarations is not None:
            self._declared_extensions = {}
        self._extensions: list[tuple[Declaration, pluggy.PluginManager]] | None = None
        self._is_loading = False
        self._loaded: dict[str, pluggy.PluginManager] = {}
        self._failed: dict[str, PluginError] = {}
        self._lock = RLock()

    def providers(self) -> dict[str, list[Declaration]]:
        """Who declares which provider, without importing anybody."""
        return dict(sorted((self._discovered() if self._declared is None else self._declared).items()))

    def _discovered(self) -> Mapping[str, list[Declaration]]:
        """The installed providers; the extensions are found on the way."""
        found = discover_all((PROVIDERS, EXTENSIONS))
        if self._declared_extensions is None:
            self._declared_extensions = found[EXTENSIONS]
        return found[PROVIDERS]

    def create_model(self, provider: str, model: str, settings: Mapping[str, Any]) -> BaseChatModel:
        """A model of a provider, made by the plugin that declared it.

        Raises:
            ProviderNotFoundError: If no installed plugin provides it.
            ProviderConflictError: If two distributions do.
            PluginLoadError: If the plugin cannot be imported or registered.
            PluginHookError: If the plugin raised what it must not, or gave something that is no model.
            InvalidRequestError: If the plugin refuses the model's name or a setting.
        """
        declaration = self._declaration(provider)
        made = self._ask(declaration, "chatplug_create_model", provider=provider, model=model, settings=dict(settings))
        if not isinstance(made, BaseChatModel):
            raise PluginHookError(
                f"chatplug_create_model of {_who(declaration)} gave {type(made).__name__}, which is no BaseChatModel.",
                hint=_remedy(declaration),
                provider=provider,
                model=model,
            )
        made.set_origin(provider, model)
        self._loaded_extensions()
        return made

    def list_models(self, provider: str, settings: Mapping[str, Any]) -> list[str]:
        """The models that a provider offers now; empty where its plugin cannot tell.

        Raises:
            ProviderNotFoundError: As in `create_model`, and so are the others.
        """
        declaration = self._declaration(provider)
        names = self._ask(declaration, "chatplug_list_models", provider=provider, settings=dict(settings))
        if names is None:
            return []
        if not is_array(names) or not all(isinstance(name, str) for name in names):
            raise PluginHookError(
                f"chatplug_list_models of {_who(declaration)} gave {type(names).__name__}, which is no list of names.",
                hint=_remedy(declaration),
                provider=provider,
            )
        return names

    def import_messages(self, value: object) -> list[BaseMessage] | None:
        """The messages that a foreign value stands for, from the first extension that knows it; None if none does."""
        for declaration, answer in self._answers("chatplug_import_messages", value=value):
            if is_array(answer) and all(isinstance(message, BaseMessage) for message in answer):
                return answer
            _log(declaration, f"chatplug_import_messages gave {type(answer).__name__}, which is no list of messages")
        return None

    def export_messages(self, messages: Sequence[BaseMessage], format: str) -> Exported | None:
        """A conversation in a foreign format, from the first extension that knows it; None if none does."""
        from chatplug.messages.loss import Exported

        for declaration, answer in self._answers("chatplug_export_messages", messages=list(messages), format=format):
            if isinstance(answer, Exported):
                return answer
            _log(declaration, f"chatplug_export_messages gave {type(answer).__name__}, which is no Exported")
        return None

    def _answers(self, hook: str, **arguments: Any) -> Iterator[tuple[Declaration, object]]:
        """What the extensions answer to one hook, in the order of their names, as far as they are asked."""
        for declaration, plugin in self._loaded_extensions():
            try:
                answer: object = getattr(plugin.hook, hook)(**arguments)
            except (Exception, SystemExit) as error:
                _log(declaration, f"{hook} raised {type(error).__name__}: {error}", error)
                continue
            if isinstance(answer, CoroutineType):
                answer.close()  # these hooks may not be `async def`
            if answer is not None:
                yield declaration, answer

    def _loaded_extensions(self) -> list[tuple[Declaration, pluggy.PluginManager]]:
        """The extensions, imported and registered once; one that is broken is logged and left out."""
        if self._extensions is not None:
            return self._extensions
        with self._lock:
            if self._is_loading:
                return []  # an extension that makes a model while it is imported
            if self._extensions is None:
                self._is_loading = True
                if self._declared_extensions is None:
                    self._discovered()
                declared = [one for _, group in sorted((self._declared_extensions or {}).items()) for one in group]
                self._extensions = list(_registered_extensions(declared))
                self._is_loading = False
            return self._extensions

    def _declaration(self, provider: str) -> Declaration:
        declared = self.providers()
        found = declared.get(provider, [])
        if not found:
            installed = ", ".join(declared) or "none"
            raise ProviderNotFoundError(
                f"No plugin provides {provider!r}.",
                hint=" ".join(filter(None, (nearest(provider, declared), f"Installed: {installed}."))),
            )
        if len(found) > 1:
            raise ProviderConflictError(
                f"{len(found)} distributions provide {provider!r}: {', '.join(_who(one) for one in found)}.",
                hint="Uninstall all but one of them.",
            )
        return found[0]

    def _ask(self, declaration: Declaration, hook: str, **arguments: Any) -> object:
        """One plugin's answer to one hook."""
        plugin = self._load(declaration)
        provider, model = arguments["provider"], arguments.get("model")
        try:
            answer: object = getattr(plugin.hook, hook)(**arguments)
        except ChatplugError as error:
            error.about(provider, model)
            raise
        except ValidationError as error:
            raise wrong_setting(error).about(provider, model) from None
        except (Exception, SystemExit) as error:
            raise PluginHookError(
                f"{hook} of {_who(declaration)} raised {type(error).__name__}: {error}",
                hint=f"This is a fault of the plugin. {_remedy(declaration)}",
                provider=provider,
                model=model,
            ) from error
        if isinstance(answer, CoroutineType):
            answer.close()  # no directed hook may be `async def`; else Python warns that nobody awaited it
        return answer  # pyright: ignore[reportUnknownVariableType]  # whatever the plugin gave

    def _load(self, declaration: Declaration) -> pluggy.PluginManager:
        """The plugin, imported and registered; a plugin that failed is not tried again in this process."""
        with self._lock:
            plugin = self._loaded.get(declaration.value)
            if plugin is not None:
                return plugin
            failed = self._failed.get(declaration.value)
            if failed is not None:
                # A copy: an exception that is raised again keeps the traceback of each time.
                raise copy(failed) from failed.__cause__
            try:
                plugin = _registered_provider(declaration)
            except PluginError as error:
                self._failed[declaration.value] = error
                raise
            self._loaded[declaration.value] = plugin
            return plugin


def _registered_extensions(declared: Sequence[Declaration]) -> Iterator[tuple[Declaration, pluggy.PluginManager]]:
    for declaration in declared:
        try:
            yield declaration, _registered(declaration)
        except PluginError as error:
            _log(declaration, str(error), error)


def _registered_provider(declaration: Declaration) -> pluggy.PluginManager:
    plugin = _registered(declaration)
    if not plugin.hook.chatplug_create_model.get_hookimpls():
        _refuse(declaration, "implements no hook chatplug_create_model.", None)
    return plugin


def _registered(declaration: Declaration) -> pluggy.PluginManager:
    try:
        loaded = declaration.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise SystemExit when it is imported
        _refuse(declaration, f"cannot be imported: {type(error).__name__}: {error}", error)
    plugin = pluggy.PluginManager("chatplug")
    plugin.add_hookspecs(ChatplugSpecs)
    try:
        plugin.register(loaded, declaration.distribution)
        plugin.check_pending()
    except Exception as error:  # registering reads the plugin's attributes, which may do anything
        _refuse(declaration, f"does not fit the hooks: {error}", error)
    return plugin


def _refuse(declaration: Declaration, why: str, error: BaseException | None) -> NoReturn:
    raise PluginLoadError(
        f"The plugin {_who(declaration)} ({declaration.value}) {why}",
        hint=_remedy(declaration),
        provider=declaration.name,
    ) from error


def _log(declaration: Declaration, what: str, error: BaseException | None = None) -> None:
    """Say what an extension did wrong; nobody else is stopped by it."""
    import logging

    logging.getLogger("chatplug.plugins").error(
        "The extension %s is left out: %s. %s",
        _who(declaration),
        what.rstrip("."),
        _remedy(declaration),
        exc_info=error,
    )


def _who(declaration: Declaration) -> str:
    return f"{declaration.distribution} {declaration.version}"


def _remedy(declaration: Declaration) -> str:
    return f"Upgrade or uninstall {declaration.distribution}."


_default: PluginManager | None = None


def default_manager() -> PluginManager:
    """The manager of this process."""
    global _default  # one for each process
    if _default is None:
        _default = PluginManager()
    return _default


provide_converters(default_manager)
