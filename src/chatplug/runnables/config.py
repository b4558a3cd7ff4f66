"""`RunnableConfig`: what is said with one call, and what calls below inherit of it.

A config that has been checked and joined with what is inherited is a `ResolvedConfig`: a dict like any other for
whoever reads or copies it, and known to the host as needing no second look. `current` holds the one that the code
of a run hands on; it is how config reaches a Runnable that was not handed any.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.callbacks.here import provide_run
from chatplug.callbacks.life import each_once
from chatplug.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from chatplug.callbacks.manager import CallbackManager
    from chatplug.callbacks.run import Run

__all__ = [
    "HandedConfig",
    "ResolvedConfig",
    "RunnableConfig",
    "batch_configs",
    "child_config",
    "current",
    "ensure_config",
    "merge_configs",
    "patch_config",
    "resolve",
    "under",
]


T = TypeVar("T")


class RunnableConfig(TypedDict, total=False):
    """What is said with one call; every key may be left out."""

    tags: list[str]
    """Words to find the run by, and those below it."""
    metadata: dict[str, Any]
    """Facts to keep with the run, and with those below it."""
    callbacks: list[BaseCallbackHandler] | CallbackManager
    """Who listens to the run, and to those below it."""
    run_name: str
    """The run's name; else that of what is called. Not inherited."""
    run_id: UUID
    """The run's id; else a new one. Not inherited."""
    max_concurrency: int
    """How many calls of a batch or of parallel steps are under way at once; else as many as there are threads for."""
    recursion_limit: int
    """How deep a function may answer with a Runnable that is called in turn; 25 unless told otherwise."""
    configurable: dict[str, Any]
    """Values for fields that were opened by `configurable_fields` or `configurable_alternatives`."""


class ResolvedConfig(dict[str, Any]):
    """A config that was checked, and joined with what is inherited."""

    __slots__ = ("handlers", "parent", "tag")

    handlers: tuple[BaseCallbackHandler, ...]
    """Who listens to the run and to those below."""
    parent: Run | None
    """The run above."""
    tag: str | None
    """That of the tags which says what the call is to the run above, as `seq:step:1`; not inherited."""

    def __init__(
        self,
        values: Mapping[str, Any] = {},  # only read
        handlers: tuple[BaseCallbackHandler, ...] = (),
        parent: Run | None = None,
    ) -> None:
        if values:
            self.update(values)
        self.handlers = handlers
        self.parent = parent
        self.tag = None

    def copy(self) -> ResolvedConfig:
        """Another one that says the same."""
        copied = ResolvedConfig(self, self.handlers, self.parent)
        copied.tag = self.tag
        return copied


class HandedConfig(dict[str, Any]):
    """A config in the hands of a program: its own to change; what is changed in it counts where it is handed on.

    Args:
        resolved: What it says until then.
    """

    __slots__ = ("_resolved",)

    def __init__(self, resolved: ResolvedConfig) -> None:
        for name, value in resolved.items():
            self[name] = value.copy() if isinstance(value, (dict, list)) else value
        self._resolved = resolved

    def resolved(self) -> ResolvedConfig:
        """What it says now.

        Raises:
            ConfigError: If it has a key that is none of `RunnableConfig`, or a value of the wrong kind.
        """
        joined = _joined(self._resolved, _checked(self))
        joined.tag = self._resolved.tag
        return joined


NOTHING = ResolvedConfig()
"""Nothing said and nothing inherited; nobody changes it."""

current: ContextVar[ResolvedConfig | None] = ContextVar("chatplug_config", default=None)
"""What a Runnable inherits that is called here."""

_KINDS: dict[str, tuple[type, ...]] = {
    "tags": (list, tuple),
    "metadata": (dict,),
    "callbacks": (object,),
    "run_name": (str,),
    "run_id": (object,),
    "max_concurrency": (int,),
    "recursion_limit": (int,),
    "configurable": (dict,),
}
_OWN = ("run_id", "run_name")
"""What a run does not hand on."""


def resolve(config: Mapping[str, Any] | None) -> ResolvedConfig:
    """What counts for a call: what is said with it, joined with what is inherited here. Not to be changed.

    Raises:
        ConfigError: If it has a key that is none of `RunnableConfig`, or a value of the wrong kind.
    """
    if not config:
        return current.get() or NOTHING
    if type(config) is ResolvedConfig:
        return config
    if type(config) is HandedConfig:
        return config.resolved()
    return _joined(current.get(), _checked(config))


