"""A plugin that is imported, registered and checked, or an error that names it.

Each plugin has a pluggy manager of its own, in which nobody else is registered. So a hook reaches the one plugin that
it is meant for, a plugin that fails while it is registered leaves nothing behind, and whatever is raised is known by
its distribution's name.
"""

from __future__ import annotations

import sys
from copy import copy
from importlib import invalidate_caches
from inspect import signature
from threading import RLock
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pluggy

from chatplug.errors import PluginError, PluginLoadError, nearest
from chatplug.plugins.declaration import COMMANDS, EXTENSIONS, PROVIDERS, Declaration, printable, remedy, target_of, who
from chatplug.plugins.hookspecs import ChatplugSpecs
from chatplug.plugins.versions import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HOOKS", "Listener", "Loader", "Plugin", "load", "sentence", "told"]

_SLOW = 5.0
"""Seconds after which the import of a plugin is worth a warning."""


class Listener(Protocol):
    """Hears what plugins cost."""

    def __call__(self, declaration: Declaration, hook: str, seconds: float) -> None:
        """A hook was called; its name is empty where the plugin was loaded."""


class Plugin:
    """One plugin of one distribution, with its hooks ready to be called."""

    __slots__ = ("_hooks", "declaration", "seconds")

    def __init__(self, declaration: Declaration, manager: pluggy.PluginManager, seconds: float) -> None:
        self.declaration = declaration
        """Where it comes from."""
        self.seconds = seconds
        """How long it took to import and register it."""
        self._hooks = {name: _caller(manager, name) for name in HOOKS}

    def hook(self, name: str) -> Callable[..., object] | None:
        """What calls a hook of the plugin with the hook's arguments in their order; None if it has not this one."""
        return self._hooks[name]

    def tell(self, listener: Listener) -> None:
        """From now on each call of a hook is told to the listener."""
        for name, caller in self._hooks.items():
            if caller is not None:
                self._hooks[name] = _told_to(listener, self.declaration, name, caller)
        listener(self.declaration, "", self.seconds)

    def hooks(self) -> list[str]:
        """The names of the hooks that it implements."""
        return [name for name, caller in self._hooks.items() if caller is not None]


HOOKS: Mapping[str, tuple[str, ...]] = {
    name: tuple(parameter for parameter in signature(spec).parameters if parameter != "self")
    for name, spec in vars(ChatplugSpecs).items()
    if name.startswith("chatplug_")
}
"""The hooks, each with the names of its arguments."""
_DIRECTED = ("chatplug_create_model", "chatplug_list_models", "chatplug_model_profiles", "chatplug_settings_model")
_NEEDED = {
    PROVIDERS: ("chatplug_create_model",),
    COMMANDS: ("chatplug_register_commands",),
    EXTENSIONS: tuple(name for name in HOOKS if name not in _DIRECTED),
}
"""Of which hooks a plugin has to implement one, by its entry point's group."""


def _caller(manager: pluggy.PluginManager, name: str) -> Callable[..., object] | None:
    relay: Any = getattr(manager.hook, name)
    implementations = relay.get_hookimpls()
    if not implementations:
        return None
    arguments = HOOKS[name]
    if len(implementations) > 1:  # by `specname`: pluggy knows which goes first
        return lambda *values: relay(**dict(zip(arguments, values, strict=True)))
    # What pluggy would do for one implementation, which is all that a plugin usually has, at a twentieth of its cost.
    function: Callable[..., object] = implementations[0].function
    taken = tuple(implementations[0].argnames)
    if taken == arguments:
        return function
    places = [arguments.index(argument) for argument in taken]
    return lambda *values: function(*[values[place] for place in places])


def _told_to(
    listener: Listener, declaration: Declaration, hook: str, caller: Callable[..., object]
) -> Callable[..., object]:
    def timed(*values: object) -> object:
        began = perf_counter()
        try:
            return caller(*values)
        finally:
            listener(declaration, hook, perf_counter() - began)

    return timed


def load(declaration: Declaration, group: str) -> Plugin:
    """Import a plugin, register it and look whether it fits the hooks.

    Args:
        declaration: Where it is.
        group: The entry-point group that says which hooks it ought to have.

    Raises:
        PluginLoadError: If anything is wrong with it.
    """
    version = sys.modules["chatplug"].__version__  # which stands above this room, and is loaded in any case
    if declaration.requires and not fits(version, declaration.requires):
        asked = f"asks for chatplug {declaration.requires}, and this is {version}."
        _refuse(declaration, asked, None)
    began = perf_counter()
    loaded = _imported(declaration)
    manager = pluggy.PluginManager("chatplug")
    try:
        manager.register(loaded, declaration.distribution)
        misfit = _misfit(manager, loaded)
        if misfit:
            _refuse(declaration, f"does not fit the hooks: {misfit}", None)
        manager.add_hookspecs(ChatplugSpecs)
        manager.check_pending()
        plugin = Plugin(declaration, manager, perf_counter() - began)
    except (PluginLoadError, KeyboardInterrupt):
        raise
    except BaseException as error:  # registering reads the plugin's attributes, which may do anything
        _refuse(declaration, f"does not fit the hooks: {told(error, pluggy.PluginValidationError)}", error)
    needed = _NEEDED[group]
    if not set(needed) & set(plugin.hooks()):
        _refuse(declaration, f"implements no hook {' or '.join(needed)}.", None)
    if plugin.seconds > _SLOW:
        import logging

        what = "The plugin %s took %.0f seconds to be imported."
        logging.getLogger("chatplug.plugins").warning(what, who(declaration), plugin.seconds)
    return plugin


