"""The host's side of the hooks: loads a plugin when its provider is asked for, and calls it.

Each plugin has a pluggy manager of its own, in which nobody else is registered. So a directed hook reaches the one
plugin that it is meant for, a plugin that fails while it is registered leaves nothing behind, and whatever is raised
is known by its distribution's name.
"""

from __future__ import annotations

from copy import copy
from inspect import signature
from threading import RLock
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NoReturn, cast

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
from chatplug.language_models.chat_model import BaseChatModel
from chatplug.language_models.settings import wrong_setting
from chatplug.messages import BaseMessage
from chatplug.messages.extension import provide_converters
from chatplug.plugins.discovery import EXTENSIONS, PROVIDERS, Declaration, discover_all, printable
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
        self._locks: dict[str, RLock] = {}
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
        if not issubclass(type(made), BaseChatModel):  # not isinstance, which asks the object itself
            raise PluginHookError(
                f"chatplug_create_model of {_who(declaration)} gave {type(made).__name__}, which is no BaseChatModel.",
                hint=_remedy(declaration),
                provider=provider,
                model=model,
            )
        model_made = cast("BaseChatModel", made)
        try:
            model_made.set_origin(provider, model)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._raised(declaration, "set_origin of a model", error, provider, model)
        if not self._is_loading:  # by another thread, whose slow extension stops nobody who has no need of it yet
            self._loaded_extensions()
        return model_made

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
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                _log(declaration, f"{hook} raised {_told(error)}", error)
                continue
            if type(answer) is CoroutineType:
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
                try:
                    if self._declared_extensions is None:
                        self._discovered()
                    declared = [one for _, group in sorted((self._declared_extensions or {}).items()) for one in group]
                    self._extensions = list(_registered_extensions(declared))
                finally:
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
        if len(found) > 1 and len({one.distribution for one in found}) == 1:
            names = ", ".join(f"{one.name!r} ({one.value})" for one in found)
            raise ProviderConflictError(
                f"{_who(found[0])} declares {provider!r} {len(found)} times: as {names}.", hint=_remedy(found[0])
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
        except KeyboardInterrupt:
            raise
        except (
            BaseException
        ) as error:  # CancelledError and GeneratorExit too: nobody can cancel a call that never waits
            self._raised(declaration, hook, error, provider, model)
        if type(answer) is CoroutineType:
            answer.close()  # no directed hook may be `async def`; else Python warns that nobody awaited it
        return answer  # pyright: ignore[reportUnknownVariableType]  # whatever the plugin gave

    @staticmethod
    def _raised(
        declaration: Declaration, what: str, error: BaseException, provider: str, model: str | None
    ) -> NoReturn:
        raise PluginHookError(
            _sentence(f"{what} of {_who(declaration)} raised {_told(error)}"),
            hint=f"This is a fault of the plugin. {_remedy(declaration)}",
            provider=provider,
            model=model,
        ) from error

    def _load(self, declaration: Declaration) -> pluggy.PluginManager:
        """The plugin, imported and registered; a plugin that failed is not tried again in this process."""
        plugin = self._loaded.get(declaration.value)
        if plugin is not None:
            return plugin
        # A lock for each: a plugin that is slow to import, or waits for a thread that makes a model of another one,
        # keeps nobody else waiting. `setdefault` is one step.
        with self._locks.setdefault(declaration.value, RLock()):
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
        _refuse(declaration, f"cannot be imported: {_told(error)}", error)
    plugin = pluggy.PluginManager("chatplug")
    try:
        plugin.register(loaded, declaration.distribution)
        misfit = _misfit(plugin, loaded)
        if misfit:
            _refuse(declaration, f"does not fit the hooks: {misfit}", None)
        plugin.add_hookspecs(ChatplugSpecs)
        plugin.check_pending()
    except (PluginLoadError, KeyboardInterrupt):
        raise
    except BaseException as error:  # registering reads the plugin's attributes, which may do anything
        _refuse(declaration, f"does not fit the hooks: {_told(error, pluggy.PluginValidationError)}", error)
    return plugin


def _misfit(plugin: pluggy.PluginManager, loaded: object) -> str:
    """What is wrong with the names of a plugin's hooks and of their arguments; pluggy says it without the right one."""
    for caller in plugin.get_hookcallers(loaded) or ():
        spec = getattr(ChatplugSpecs, caller.name, None)
        for implementation in caller.get_hookimpls():
            if spec is None and not implementation.optionalhook:
                known = [name for name in vars(ChatplugSpecs) if name.startswith("chatplug_")]
                return f"there is no hook {caller.name}. {nearest(caller.name, known)}"
            for argument in implementation.argnames:
                known = [name for name in signature(spec).parameters if name != "self"] if spec else [argument]
                if argument not in known:
                    hint = nearest(argument, known) or f"Its arguments are {', '.join(known)}."
                    return f"{caller.name} has no argument {argument!r}. {hint}"
    return ""


def _refuse(declaration: Declaration, why: str, error: BaseException | None) -> NoReturn:
    raise PluginLoadError(
        _sentence(f"The plugin {_who(declaration)} ({declaration.value}) {why}"),
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


def _told(error: BaseException, *plain: type[BaseException]) -> str:
    """The class and the text of what a plugin raised; of the plain ones the text alone."""
    name = type(error).__name__
    try:
        text = printable(str(error))
    except KeyboardInterrupt:
        raise
    except BaseException:  # making the text is code of the plugin, too
        return f"{name}, which cannot be shown"
    return text if isinstance(error, plain) else f"{name}: {text}"


def _sentence(text: str) -> str:
    """A text in one line, with a full stop, so that a hint can follow."""
    text = " ".join(text.split()).rstrip(":")
    return text if text.endswith((".", "!", "?")) else f"{text}."


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
