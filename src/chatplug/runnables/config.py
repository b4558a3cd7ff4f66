"""`RunnableConfig`: what is said with one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

__all__ = ["RunnableConfig", "ensure_config"]


class RunnableConfig(TypedDict, total=False):
    """What is said with one call; every key may be left out."""

    tags: list[str]
    """Words to find the run by."""
    metadata: dict[str, Any]
    """Facts to keep with the run."""
    callbacks: list[BaseCallbackHandler]
    """Who listens to the run."""
    run_name: str
    """The run's name; else the class's."""
    run_id: UUID
    """The run's id; else a new one."""


_KINDS: dict[str, tuple[type, ...]] = {
    "tags": (list, tuple),
    "metadata": (dict,),
    "callbacks": (list, tuple),
    "run_name": (str,),
    "run_id": (object,),
}


def ensure_config(config: Mapping[str, Any] | None = None) -> RunnableConfig:
    """A config of one's own, checked.

    Raises:
        ConfigError: If it has a key that is none of `RunnableConfig`, or a value of the wrong kind.
    """
    if not config:
        return {}
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
            _check_handlers(cast("Iterable[object]", value))
        elif key == "run_id":
            _check_run_id(value)
        checked[key] = value
    return cast("RunnableConfig", checked)


def _check_handlers(handlers: Iterable[object]) -> None:
    for index, handler in enumerate(handlers):
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
