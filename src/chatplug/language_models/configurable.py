"""`ConfigurableModel`: a model that each call chooses, by `configurable` in its config.

Only what was opened can be chosen. Whoever hands a config on, a web service that takes it from its users, has to be
sure that no key and no address can be changed by it; so these are never open unless they are named.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast, overload

from chatplug.errors import ChatplugError, ConfigError, ModelNameError, nearest
from chatplug.language_models.structured import LanguageModelInput
from chatplug.runnables.config import merge_configs, under
from chatplug.runnables.configurable import ConfigurableField
from chatplug.runnables.delegating import Delegating

if TYPE_CHECKING:
    from typing import Self

    from chatplug.language_models.chat_model import BaseChatModel
    from chatplug.runnables.config import ResolvedConfig, RunnableConfig
    from chatplug.runnables.runnable import Runnable

__all__ = ["ConfigurableModel", "OpenFields"]


OpenFields: TypeAlias = Literal["any"] | Sequence[str] | Mapping[str, str | ConfigurableField]
"""What a call may choose: anything, some settings by their names, or these with the keys that a call says."""

Answer = TypeVar("Answer", covariant=True)
T = TypeVar("T")

_MOST_KEPT = 64
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_SENSITIVE = re.compile(
    r"(^|_)(auth|authorization|base|cert|certificate|client|credential|credentials|endpoint|header|headers|host|key|keys"
    r"|organization|password|proxy|secret|token|transport|uri|url|verify)(_|$)|^(callbacks|plugins)$"
)


class ConfigurableModel(Delegating[LanguageModelInput, Answer]):
    """A model that each call chooses; `chatplug.init` makes it.

    Args:
        make: What makes a model of settings.
        settings: What a model is made with, unless a call chooses otherwise.
        fields: What a call may choose.
        prefix: What the keys of a call begin with.
        provider_of: Which provider a name, and a provider's name, stand for.

    What is bound to it (`bind`, `bind_tools`, `with_structured_output`, `with_config`) is kept until a call says which
    model it is for. Attributes of a model, such as `profile`, are those of the default.

    >>> import chatplug
    >>> model = chatplug.init()
    >>> model.invoke("Meow!", config={"configurable": {"model": "echo:n3"}}).text
    'Meo'
    """

    def __init__(
        self,
        make: Callable[..., BaseChatModel],
        settings: Mapping[str, Any],
        *,
        fields: OpenFields,
        prefix: str = "",
        provider_of: Callable[..., str | None],
    ) -> None:
        self._make = make
        self._settings = dict(settings)
        self._prefix = f"{prefix.removesuffix('_')}_" if prefix else ""
        self._takes_any = fields == "any"
        self._fields = _keys(fields, self._prefix)
        self._provider_of = provider_of
        self._models = _Kept()
        self._ready = _Kept()
        self._operations: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = ()
        self._config: RunnableConfig = {}

    # ---- what is kept until a model is known

    def bind(self, **kwargs: Any) -> Self:  # type: ignore[override]  # it stays a model that each call chooses
        """This one, with settings that go with every call."""
        return self._queued("bind", **kwargs)

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Self:  # type: ignore[override]  # as above
        """This one, with a config that goes with every call; what a call says itself comes on top."""
        return self._changed(_config=merge_configs(self._config, {**(config or {}), **kwargs}))

    def bind_tools(self, tools: Sequence[Any], **settings: Any) -> Self:
        """This one, with tools that it may call; see `BaseChatModel.bind_tools`."""
        return self._queued("bind_tools", tools, **settings)

    @overload
    def with_structured_output(
        self, schema: type[T], *, include_raw: Literal[False] = False, **settings: Any
    ) -> ConfigurableModel[T]: ...
    @overload
    def with_structured_output(
        self, schema: Mapping[str, Any], *, include_raw: Literal[False] = False, **settings: Any
    ) -> ConfigurableModel[dict[str, Any]]: ...
    @overload
    def with_structured_output(
        self, schema: Any, *, include_raw: Literal[True], **settings: Any
    ) -> ConfigurableModel[dict[str, Any]]: ...
    def with_structured_output(self, schema: Any, **settings: Any) -> ConfigurableModel[Any]:
        """This one, held to a schema; see `BaseChatModel.with_structured_output`."""
        return self._queued("with_structured_output", schema, **settings)

    def configurable_fields(self, **fields: ConfigurableField) -> Self:  # type: ignore[override]  # as above
        """This one, some more settings of which a call may choose: `config={"configurable": {id: value}}`.

        Args:
            **fields: For each setting what a call says to set it; a key or an address is open then. Providers have
                settings of their own, so one that the chosen model does not have is an error of the call that says it.
        """
        return self._changed(_fields={**self._fields, **_keys(fields, self._prefix)})

    def _queued(self, name: str, *args: Any, **kwargs: Any) -> Self:
        if name != "bind" and any(done == "with_structured_output" for done, _, _ in self._operations):
            raise ConfigError(f"{name} comes after with_structured_output, which gives no model any more.")
        return self._changed(_operations=(*self._operations, (name, args, kwargs)))

    def _changed(self, **changes: Any) -> Self:
        changed = copy(self)
        vars(changed).update({"_ready": _Kept(), **changes})
        return changed

    # ---- what a call chooses

    def _at_once(self, configs: Sequence[Mapping[str, Any]]) -> int | None:
        return super()._at_once(configs) or super()._at_once((self._config,))

    def _target(
        self, config: ResolvedConfig, kwargs: dict[str, Any]
    ) -> tuple[Runnable[Any, Any], ResolvedConfig, dict[str, Any]]:
        if self._config:
            config = under(config, self._config)
        return self._ready_for(self._chosen(config.get("configurable", {}))), config, kwargs

    def _chosen(self, configurable: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that a call chooses.

        Raises:
            ConfigError: If it sets what is not open.
        """
        chosen: dict[str, Any] = {}
        for key, value in configurable.items():
            name = key.removeprefix(self._prefix) if self._prefix and key.startswith(self._prefix) else key
            is_ours = bool(self._prefix) and name != key
            if key in self._fields:
                chosen[self._fields[key]] = value
            elif self._takes_any and (is_ours or not self._prefix) and not _SENSITIVE.search(name):
                chosen[name] = value
            elif is_ours or (not self._prefix and _SENSITIVE.search(name)):
                raise self._refused(key, name)
        return chosen

    def _refused(self, key: str, name: str) -> ConfigError:
        known = list(self._fields)
        why = "Keys and addresses are open only where they are named. " if _SENSITIVE.search(name) else ""
        near = "" if why else nearest(key, known)
        return ConfigError(
            f"configurable[{key!r}] sets {name!r}, which is not open.",
            hint=near or f"{why}Name it in configurable_fields=, or leave it out.",
        )

    def _ready_for(self, chosen: dict[str, Any]) -> Runnable[Any, Any]:
        """The model of a choice, with all that is to be done to it."""
        key = _frozen(chosen)
        ready: Runnable[Any, Any] | None = self._ready.get(key)
        if ready is None:
            ready = self._done_to(self._model(chosen, key))
            self._ready.put(key, ready)
        return ready

    def _done_to(self, model: BaseChatModel) -> Runnable[Any, Any]:
        """A model with what was kept for it, in the order in which it was said."""
        base: Any = model
        bound: dict[str, Any] = {}
        for name, args, kwargs in self._operations:
            if name == "with_structured_output":
                # What was bound before goes into it: what it gives is no model any more.
                base, bound = model.with_structured_output(*args, **{**bound, **kwargs}), {}
            elif name == "bind_tools":
                rest = {name: value for name, value in bound.items() if name not in _OF_TOOLS}
                bound = {**rest, **model.bind_tools(*args, **kwargs).kwargs}
            else:
                bound |= kwargs
        return cast("Runnable[Any, Any]", base.bind(**bound) if bound else base)

    def _model(self, chosen: dict[str, Any], key: Hashable) -> BaseChatModel:
        """The model of a choice."""
        model: BaseChatModel | None = self._models.get(key)
        if model is not None:
            return model
        settings = {**self._settings, **chosen}
        if not settings.get("model"):
            named = next((one for one, name in self._fields.items() if name == "model"), f"{self._prefix}model")
            raise ModelNameError(
                "No model is chosen.", hint=f"Say config={{'configurable': {{{named!r}: 'provider:model'}}}}."
            )
        if chosen and self._is_elsewhere(settings):
            # The default's key is not shown to another provider, nor is that asked at the default's address.
            settings = {
                name: value for name, value in settings.items() if name in chosen or not _SENSITIVE.search(name)
            }
        model = self._make(**settings)
        self._models.put(key, model)
        return model

    def _is_elsewhere(self, settings: Mapping[str, Any]) -> bool:
        """Whether the model is of another provider than the default is."""
        if not self._settings.get("model") or not any(map(_SENSITIVE.search, self._settings)):
            return False
        before, now = (self._provider_of(one["model"], one.get("model_provider")) for one in (self._settings, settings))
        return before != now

    # ---- what it says of itself

    def get_name(self) -> str:
        """The name of its runs, where it has no default."""
        return self._settings.get("name") or type(self).__name__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if not self._settings.get("model"):
            raise AttributeError(f"{type(self).__name__} has no {name!r} before a call has chosen a model.")
        try:
            model = self._model({}, _frozen({}))
        except ChatplugError as error:
            raise AttributeError(f"{type(self).__name__} cannot make its default to read {name!r}: {error}") from error
        return getattr(model, name)

    def __repr__(self) -> str:
        from chatplug.credentials import shown

        facts = {name: value for name, value in self._settings.items() if not _SENSITIVE.search(name)}
        said = [f"{name}={value!r}" for name, value in shown(facts).items()]
        fields = "'any'" if self._takes_any else repr(sorted(self._fields))
        done = [f"{name}(...)" for name, _, _ in self._operations]
        return ".".join([f"{type(self).__name__}({', '.join([*said, f'configurable={fields}'])})", *done])