class Loader:
    """Every plugin at most once: what was loaded, what failed, and what is being loaded by another thread.

    Args:
        vet: Asked before anything of a plugin is imported; it raises where that must not be.
    """

    def __init__(self, vet: Callable[[Declaration], None]) -> None:
        self._vet = vet
        self._loaded: dict[tuple[str, str], Plugin] = {}
        self._failed: dict[tuple[str, str], PluginError] = {}
        self._locks: dict[tuple[str, str], RLock] = {}
        self._listener: Listener | None = None

    def listen(self, listener: Listener) -> None:
        """From now on whoever is loaded, and each call of its hooks, is told to the listener."""
        self._listener = listener

    def loaded(self) -> list[Plugin]:
        """The plugins that were loaded, in their order."""
        return list(self._loaded.values())

    def forget_failures(self) -> None:
        """Let plugins that failed be tried again."""
        self._failed.clear()

    def has(self, declaration: Declaration, group: str = PROVIDERS) -> bool:
        """Whether a plugin is loaded already."""
        return (group, declaration.value) in self._loaded

    def load(self, declaration: Declaration, group: str = PROVIDERS) -> Plugin:
        """The plugin; one that failed fails alike each time, and is not imported again.

        Raises:
            PluginError: If it cannot be loaded, or may not be.
        """
        key = group, declaration.value
        plugin = self._loaded.get(key)
        if plugin is not None:
            return plugin
        # A lock for each: a plugin that is slow to import, or waits for a thread that makes a model of another one,
        # keeps nobody else waiting. `setdefault` is one step.
        with self._locks.setdefault(key, RLock()):
            plugin = self._loaded.get(key)
            if plugin is not None:
                return plugin
            failed = self._failed.get(key)
            if failed is not None:
                # A copy: an exception that is raised again keeps the traceback of each time.
                raise copy(failed) from failed.__cause__
            self._vet(declaration)
            try:
                plugin = load(declaration, group)
            except PluginError as error:
                self._failed[key] = error
                raise
            if self._listener is not None:
                plugin.tell(self._listener)
            self._loaded[key] = plugin
            return plugin


def _imported(declaration: Declaration) -> object:
    before = dict(sys.modules)
    try:
        try:
            loaded = declaration.load()
        except ModuleNotFoundError as error:
            if error.name != target_of(declaration.value)[0].partition(".")[0]:
                raise
            # Installed a moment ago, while this program ran: the importer may not have looked at the folder since.
            invalidate_caches()
            loaded = declaration.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise SystemExit when it is imported
        _restore(before)
        _refuse(declaration, f"cannot be imported: {told(error)}", error)
    replaced = _restore(before)
    if replaced:
        _refuse(declaration, f"puts modules of its own in the place of {', '.join(replaced[:3])}.", None)
    return loaded


_GUARDED = frozenset({"chatplug", "importlib_metadata", "platformdirs", "pluggy", "pydantic", "pydantic_core"})
_REMOVED = object()


def _restore(before: Mapping[str, object]) -> list[str]:
    """Put back the modules that everybody shares, where a plugin has replaced or removed them; gives their names."""
    now = sys.modules
    replaced: list[str] = []
    for name, module in before.items():
        if now.get(name, _REMOVED) is not module:
            top = name.partition(".")[0]
            # Python itself removes a module whose import fails, in whichever thread that is.
            if top in _GUARDED or (top in sys.stdlib_module_names and name in now):
                replaced.append(name)
    for name in replaced:
        sys.modules[name] = before[name]  # type: ignore[assignment]  # it was there, whatever it is
    return sorted(replaced)


def _misfit(manager: pluggy.PluginManager, loaded: object) -> str:
    """What is wrong with the names of a plugin's hooks and of their arguments; pluggy says it without the right one."""
    for caller in manager.get_hookcallers(loaded) or ():
        arguments = HOOKS.get(caller.name)
        for implementation in caller.get_hookimpls():
            if arguments is None:
                if implementation.optionalhook:
                    continue
                return f"there is no hook {caller.name}. {nearest(caller.name, HOOKS)}"
            if implementation.wrapper or implementation.hookwrapper:
                return f"{caller.name} is a wrapper, and nobody else's implementation is there to be wrapped."
            for argument in implementation.argnames:
                if argument not in arguments:
                    hint = nearest(argument, arguments) or f"Its arguments are {', '.join(arguments) or 'none'}."
                    return f"{caller.name} has no argument {argument!r}. {hint}"
    return ""


def _refuse(declaration: Declaration, why: str, error: BaseException | None) -> NoReturn:
    raise PluginLoadError(
        sentence(f"The plugin {who(declaration)} ({declaration.value}) {why}"),
        hint=remedy(declaration),
        provider=declaration.name if declaration.group == PROVIDERS else None,
    ) from error


def told(error: BaseException, *plain: type[BaseException]) -> str:
    """The class and the text of what a plugin raised; of the plain ones the text alone."""
    name = type(error).__name__
    try:
        text = printable(str(error))
    except KeyboardInterrupt:
        raise
    except BaseException:  # making the text is code of the plugin, too
        return f"{name}, which cannot be shown"
    return text if isinstance(error, plain) else f"{name}: {text}"


def sentence(text: str) -> str:
    """A text in one line, with a full stop, so that a hint can follow."""
    text = " ".join(text.split()).rstrip(":")
    return text if text.endswith((".", "!", "?")) else f"{text}."
