"""The host's side of the hooks: loads a plugin when its provider is asked for, and calls it.

A directed hook goes to the one plugin that declared the provider. A broadcast hook goes to each extension, in the
order of their names; one that fails is logged and stops nobody else.
"""

from __future__ import annotations

# Before pydantic makes its first class, which the next imports do.
import chatplug.plugins.pydantic_plugins  # noqa: F401  # pyright: ignore[reportUnusedImport]

# isort: split
from functools import cached_property
from inspect import isawaitable
from threading import RLock
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeGuard, TypeVar, cast

from chatplug.callbacks.extension import provide_handlers
from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.errors import (
    ModelNameError,
    PluginError,
    PluginHookError,
    ProviderConflictError,
    ProviderNotFoundError,
    nearest,
)
from chatplug.language_models.chat_model import BaseChatModel
from chatplug.messages import BaseMessage
from chatplug.messages.extension import provide_converters
from chatplug.plugins.aliases import alias_names, alias_of
from chatplug.plugins.border import Border, drop, finished
from chatplug.plugins.declaration import COMMANDS, EXTENSIONS, MODELS, PROVIDERS, Declaration
from chatplug.plugins.directories import config_folder, data_folder
from chatplug.plugins.index import Installed, default_index, is_declared
from chatplug.plugins.loading import Listener, Loader, Plugin, remedy, told, who
from chatplug.plugins.placing import claims
from chatplug.plugins.told import facts_told, settings_told
from chatplug.plugins.trust import Trust, trust
from chatplug.profiles.places import Provided, default_registry, provide_facts, registry_for
from chatplug.runnables.executor import run_in_executor
from chatplug.wire.shape import is_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from logging import Logger

    from pydantic import BaseModel

    from chatplug.messages.loss import Exported
    from chatplug.plugins.told import ToldFacts
    from chatplug.profiles import ProfileRegistry

__all__ = ["PluginManager", "default_manager"]

T = TypeVar("T")
Groups: TypeAlias = "Mapping[str, Mapping[str, list[Declaration]]]"
_LIST = "chatplug_list_models"


