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
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, cast

from chatplug.callbacks.extension import provide_handlers
from chatplug.errors import PluginError, PluginHookError, ProviderNotFoundError
from chatplug.language_models.chat_model import BaseChatModel
from chatplug.messages import BaseMessage
from chatplug.messages.extension import provide_converters
from chatplug.plugins.border import Border, drop, finished
from chatplug.plugins.broadcast import Extensions, commands, logger
from chatplug.plugins.declaration import PROVIDERS, Declaration, remedy, who
from chatplug.plugins.directories import config_folder, data_folder
from chatplug.plugins.handlers import HANDLERS, HANDLERS_KIND, is_handler
from chatplug.plugins.loading import Listener, Loader, Plugin
from chatplug.plugins.roster import Roster
from chatplug.plugins.told import facts_told, settings_told
from chatplug.profiles.places import default_registry, provide_facts, registry_for
from chatplug.runnables.executor import run_in_executor
from chatplug.wire.shape import is_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from chatplug.callbacks.extension import Trouble
    from chatplug.callbacks.handler import BaseCallbackHandler
    from chatplug.callbacks.redaction import Redactor
    from chatplug.messages.loss import Exported
    from chatplug.plugins.told import ToldFacts
    from chatplug.profiles import ProfileRegistry

__all__ = ["PluginManager", "default_manager"]

T = TypeVar("T")
_LIST = "chatplug_list_models"


class PluginManager:
    """A typed face over the plugins, with a method for each hook.

    Args:
        declarations: The providers that are there, by name; None for those of the installed distributions.
        extensions: The extensions that are there, by name; None for those of the installed distributions, or for
            none where `declarations` are given.
        models: The beginnings of model names that are claimed, in the same way.
    """

    def __init__(
        self,
        declarations: Mapping[str, list[Declaration]] | None = None,
        extensions: Mapping[str, list[Declaration]] | None = None,
        models: Mapping[str, list[Declaration]] | None = None,
    ) -> None:
        self._roster = Roster(declarations, extensions, models)
        self._loader = Loader(self._roster.vet)
        self._extensions = Extensions(self._roster, self._loader)
        self._makers: dict[str, Plugin] = {}
        self._first = self._extensions.first
        self._handlers: list[BaseCallbackHandler] | None = None
        self._givers: dict[type[BaseCallbackHandler], Declaration] = {}
        self._redactors: list[Redactor] | None = None

    def declared(self, group: str) -> Mapping[str, list[Declaration]]:
        """What is declared in an entry-point group and may run, by name, without importing anybody."""
        return self._roster.declared(group)

    def providers(self) -> dict[str, list[Declaration]]:
        """Who declares which provider, without importing anybody."""
        return dict(sorted(self.declared(PROVIDERS).items()))

    def provider_of(self, model: str) -> str | None:
        """The provider of a model that was named alone; None where no plugin claims how its name begins.

        Raises:
            ModelNameError: If two providers claim it alike.
        """
        return self._roster.provider_of(model)

    def listen(self, listener: Listener) -> None:
        """Let somebody hear who is loaded from now on, and how long each call of a hook takes."""
        self._loader.listen(listener)

    def loaded(self) -> list[Plugin]:
        """The plugins that were loaded, in their order."""
        return self._loader.loaded()

    def retry(self) -> None:
        """From now on plugins that failed are tried again when they are asked for; they are not until then."""
        self._loader.forget_failures()
        self._extensions.forget()
        self._handlers = self._redactors = None

    def create_model(self, provider: str, model: str, settings: Mapping[str, Any]) -> BaseChatModel:
        """A model of a provider, made by the plugin that declared it.

        Raises:
            ProviderNotFoundError: If no installed plugin provides it.
            ProviderConflictError: If two distributions do.
            PluginLoadError: If the plugin cannot be imported or registered.
            PluginHookError: If the plugin raised what it must not, or gave something that is no model.
            InvalidRequestError: If the plugin refuses the model's name or a setting.
        """
        used, settings = self._roster.unaliased(provider, settings)
        self._makers[used] = plugin = self._plugin(used)
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
            if self._roster.is_given:
                model_made.use_registry(self.profiles)
        self._extensions.load_unless_loading()
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
        used, settings = self._roster.unaliased(provider, settings)
        plugin = self._plugin(used)
        ask = plugin.hook(_LIST)
        with Border(plugin.declaration, _LIST, provider):
            return plugin, ask(used, dict(settings)) if ask else None

    @cached_property
    def profiles(self) -> ProfileRegistry:
        """What is known of the models of these plugins."""
        return registry_for(self.model_profiles) if self._roster.is_given else default_registry()

    def model_profiles(self, provider: str) -> ToldFacts:
        """What a provider's plugin says of its models; None where it says nothing, or nobody provides it."""
        provider = self._roster.unaliased(provider, {})[0]
        try:
            # Whoever made the models knows them; he need not be looked for again.
            return facts_told(self._makers.get(provider) or self._plugin(provider), provider)
        except ProviderNotFoundError:
            return None
        except PluginError as error:  # no call fails for want of a fact
            logger().error("Nothing is known of the models of %r: %s", provider, error)
            return None

    def settings_model(self, provider: str) -> type[BaseModel] | None:
        """The class whose fields are a provider's settings; None where its plugin does not say.

        Raises:
            ProviderNotFoundError: As in `create_model`, and so are the others.
        """
        provider = self._roster.unaliased(provider, {})[0]
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
        if self._handlers is None:
            found = self._extensions.each_of(HANDLERS, is_handler, HANDLERS_KIND)
            if not self._extensions.are_loaded:  # one of them makes a model while it is imported
                return [handler for _, handler in found]
            self._givers = {type(handler): plugin.declaration for plugin, handler in found}
            self._handlers = [handler for _, handler in found]
        return self._handlers

    def keep_trouble(self, handler: type[BaseCallbackHandler], trouble: Trouble) -> None:
        """Keep for the doctor what handlers of a class went through; nothing is said if that cannot be."""
        from chatplug.plugins.troubles import Troubled, default_troubles

        giver = self._givers.get(handler)
        name = f"{handler.__module__}.{handler.__qualname__}"
        default_troubles().add(Troubled.of(name, trouble, giver))

    def redactors(self) -> list[Redactor]:
        """What extensions want texts to go through before handlers hear them; the same list each time."""
        if self._redactors is None:
            found = self._extensions.all_of("chatplug_redactors", _is_redactor, "list of functions")
            if not self._extensions.are_loaded:
                return found
            self._redactors = found
        return self._redactors

    def commands(self, make: Callable[[], T], only: str | None = None) -> Iterator[tuple[Declaration, T]]:
        """What plugins register with a new command group each, so that none can take another's away.

        Args:
            make: Makes a group.
            only: The name of one entry point; None for all of them.
        """
        return commands(self._roster, self._loader, make, only)

    def _plugin(self, provider: str) -> Plugin:
        """The plugin that declares a provider, loaded."""
        declaration = self._roster.claimant(provider)
        if not self._loader.has(declaration):
            declaration = self._roster.confirmed(declaration)
        return self._loader.load(declaration)


def _are_messages(answer: object) -> TypeGuard[list[BaseMessage]]:
    if not is_array(answer):
        return False
    for message in answer:  # noqa: SIM110  # a generator takes as long as all the rest
        if not isinstance(message, BaseMessage):
            return False
    return True


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


def _is_redactor(one: object) -> TypeGuard[Redactor]:
    return callable(one)


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
provide_facts(_facts_of_the_installed, config_folder, data_folder)
