"""Can this model do what this request asks? The profile answers, before any byte leaves.

There are three answers: supported, unsupported, and unknown, which passes.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast

from chatplug.errors import UnsupportedRequestError
from chatplug.language_models.frames import callers_level
from chatplug.language_models.settings import ModelEndWarning, UnsupportedRequestWarning
from chatplug.messages import AIMessage, ToolMessage
from chatplug.wire.shape import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chatplug.messages import BaseMessage
    from chatplug.profiles import Known, ModelProfile

__all__ = ["Demand", "Finding", "demands", "find", "judge", "warn_of_end"]


class Finding(NamedTuple):
    """What the profile says of one thing that a request asks for."""

    asked: str
    """What is asked for, in words: `an image`, `tools`."""
    answer: Literal["supported", "unsupported", "unknown"]
    field: str
    """The field of the profile that was asked."""
    value: object = None
    """What the profile has there; None where it has nothing."""
    source: str | None = None
    """Who says so."""

    @property
    def override(self) -> str | None:
        """How to say otherwise: a setting of `chatplug.init`; None where nothing needs it."""
        if self.answer != "unsupported":
            return None
        return f"profile={{{self.field!r}: {_opposite(self.value)!r}}}"


def _opposite(value: object) -> object:
    return None if not isinstance(value, bool) else not value


class Asked(Protocol):
    """What the gate has to know of a model."""

    on_unsupported: Literal["raise", "warn", "allow"]

    @property
    def provider(self) -> str: ...
    @property
    def model_id(self) -> str | None: ...


class Demand(NamedTuple):
    """One thing that a request asks for."""

    asked: str
    field: str
    amount: int = 0
    """How many tokens it needs, where the field is a limit."""
    value: str = ""
    """Which it wants, where the field is a list."""


def demands(messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> Iterator[Demand]:
    """What a request asks for, each thing once."""
    yield from _of_settings(settings)
    seen: set[str] = set()
    for message in messages:
        if isinstance(message.content, str) or isinstance(message, AIMessage):
            continue  # what a model has said comes back in whatever form its provider wants
        for demand in _of_blocks(
            cast("list[dict[str, Any]]", message.content_blocks), isinstance(message, ToolMessage)
        ):
            if demand.field not in seen:
                seen.add(demand.field)
                yield demand
    from chatplug.profiles.estimate import estimate_length

    least = estimate_length(messages).low()
    yield Demand(f"at least {least:,} tokens", "max_input_tokens", amount=least)


def _of_settings(settings: Mapping[str, Any]) -> Iterator[Demand]:
    if settings.get("tools"):
        yield Demand("tools", "tool_calling")
    choice = settings.get("tool_choice")
    if choice is not None and choice is not False:
        mode = _choice_mode(choice)
        if mode in ("any", "tool"):
            yield Demand("a forced tool call", "tool_choice")
        yield Demand(f"the tool choice {mode!r}", "tool_choice_modes", value=mode)
    if settings.get("parallel_tool_calls"):
        yield Demand("several tool calls in one answer", "parallel_tool_calls")
    form = settings.get("response_format")
    if form is not None:
        kind = form.get("type") if is_object(form) else "json_schema"
        if kind == "json_object":
            yield Demand("the method 'json_mode'", "structured_output_methods", value="json_mode")
        elif kind != "text":
            yield Demand("an answer held to a schema", "structured_output")
            yield Demand("the method 'json_schema'", "structured_output_methods", value="json_schema")
    if settings.get("temperature") is not None:
        yield Demand("a temperature", "temperature")
    for name in ("max_tokens", "max_completion_tokens"):
        most = settings.get(name)
        if isinstance(most, int):
            yield Demand(f"{name}={most}", "max_output_tokens", amount=most)


def _choice_mode(choice: object) -> str:
    if choice is True or choice in ("any", "required"):
        return "any"
    return choice if choice in ("auto", "none") else "tool"


_ASKED = {"image": "an image", "audio": "sound", "video": "a film", "file": "a file"}


def _of_blocks(blocks: Iterable[Mapping[str, Any]], of_tool: bool) -> Iterator[Demand]:  # noqa: FBT001  # private
    for block in blocks:
        kind = block["type"]
        if kind not in _ASKED:
            continue
        is_pdf = kind == "file" and str(block.get("mime_type", "")).lower() == "application/pdf"
        if is_pdf:
            yield Demand("a PDF file", "pdf_inputs")
        elif kind == "file":
            yield Demand("a file", "attachment")
        else:
            yield Demand(_ASKED[kind], f"{kind}_inputs")
        if kind == "image" and block.get("url"):
            yield Demand("an image by its address", "image_url_inputs")
        if of_tool and (is_pdf or kind == "image"):
            what = "a PDF file" if is_pdf else "an image"
            yield Demand(f"{what} in the result of a tool", "pdf_tool_message" if is_pdf else "image_tool_message")


def find(profile: ModelProfile, known: Known, demand: Demand) -> Finding:
    """What a profile says of a demand."""
    value: object = cast("dict[str, object]", profile).get(demand.field)
    if value is None:
        return Finding(demand.asked, "unknown", demand.field)
    if isinstance(value, bool):
        is_met = value
    elif is_array(value):
        is_met = demand.value in value
    else:
        is_met = isinstance(value, int) and demand.amount <= value
    source = known.source_of(demand.field)
    is_ours = source is not None and known.profile().get(demand.field) == value
    said = str(source) if is_ours else "changed on this model"
    return Finding(demand.asked, "supported" if is_met else "unsupported", demand.field, value, said)


def judge(model: Asked, findings: Iterable[Finding], warned: set[tuple[str, str]]) -> None:
    """Do what `on_unsupported` says with what a model cannot do.

    Raises:
        UnsupportedRequestError: If there is something, and it says `raise`.
    """
    name = ":".join(part for part in (model.provider, model.model_id) if part)
    for finding in findings:
        if finding.answer != "unsupported":
            continue
        limit = "" if isinstance(finding.value, bool) else f" ({finding.field} is {finding.value!r})"
        text = f"The model cannot take {finding.asked}{limit}, says its profile ({finding.source})."
        if model.on_unsupported == "raise":
            raise UnsupportedRequestError(
                text,
                field=finding.field,
                source=finding.source or "",
                hint=f"If that is wrong, make the model with {finding.override}.",
            )
        if (name, finding.field) not in warned:
            warned.add((name, finding.field))
            warnings.warn(
                f"{name}: {text} It is sent all the same; if the profile is wrong, make the model with "
                f"{finding.override}.",
                UnsupportedRequestWarning,
                stacklevel=callers_level(model),
            )


def warn_of_end(model: Asked, profile: ModelProfile, warned: set[tuple[str, str]]) -> None:
    """Say once that a model ends, and what its provider recommends instead."""
    status, end = profile.get("status"), profile.get("retirement_date")
    if status not in ("deprecated", "retired") and end is None:
        return
    name = ":".join(part for part in (model.provider, model.model_id) if part)
    if (name, "status") in warned:
        return
    warned.add((name, "status"))
    is_over = status == "retired" or (end is not None and end <= _today())
    if is_over:
        what = f"is retired since {end}" if end else "is retired"
    else:
        what = f"is deprecated and answers until {end}" if end else "is deprecated"
    successor = profile.get("successor")
    instead = f" Its provider recommends {successor!r}." if successor else ""
    warnings.warn(f"{name} {what}.{instead}", ModelEndWarning, stacklevel=callers_level(model))


def _today() -> str:
    from datetime import UTC, datetime

    return datetime.now(tz=UTC).date().isoformat()