def ensure_config(config: Mapping[str, Any] | None = None) -> RunnableConfig:
    """A config of one's own, to change and to hand on: what is said, checked, and joined with what is inherited here.

    Raises:
        ConfigError: If it has a key that is none of `RunnableConfig`, or a value of the wrong kind.
    """
    return cast("RunnableConfig", HandedConfig(resolve(config)))


def merge_configs(*configs: Mapping[str, Any] | None) -> RunnableConfig:
    """One config out of several: tags, metadata, handlers and `configurable` come together, else the last one wins.

    Raises:
        ConfigError: If one has a key that is none of `RunnableConfig`, or a value of the wrong kind.

    >>> merge_configs({"tags": ["a"], "run_name": "x"}, None, {"tags": ["b", "a"], "run_name": "y"})
    {'tags': ['a', 'b'], 'run_name': 'y'}
    """
    merged: dict[str, Any] = {}
    for config in configs:
        if config:
            merged = _merged(merged, config if type(config) is ResolvedConfig else _checked(config))
    return cast("RunnableConfig", merged)


def patch_config(config: Mapping[str, Any] | None = None, **changes: Any) -> RunnableConfig:
    """A copy of a config with these keys changed, where they are not None; other `callbacks` mean another run.

    Raises:
        ConfigError: If it has a key that is none of `RunnableConfig`, or a value of the wrong kind.

    >>> patch_config({"tags": ["a"], "run_name": "x"}, run_name="y", max_concurrency=3)
    {'tags': ['a'], 'run_name': 'y', 'max_concurrency': 3}
    """
    patched = dict(ensure_config(config))
    changes = _checked(changes)
    if "callbacks" in changes:
        for name in _OWN:
            patched.pop(name, None)
    return cast("RunnableConfig", patched | changes)


def under(config: ResolvedConfig, base: Mapping[str, Any]) -> ResolvedConfig:
    """A config on top of one that was bound before; what both say, `config` decides."""
    merged = _merged(base, config)
    listeners = base.get("callbacks") or ()
    handlers = tuple(each_once(config.handlers, getattr(listeners, "handlers", listeners)))
    result = ResolvedConfig(merged, handlers, config.parent or getattr(listeners, "parent_run", None))
    result.tag = config.tag
    if handlers:
        result["callbacks"] = _manager(result, result.parent)
    return result


def batch_configs(
    inputs: Iterable[T], config: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
) -> tuple[list[T], list[RunnableConfig]]:
    """The inputs of a batch, and the config of each.

    Raises:
        ConfigError: If there are not as many configs as inputs, or one of them is wrong.
        TypeError: If the inputs are one text or one dict.
    """
    if isinstance(inputs, (str, bytes, Mapping)):
        kind: type[object] = type(cast("object", inputs))
        raise TypeError(f"A batch takes a list of inputs, not one {kind.__name__}.")
    given = list(inputs)
    if config is None or isinstance(config, Mapping):
        whole = resolve(config)
        configs = [whole] * len(given)
    else:
        configs = [resolve(one) for one in config]
        if len(configs) != len(given):
            raise ConfigError(
                f"A batch of {len(given)} inputs was given {len(configs)} configs.", hint="Give one, or one for each."
            )
    _use_ids_once(configs)
    return given, cast("list[RunnableConfig]", configs)


def _use_ids_once(configs: list[ResolvedConfig]) -> None:
    """Take an id that stands in several configs from all but the first."""
    used: set[object] = set()
    is_double = False
    for index, config in enumerate(configs):
        run_id = config.get("run_id")
        if run_id in used:
            is_double = True
            configs[index] = config.copy()
            del configs[index]["run_id"]
        elif run_id is not None:
            used.add(run_id)
    if is_double:
        warnings.warn("run_id names one run: the first of this batch has it.", RuntimeWarning, stacklevel=4)


def child_config(config: ResolvedConfig, run: Run, tag: str | None = None) -> ResolvedConfig:
    """What a run hands on to what it calls."""
    child = ResolvedConfig(config, config.handlers, run)
    if config:
        for name in _OWN:
            child.pop(name, None)
    if config.tag is not None:
        child["tags"] = [one for one in child["tags"] if one != config.tag]
    if tag is not None:
        child["tags"] = [*child.get("tags", ()), tag]
        child.tag = tag
    if config.handlers:
        child["callbacks"] = _manager(child, run)
    return child


def _manager(config: ResolvedConfig, run: Run | None) -> CallbackManager:
    from chatplug.callbacks.manager import CallbackManager

    return CallbackManager(
        config.handlers, parent_run=run, tags=config.get("tags", ()), metadata=config.get("metadata")
    )


