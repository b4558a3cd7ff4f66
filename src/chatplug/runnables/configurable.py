"""Fields of a Runnable, and whole Runnables, that one call may choose by `configurable` in its config."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chatplug.errors import ConfigError, nearest
from chatplug.runnables.delegating import Delegating
from chatplug.runnables.fluent import coerce_to_runnable
from chatplug.runnables.runnable import Input, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chatplug.runnables.config import ResolvedConfig
    from chatplug.runnables.runnable import Runnable

__all__ = [
    "ConfigurableField",
    "RunnableConfigurableAlternatives",
    "RunnableConfigurableFields",
    "field_names",
    "with_fields",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConfigurableField:
    """What a call says to choose: `config={"configurable": {id: value}}`."""

    id: str
    """The key in `configurable`."""
    name: str | None = None
    """What it is called where people see it."""
    description: str | None = None
    """What it is for."""
    annotation: Any = None
    """The type of its values; None for that of the field."""
    is_shared: bool = False
    """Whether alternatives leave its key as it is, although they are told to mark theirs."""


class RunnableConfigurableFields(Delegating[Input, Output]):
    """A Runnable some fields of which a call may set.

    Args:
        default: The Runnable, as it is where a call says nothing.
        fields: For each name of a field what a call says to set it.

    Raises:
        ConfigError: If it has no such field.
    """

    default: Runnable[Input, Output]
    """The Runnable, as it is where a call says nothing."""
    fields: dict[str, ConfigurableField]
    """For each name of a field what a call says to set it."""

    def __init__(self, default: Runnable[Input, Output], fields: Mapping[str, ConfigurableField]) -> None:
        known = field_names(default)
        for name in fields:
            if name not in known:
                raise ConfigError(f"{type(default).__name__} has no field {name!r}.", hint=nearest(name, known))
            if not isinstance(fields[name], ConfigurableField):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
                raise ConfigError(f"{name} is {type(fields[name]).__name__}.", hint="Give a ConfigurableField.")
        self.default = default
        self.fields = dict(fields)

    def get_name(self) -> str:
        """The name of its runs: that of the Runnable."""
        return self.default.get_name()

    def _types(self) -> tuple[Any, Any]:
        return self.default.InputType, self.default.OutputType

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        return (self.default,)

    def with_prefix(self, prefix: str) -> RunnableConfigurableFields[Input, Output]:
        """The same with `prefix` before each key that is not shared."""
        return RunnableConfigurableFields(
            self.default, {name: _marked(one, prefix) for name, one in self.fields.items()}
        )

    def _target(
        self, config: ResolvedConfig, kwargs: dict[str, Any]
    ) -> tuple[Runnable[Any, Any], ResolvedConfig, dict[str, Any]]:
        said: dict[str, Any] = config.get("configurable", {})
        values = {name: said[one.id] for name, one in self.fields.items() if one.id in said}
        return (with_fields(self.default, values) if values else self.default), config, kwargs


class RunnableConfigurableAlternatives(Delegating[Input, Output]):
    """Several Runnables, of which a call chooses one.

    Args:
        which: What a call says to choose.
        default: The one where a call says nothing, or `default_key`.
        alternatives: The others, by what a call says.
        default_key: What a call says to choose the default.
        prefix_keys: Whether the keys of fields of an alternative are marked with it: `which==key/field`.

    Raises:
        ConfigError: If an alternative has the key of the default.
    """

    which: ConfigurableField
    """What a call says to choose."""
    default: Runnable[Input, Output]
    """The one where a call says nothing."""
    alternatives: dict[str, Runnable[Input, Output]]
    """The others, by what a call says."""

    def __init__(
        self,
        which: ConfigurableField,
        default: Runnable[Input, Output],
        alternatives: Mapping[str, Any],
        *,
        default_key: str = "default",
        prefix_keys: bool = False,
    ) -> None:
        if default_key in alternatives:
            raise ConfigError(f"{default_key!r} is the key of the default.", hint="Give another default_key.")
        self.which = which
        self.default = default
        self.default_key = default_key
        self.prefix_keys = prefix_keys
        # What is a function without parameters makes the Runnable when it is chosen.
        self.alternatives = {key: one if _makes(one) else coerce_to_runnable(one) for key, one in alternatives.items()}

    def get_name(self) -> str:
        """The name of its runs: that of the default."""
        return self.default.get_name()

    def _types(self) -> tuple[Any, Any]:
        return self.default.InputType, self.default.OutputType

    def _parts(self) -> Sequence[Runnable[Any, Any]]:
        return (self.default,)

    def _target(
        self, config: ResolvedConfig, kwargs: dict[str, Any]
    ) -> tuple[Runnable[Any, Any], ResolvedConfig, dict[str, Any]]:
        chosen: Any = config.get("configurable", {}).get(self.which.id, self.default_key)
        if chosen == self.default_key:
            target = self.default
        elif isinstance(chosen, str) and chosen in self.alternatives:
            target = self.alternatives[chosen]
            if _makes(target):
                target = self.alternatives[chosen] = coerce_to_runnable(cast("Any", target)())
        else:
            keys = [self.default_key, *self.alternatives]
            raise ConfigError(
                f"configurable[{self.which.id!r}] is {chosen!r}.",
                hint=nearest(str(chosen), keys) or f"Choose one of: {', '.join(keys)}.",
            )
        if self.prefix_keys and isinstance(target, RunnableConfigurableFields):
            target = target.with_prefix(f"{self.which.id}=={chosen}/")
        return target, config, kwargs


def _marked(field: ConfigurableField, prefix: str) -> ConfigurableField:
    if field.is_shared:
        return field
    return ConfigurableField(f"{prefix}{field.id}", field.name, field.description, field.annotation)


def _makes(thing: object) -> bool:
    """Whether it is a function without parameters."""
    import inspect

    return inspect.isroutine(thing) and not inspect.signature(thing).parameters


def field_names(runnable: object) -> list[str]:
    """The fields of a Runnable that can be set: those of a pydantic model, else its attributes."""
    fields: Mapping[str, Any] | None = getattr(type(runnable), "model_fields", None)
    return list(vars(runnable) if fields is None else fields)


def with_fields(runnable: T, values: Mapping[str, Any]) -> T:
    """Another Runnable with some fields changed; what a pydantic model is given is checked.

    A chat model is made anew: what it derives from its settings, a client or a body, is of the new ones.

    Raises:
        ConfigError: If a field cannot have such a value.
    """
    if not hasattr(type(runnable), "model_fields"):
        changed = copy(runnable)
        vars(changed).update(values)
        return changed
    from pydantic import BaseModel, ValidationError

    assert isinstance(runnable, BaseModel), "it has the fields of one"
    model = BaseModel.model_copy(runnable)  # a plugin's own way to copy would check, and forbid what follows
    for name, value in values.items():
        try:
            type(model).__pydantic_validator__.validate_assignment(model, name, value)
        except ValidationError as error:
            reason = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
            raise ConfigError(f"The field {name!r} of {type(model).__name__} cannot be set so: {reason}.") from None
    remade: Callable[[Mapping[str, Any]], T] | None = getattr(runnable, "remade", None)
    return model if remade is None else remade({name: getattr(model, name) for name in values})
