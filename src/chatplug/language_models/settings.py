"""The settings of a model and of a call: which there are, and what is said of those that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from chatplug.errors import InvalidRequestError, SettingsError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel, ValidationError

__all__ = [
    "STANDARD_SETTINGS",
    "ModelEndWarning",
    "UnsupportedRequestWarning",
    "UnsupportedSettingWarning",
    "checked_stop",
    "names_of",
    "unknown_call_setting",
    "unknown_setting",
    "wrong_setting",
]

STANDARD_SETTINGS = frozenset(
    {"max_retries", "max_tokens", "profile", "rate_limiter", "seed", "stop", "temperature", "timeout"}
)
"""Settings that may be given to any model; one that a model has no field for is answered by `on_unsupported`."""


class ModelEndWarning(UserWarning):
    """A model is deprecated or retired, as its profile says."""


class UnsupportedRequestWarning(UserWarning):
    """A request asks for what the model cannot do, as its profile says; it is sent all the same."""


class UnsupportedSettingWarning(UserWarning):
    """A standard setting was given to a model that cannot honour it."""


def names_of(cls: type[BaseModel]) -> set[str]:
    """The names by which a model's fields can be given."""
    fields = cls.model_fields
    return {*fields, *(field.alias for field in fields.values() if field.alias)}


def checked_stop(stop: object) -> list[str]:
    """The stop texts that a call gives, as a list."""
    if isinstance(stop, str):
        return [stop]
    if not isinstance(stop, (list, tuple)):
        raise SettingsError(f"stop is {type(stop).__name__}.", hint="Give a text, or a list of texts.")
    texts: list[str] = []
    for index, text in enumerate(cast("Iterable[object]", stop)):
        if not isinstance(text, str):
            raise SettingsError(f"stop[{index}] is {type(text).__name__}.", hint="Give a text, or a list of texts.")
        texts.append(text)
    return texts


def unknown_call_setting(name: str, known: frozenset[str], *, is_field: bool) -> SettingsError:
    """The error for a setting that one call gave and may not."""
    if is_field:
        return SettingsError(
            f"{name!r} is no setting of a call.", hint="It is fixed when the model is made: give it there."
        )
    of_a_call = {*known, "stop"}
    return SettingsError(
        f"There is no setting {name!r} of a call.",
        hint=nearest(name, of_a_call | STANDARD_SETTINGS) or f"A call has {', '.join(sorted(of_a_call))}.",
    )


def unknown_setting(name: str, known: set[str] | frozenset[str]) -> SettingsError:
    """The error for a setting that nobody knows."""
    return SettingsError(
        f"There is no setting {name!r}.", hint=nearest(name, known) or f"Settings are {', '.join(sorted(known))}."
    )


def wrong_setting(error: ValidationError) -> InvalidRequestError:
    """The first fault of a validation, without the value: it might be a key."""
    first = error.errors(include_input=False, include_url=False)[0]
    reason = first.get("ctx", {}).get("error")
    if isinstance(reason, InvalidRequestError):
        # A validator of the plugin has said it better.
        return reason
    where = ".".join(str(part) for part in first["loc"])
    return SettingsError(f"The setting {where!r} is wrong: {first['msg']}.")