def _joined(inherited: ResolvedConfig | None, said: dict[str, Any]) -> ResolvedConfig:
    """What is said, over what is inherited."""
    listeners: Any = said.get("callbacks")
    parent = inherited.parent if inherited is not None else None
    handlers: tuple[BaseCallbackHandler, ...] = ()
    if listeners is not None and not isinstance(listeners, (list, tuple)):
        # A manager speaks for the run that made it, also in a thread that knows nothing of that run.
        parent = listeners.parent_run or parent
        handlers = tuple(listeners.handlers)
        said = _merged({"tags": listeners.tags, "metadata": listeners.metadata}, said)
    elif listeners:
        handlers = tuple(cast("Iterable[BaseCallbackHandler]", listeners))
    if inherited is not None:
        said = _merged(inherited, said)
        handlers += tuple(one for one in inherited.handlers if not any(one is other for other in handlers))
    joined = ResolvedConfig({name: value for name, value in said.items() if value}, handlers, parent)
    if handlers:
        joined["callbacks"] = _manager(joined, parent)
    return joined


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for name, value in second.items():
        before = merged.get(name)
        if not before:
            merged[name] = value
        elif name == "tags":
            merged[name] = list(dict.fromkeys([*before, *value]))
        elif name in ("metadata", "configurable"):
            merged[name] = {**before, **value}
        elif name == "callbacks":
            merged[name] = _both(before, value)
        else:
            merged[name] = value
    return merged


def _both(first: Any, second: Any) -> Any:
    """The handlers of two configs, each once, and the later run above."""
    groups: list[Sequence[BaseCallbackHandler]] = [getattr(one, "handlers", one) for one in (first, second)]
    handlers = each_once(*groups)
    managers = [one for one in (first, second) if not isinstance(one, (list, tuple))]
    if not managers:
        return handlers
    from chatplug.callbacks.manager import CallbackManager

    return CallbackManager(
        handlers,
        parent_run=next((one.parent_run for one in reversed(managers) if one.parent_run is not None), None),
        tags=list(dict.fromkeys([tag for one in managers for tag in one.tags])),
        metadata={name: value for one in managers for name, value in one.metadata.items()},
    )


def _checked(config: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(config, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
        raise ConfigError(f"config is {type(config).__name__}.", hint="Give a dict such as {'tags': ['nightly']}.")
    checked: dict[str, Any] = {}
    for key, value in config.items():
        kinds = _KINDS.get(key)
        if kinds is None:
            raise ConfigError(f"config has no key {key!r}.", hint=nearest(key, _KINDS) or f"Keys: {', '.join(_KINDS)}.")
        if value is None:
            continue
        if not isinstance(value, kinds):
            raise ConfigError(f"config[{key!r}] is {type(value).__name__}, not {kinds[0].__name__}.")
        if key == "callbacks":
            _check_listeners(value)
        elif key == "run_id":
            _check_run_id(value)
        elif key in ("max_concurrency", "recursion_limit"):
            _check_count(key, value)
        checked[key] = value
    return checked


def _check_listeners(listeners: object) -> None:
    if not isinstance(listeners, (list, tuple)):
        from chatplug.callbacks.manager import CallbackManager

        if not isinstance(listeners, CallbackManager):
            raise ConfigError(
                f"config['callbacks'] is {type(listeners).__name__}, not list.",
                hint="Give a list of handlers, or what `run_manager.get_child()` gives.",
            )
        return
    for index, handler in enumerate(cast("Iterable[object]", listeners)):
        if not isinstance(handler, BaseCallbackHandler):
            what = f"the class {handler.__name__}" if isinstance(handler, type) else type(handler).__name__
            raise ConfigError(
                f"config['callbacks'][{index}] is {what}, not a handler.",
                hint="Give an object whose class derives from chatplug.callbacks.BaseCallbackHandler.",
            )


def _check_run_id(value: object) -> None:
    from uuid import UUID

    if not isinstance(value, UUID):
        raise ConfigError(f"config['run_id'] is {type(value).__name__}, not UUID.", hint="Give uuid.uuid4().")


def _check_count(key: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"config[{key!r}] is {value!r}.", hint="Give a number from 1.")


def _here(config: Mapping[str, Any] | None) -> tuple[Sequence[BaseCallbackHandler], Run | None]:
    found = resolve(config)
    return found.handlers, found.parent


provide_run(_here)
