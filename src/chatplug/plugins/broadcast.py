"""Extensions: imported once, when the first model is made, and each asked in the order of their names.

One that is broken, raises or gives what it must not is logged by its name, and stops nobody else.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from chatplug.errors import PluginError
from chatplug.plugins.border import drop
from chatplug.plugins.declaration import COMMANDS, EXTENSIONS, remedy, who
from chatplug.plugins.loading import told
from chatplug.wire.shape import is_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from logging import Logger

    from chatplug.plugins.declaration import Declaration
    from chatplug.plugins.loading import Loader, Plugin
    from chatplug.plugins.roster import Roster

__all__ = ["Extensions", "commands", "log", "logger", "wrong"]

T = TypeVar("T")


class Extensions:
    """The extensions of a roster."""

    def __init__(self, roster: Roster, loader: Loader) -> None:
        self._roster = roster
        self._loader = loader
        self._plugins: list[Plugin] | None = None
        self._callers: dict[str, list[tuple[Plugin, Callable[..., object]]]] = {}
        self._is_loading = False
        self._lock = RLock()

    @property
    def are_loaded(self) -> bool:
        """Whether the extensions are there."""
        return self._plugins is not None

    def load_unless_loading(self) -> None:
        """Load them, if that is not under way: another thread's slow extension stops nobody who needs it not yet."""
        if self._plugins is None and not self._is_loading:
            self.plugins(as_last_seen=True)

    def forget(self) -> None:
        """Load them anew when they are asked next."""
        with self._lock:
            self._plugins = None
            self._callers = {}

    def plugins(self, *, as_last_seen: bool = False) -> list[Plugin]:
        """The extensions, imported and registered; none for one that makes a model while it is imported."""
        if self._plugins is not None:
            return self._plugins
        with self._lock:
            if self._is_loading:
                return []
            if self._plugins is None:
                self._is_loading = True
                try:
                    self._plugins = list(self._those_that_load(as_last_seen))
                finally:
                    self._is_loading = False
            return self._plugins

    def _those_that_load(self, as_last_seen: bool) -> Iterator[Plugin]:  # noqa: FBT001  # a private one
        declared_by_name = self._roster.declared(EXTENSIONS, as_last_seen=as_last_seen)
        for declaration, why in self._roster.kept_out():
            logger().warning("The extension %s is kept out: %s", who(declaration), why)
        for _, declared in sorted(declared_by_name.items()):
            for declaration in declared:
                try:
                    yield self._loader.load(declaration, EXTENSIONS)
                except PluginError as error:
                    log(declaration, str(error), error)

    def first(self, hook: str, fits: Callable[[object], TypeGuard[T]], kind: str, *arguments: object) -> T | None:
        """The first answer to a hook, if it is of the right kind; None where nobody has one."""
        # Written out once more, without a generator: it is asked for every value that the host does not know.
        for plugin, ask in self._callers.get(hook) or self._those_with(hook):
            try:
                answer = ask(*arguments)
            except BaseException as error:
                _raised(plugin, hook, error)
                continue
            if answer is not None:
                if fits(answer):
                    return answer
                wrong(plugin, hook, answer, kind)
        return None

    def answers(self, hook: str) -> Iterator[tuple[Plugin, object]]:
        """What they answer to a hook that has no arguments; those without an answer are left out."""
        for plugin, ask in self._those_with(hook):
            try:
                answer = ask()
            except BaseException as error:
                _raised(plugin, hook, error)
                continue
            if answer is not None:
                yield plugin, answer

    def all_of(self, hook: str, fits: Callable[[object], TypeGuard[T]], kind: str) -> list[T]:
        """What all of them answer to a hook that asks for a list: all items, if they are of this kind."""
        return [one for _, one in self.each_of(hook, fits, kind)]

    def each_of(self, hook: str, fits: Callable[[object], TypeGuard[T]], kind: str) -> list[tuple[Plugin, T]]:
        """The same, each with the extension that it is from."""
        found: list[tuple[Plugin, T]] = []
        for plugin, answer in self.answers(hook):
            try:
                items = _all_fit(answer, fits)
            except BaseException as error:  # what it gave has properties, and those are code
                _raised(plugin, hook, error)
                continue
            if items is None:
                wrong(plugin, hook, answer, kind)
            else:
                found += [(plugin, one) for one in items]
        return found

    def _those_with(self, hook: str) -> list[tuple[Plugin, Callable[..., object]]]:
        """The extensions that implement a hook, and what calls it."""
        found = [(plugin, ask) for plugin in self.plugins() if (ask := plugin.hook(hook)) is not None]
        if self.are_loaded:
            self._callers[hook] = found
        return found


def _all_fit(answer: object, fits: Callable[[object], TypeGuard[T]]) -> list[T] | None:
    """The items of a list, if it is one and they are all of a kind."""
    if not is_array(answer):
        return None
    items = [one for one in answer if fits(one)]
    return items if len(items) == len(answer) else None


def _raised(plugin: Plugin, hook: str, error: BaseException) -> None:
    """Say that an extension's hook raised; Ctrl-C is nobody's fault."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    log(plugin.declaration, f"{hook} raised {told(error)}", error)


def commands(
    roster: Roster, loader: Loader, make: Callable[[], T], only: str | None
) -> Iterator[tuple[Declaration, T]]:
    """What plugins register with a new command group each; see `PluginManager.commands`."""
    hook = "chatplug_register_commands"
    for name, declared in sorted(roster.declared(COMMANDS).items()):
        for declaration in declared if only in (None, name) else ():
            group = make()
            try:
                register = loader.load(declaration, COMMANDS).hook(hook)
                drop(register(group) if register else None)
            except PluginError as error:
                log(declaration, str(error), error, "command")
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                log(declaration, f"{hook} raised {told(error)}", error, "command")
            else:
                yield declaration, group


def wrong(plugin: Plugin, hook: str, answer: object, kind: str) -> None:
    """Say that an extension gave what it must not."""
    drop(answer)
    log(plugin.declaration, f"{hook} gave {type(answer).__name__}, which is no {kind}")


def log(declaration: Declaration, what: str, error: BaseException | None = None, kind: str = "extension") -> None:
    """Say what an extension did wrong; nobody else is stopped by it."""
    logger().error(
        "The %s %s is left out: %s. %s",
        kind,
        who(declaration),
        what.rstrip("."),
        remedy(declaration),
        exc_info=error,
    )


def logger() -> Logger:
    """Where plugins are told of."""
    from logging import getLogger

    return getLogger("chatplug.plugins")