def _keys(fields: OpenFields, prefix: str) -> dict[str, str]:
    """For each key of `configurable` the setting that it chooses; none where any may be chosen by its own name."""
    if fields == "any":
        return {}
    if isinstance(fields, str):
        raise ConfigError(
            f"configurable_fields is {fields!r}.", hint="It is 'any', a list of names, or a dict of them."
        )
    if isinstance(fields, Mapping):
        ids = {name: one if isinstance(one, str) else one.id for name, one in fields.items()}
        return {key: name for name, key in ids.items()}
    return {f"{prefix}{name}": name for name in fields}


class _Kept:
    """What was made for a configuration; the one that was not used for the longest time goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """What was made; None where nothing is kept."""
        if key is None:
            return None
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, made: object) -> None:
        """Keep it."""
        if key is None:
            return
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


def _frozen(settings: Mapping[str, Any]) -> Hashable:
    """Settings as a key; None where one of them cannot be a part of a key."""
    try:
        return tuple(sorted((name, _hashable(value)) for name, value in settings.items()))
    except TypeError:
        return None


def _hashable(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return ("a dict", *sorted((name, _hashable(item)) for name, item in items))
    if isinstance(value, (list, tuple)):
        return ("a list", *(_hashable(item) for item in cast("Sequence[Any]", value)))
    hash(value)
    return (type(value).__name__, value)