class PluginManager:
    """A typed face over the plugins, with a method for each hook.

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
        self._given: dict[str, Mapping[str, list[Declaration]]] = {}
        if declarations is not None:
            self._given = {PROVIDERS: declarations, MODELS: {}, EXTENSIONS: {}, COMMANDS: {}}
        if extensions is not None:
            self._given[EXTENSIONS] = extensions
        self._loader = Loader(self._vet)
        self._let_in: tuple[Installed, Trust, Groups] | None = None
        self._extensions: list[Plugin] | None = None
        self._handlers: list[BaseCallbackHandler] | None = None
        self._is_loading = False
        self._lock = RLock()

    def declared(self, group: str) -> Mapping[str, list[Declaration]]:
        """What is declared in an entry-point group, by name, without importing anybody."""
        given = self._given.get(group)
        return self._trusted()[group] if given is None else given

    def _trusted(self) -> Groups:
        """What is installed and may run."""
        installed, held = default_index().installed(), trust()
        if held.is_open():
            return installed.groups
        known = self._let_in
        if known is None or known[0] is not installed or known[1] is not held:
            groups = {
                group: {name: kept for name, found in names.items() if (kept := held.those_let_in(found))}
                for group, names in installed.groups.items()
            }
            self._let_in = known = installed, held, groups
        return known[2]

    def _vet(self, declaration: Declaration) -> None:
        """Look at a plugin that is about to be imported; what a program declares itself it has looked at."""
        if not self._given:
            trust().check(declaration)

    def providers(self) -> dict[str, list[Declaration]]:
        """Who declares which provider, without importing anybody."""
        return dict(sorted(self.declared(PROVIDERS).items()))

    def listen(self, listener: Listener) -> None:
        """Let somebody hear who is loaded from now on, and how long each call of a hook takes."""
        self._loader.listen(listener)

    def loaded(self) -> list[Plugin]:
        """The plugins that were loaded, in their order."""
        return self._loader.loaded()

    def retry(self) -> None:
        """From now on plugins that failed are tried again when they are asked for; they are not until then."""
        with self._lock:
            self._loader.forget_failures()
            self._extensions = self._handlers = None

    def provider_of(self, model: str) -> str | None:
        """The provider of a model that was named alone; None where no plugin claims how its name begins.

        Raises:
            ModelNameError: If two providers claim it alike.
        """
        found = claims(model, self.declared(MODELS), self.declared(PROVIDERS))
        if len(found) > 1:
            owners = " or ".join(f"{provider!r} ({who(one)})" for provider, one in sorted(found.items()))
            written = " or ".join(f"'{provider}:{model}'" for provider in sorted(found))
            raise ModelNameError(f"{model!r} may be a model of {owners}.", hint=f"Write {written}.")
        return next(iter(found), None)

    def create_model(self, provider: str, model: str, settings: Mapping[str, Any]) -> BaseChatModel:
        """A model of a provider, made by the plugin that declared it.

        Raises:
            ProviderNotFoundError: If no installed plugin provides it.
            ProviderConflictError: If two distributions do.
            PluginLoadError: If the plugin cannot be imported or registered.
            PluginHookError: If the plugin raised what it must not, or gave something that is no model.
            InvalidRequestError: If the plugin refuses the model's name or a setting.
        """
        used, settings = self._unaliased(provider, settings)
        plugin = self._plugin(used)
        declaration = plugin.declaration
        create = plugin.hook("chatplug_create_model")
        with Border(declaration, "chatplug_create_model", provider, model):
            made = create(used, model, dict(settings)) if create else None
        drop(made)
        if not issubclass(type(made), BaseChatModel):  # not isinstance, which asks the object itself
            raise PluginHookError(
                f"chatplug_create_model of {who(declaration)} gave {type(made).__name__}, which is no BaseChatModel.",
                hint=remedy(declaration),
                provider=provider,
                model=model,
            )
        model_made = cast("BaseChatModel", made)
        with Border(declaration, "set_origin of a model", provider, model):
            model_made.set_origin(provider, model)
            if self._given:
                model_made.use_registry(self.profiles)
        if self._extensions is None and not self._is_loading:
            # Another thread's slow extension stops nobody who has no need of it yet.
            self._loaded_extensions()
        return model_made

    def list_models(self, provider: str, settings: Mapping[str, Any]) -> list[str]:
        """The models that a provider offers now; empty where its plugin cannot tell.

        Raises:
            ProviderNotFoundError: As in `create_model`, and so are the others.
        """
        plugin, answer = self._listing(provider, settings)
        if isawaitable(answer):
            with Border(plugin.declaration, _LIST, provider):
                answer = finished(answer)
        return _names(plugin, provider, answer)

    async def alist_models(self, provider: str, settings: Mapping[str, Any]) -> list[str]:
        """The asynchronous twin of `list_models`; a plugin whose hook is a plain function is asked in a thread."""
        plugin, answer = await run_in_executor(None, self._listing, provider, settings)
        if isawaitable(answer):
            with Border(plugin.declaration, _LIST, provider, may_wait=True):
                answer = await answer
        return _names(plugin, provider, answer)

    def _listing(self, provider: str, settings: Mapping[str, Any]) -> tuple[Plugin, object]:
        """What a plugin answers when it is asked for its models; it may have to be awaited."""
        used, settings = self._unaliased(provider, settings)
        plugin = self._plugin(used)
        ask = plugin.hook(_LIST)
        with Border(plugin.declaration, _LIST, provider):
            return plugin, ask(used, dict(settings)) if ask else None

    @cached_property
    def profiles(self) -> ProfileRegistry:
        """What is known of the models of these plugins."""
        return registry_for(self.model_profiles) if self._given else default_registry()

    def model_profiles(self, provider: str) -> ToldFacts:
        """What a provider's plugin says of its models; None where it says nothing, or nobody provides it."""
        provider = self._unaliased(provider, {})[0]
        try:
            return facts_told(self._plugin(provider), provider)
        except ProviderNotFoundError:
            return None
        except PluginError as error:  # no call fails for want of a fact
            _logger().error("Nothing is known of the models of %r: %s", provider, error)
            return None

    def settings_model(self, provider: str) -> type[BaseModel] | None:
        """The class whose fields are a provider's settings; None where its plugin does not say.

        Raises:
            ProviderNotFoundError: As in `create_model`, and so are the others.
        """
        provider = self._unaliased(provider, {})[0]
        return settings_told(self._plugin(provider), provider)

    def import_messages(self, value: object) -> list[BaseMessage] | None:
        """The messages that a foreign value stands for, from the first extension that knows it; None if none does."""
        return self._first("chatplug_import_messages", _are_messages, "list of messages", value)

    def export_messages(self, messages: Sequence[BaseMessage], format: str) -> Exported | None:
        """A conversation in a foreign format, from the first extension that knows it; None if none does."""
        from chatplug.messages.loss import Exported

        def is_exported(answer: object) -> TypeGuard[Exported]:
            return isinstance(answer, Exported)

        return self._first("chatplug_export_messages", is_exported, "Exported", list(messages), format)

    def callback_handlers(self) -> list[BaseCallbackHandler]:
        """The handlers that extensions want to hear every run; the same list each time, not to be changed."""
        if self._handlers is not None:
            return self._handlers
        hook = "chatplug_callback_handlers"
        found: list[BaseCallbackHandler] = []
        for plugin, answer in self._answers(hook):
            if is_array(answer) and all(isinstance(one, BaseCallbackHandler) for one in answer):
                found += answer
            else:
                _wrong(plugin, hook, answer, "list of handlers")
        if self._extensions is not None:  # else they are being loaded, and one of them makes a model
            self._handlers = found
        return found

    def commands(self, make: Callable[[], T], only: str | None = None) -> Iterator[tuple[Declaration, T]]:
        """What plugins register with a new command group each, so that none can take another's away.

        Args:
            make: Makes a group.
            only: The name of one entry point; None for all of them.
        """
        hook = "chatplug_register_commands"
        for name, declared in sorted(self.declared(COMMANDS).items()):
            for declaration in declared if only in (None, name) else ():
                group = make()
                try:
                    register = self._loader.load(declaration, COMMANDS).hook(hook)
                    drop(register(group) if register else None)
                except PluginError as error:
                    _log(declaration, str(error), error, "command")
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    _log(declaration, f"{hook} raised {told(error)}", error, "command")
                else:
                    yield declaration, group

    def _first(self, hook: str, fits: Callable[[object], TypeGuard[T]], kind: str, *arguments: object) -> T | None:
        """The first answer of an extension, in the order of their names."""
        for plugin, answer in self._answers(hook, *arguments):
            if fits(answer):
                return answer
            _wrong(plugin, hook, answer, kind)
        return None

    def _answers(self, hook: str, *arguments: object) -> Iterator[tuple[Plugin, object]]:
        """What the extensions answer to a hook, as far as they are asked; those without an answer are left out."""
        for plugin in self._loaded_extensions():
            ask = plugin.hook(hook)
            if ask is None:
                continue
            try:
                answer = ask(*arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                _log(plugin.declaration, f"{hook} raised {told(error)}", error)
                continue
            if answer is not None:
                yield plugin, answer

    def _loaded_extensions(self) -> list[Plugin]:
        """The extensions, imported and registered once; one that is broken is logged and left out."""
        if self._extensions is not None:
            return self._extensions
        with self._lock:
            if self._is_loading:
                return []  # an extension that makes a model while it is imported
            if self._extensions is None:
                self._is_loading = True
                try:
                    self._extensions = list(self._extensions_that_load())
                finally:
                    self._is_loading = False
            return self._extensions

    def _extensions_that_load(self) -> Iterator[Plugin]:
        self._log_those_kept_out()
        for _, declared in sorted(self.declared(EXTENSIONS).items()):
            for declaration in declared:
                try:
                    yield self._loader.load(declaration, EXTENSIONS)
                except PluginError as error:
                    _log(declaration, str(error), error)

    def _unaliased(self, provider: str, settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The installed provider that a name stands for, and the settings that go with it."""
        alias = None if self._given else alias_of(provider, lambda: self.declared(PROVIDERS))
        return (provider, settings) if alias is None else (alias.provider, alias.with_settings(settings))

    def _log_those_kept_out(self) -> None:
        """Say which extensions a lock or an allow-list keeps out; who blocks one knows it."""
        held = trust()
        if self._given or held.is_open():
            return
        for found in default_index().installed().groups[EXTENSIONS].values():
            for one in found:
                why, hint = held.refusal(one)
                if why and not held.is_blocked(one):
                    _logger().warning("The extension %s is kept out: %s %s", who(one), why, hint)

    def _plugin(self, provider: str) -> Plugin:
        """The plugin that declares a provider, loaded."""
        declaration = self._declaration(provider)
        if not self._loader.has(declaration) and not is_declared(declaration):
            # The index was made up by somebody, or has just been overtaken.
            default_index().distrust()
            declaration = self._declaration(provider)
        return self._loader.load(declaration)

    def _declaration(self, provider: str) -> Declaration:
        """Who provides it."""
        declared = self.declared(PROVIDERS)
        found = declared.get(provider, [])
        if not found:
            if not self._given:
                for one in default_index().installed().groups[PROVIDERS].get(provider, []):
                    trust().check(one)
            self._not_found(provider, [*declared, *(() if self._given else alias_names())])
        if len(found) == 1:
            return found[0]
        if len({one.distribution for one in found}) == 1:
            names = ", ".join(f"{one.name!r} ({one.value})" for one in found)
            raise ProviderConflictError(
                f"{who(found[0])} declares {provider!r} {len(found)} times: as {names}.", hint=remedy(found[0])
            )
        raise ProviderConflictError(
            f"{len(found)} distributions provide {provider!r}: {', '.join(who(one) for one in found)}.",
            hint="Uninstall all but one of them.",
        )

    def _not_found(self, provider: str, known: Sequence[str]) -> NoReturn:
        """Say what to do where nobody provides it: what to install, or which name is meant."""
        from chatplug.plugins.known import distribution_for, known_providers

        missing = distribution_for(provider)
        if missing:
            told = f"Install it with: pip install {missing}."
        else:
            told = nearest(provider, known)
            near = "" if told else nearest(provider, known_providers())
            if near:
                told = f"{near} It comes with: pip install {distribution_for(near.split(chr(39))[1])}."
        installed = ", ".join(sorted(self.declared(PROVIDERS))) or "none"
        hint = " ".join(filter(None, (told, f"Installed: {installed}.", self._broken())))
        raise ProviderNotFoundError(f"No plugin provides {provider!r}.", hint=hint)

    def _broken(self) -> str:
        """What is installed and cannot be used, for whoever looks for it."""
        faults = () if self._given else default_index().installed().faults
        told = [" ".join(filter(None, (one.distribution, one.version))) + f" ({one.reason})" for one in faults[:3]]
        return f"Cannot be used: {', '.join(told)}." if told else ""


def _are_messages(answer: object) -> TypeGuard[list[BaseMessage]]:
    return is_array(answer) and all(isinstance(message, BaseMessage) for message in answer)


def _names(plugin: Plugin, provider: str, names: object) -> list[str]:
    """What a plugin answered, if those are names of models."""
    if names is None:
        return []
    if is_array(names) and all(isinstance(name, str) for name in names):
        return names
    raise PluginHookError(
        f"{_LIST} of {who(plugin.declaration)} gave {type(names).__name__}, which is no list of names.",
        hint=remedy(plugin.declaration),
        provider=provider,
    )


def _wrong(plugin: Plugin, hook: str, answer: object, kind: str) -> None:
    """Say that an extension gave what it must not."""
    drop(answer)
    _log(plugin.declaration, f"{hook} gave {type(answer).__name__}, which is no {kind}")


def _log(declaration: Declaration, what: str, error: BaseException | None = None, kind: str = "extension") -> None:
    """Say what an extension did wrong; nobody else is stopped by it."""
    _logger().error(
        "The %s %s is left out: %s. %s",
        kind,
        who(declaration),
        what.rstrip("."),
        remedy(declaration),
        exc_info=error,
    )


def _logger() -> Logger:
    from logging import getLogger

    return getLogger("chatplug.plugins")


_default: PluginManager | None = None


def default_manager() -> PluginManager:
    """The manager of this process."""
    global _default  # one for each process
    if _default is None:
        _default = PluginManager()
    return _default


def _facts_of_the_installed(provider: str) -> ToldFacts:
    return default_manager().model_profiles(provider)


provide_converters(default_manager)
provide_handlers(default_manager)
provide_facts(Provided(_facts_of_the_installed, config_folder, data_folder))
