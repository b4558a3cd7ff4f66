"""What a request's body says besides the conversation: one field for each setting of chat completions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from chatplug.errors import SettingsError
from chatplug.json_schema import FrozenList
from chatplug.language_models import BaseChatModel

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BODY", "OF_A_CALL", "BodySettings"]


class BodySettings(BaseChatModel):
    """Settings that go into the body, each None unless it is given: the server decides then.

    They may also be given with one call, for that call alone; None with a call takes back what the model has. The wire
    is documented at https://platform.openai.com/docs/api-reference/chat (looked up 2026-11-24).
    """

    temperature: Annotated[float, Field(ge=0)] | None = None
    """How freely the model chooses: 0 is the most repeatable."""
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Choose only among the likeliest tokens, whose probabilities add up to this."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """The most tokens that an answer may have, reasoning included; sent under the name that the provider wants."""
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    """The same under OpenAI's newer name, sent as it is named; `max_tokens` is enough for every provider."""
    n: Annotated[int, Field(ge=1)] | None = None
    """How many answers; the first is what `invoke` gives, handlers hear all."""
    seed: int | None = None
    """A number with which the model chooses alike each time, as far as the server can."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Above 0 the model says the less of a word the more often it has said it."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Above 0 the model turns to what it has not spoken of."""
    logit_bias: dict[int | str, float] | None = None
    """Tokens, by number, that are to be likelier (up to 100) or less likely (down to -100)."""
    logprobs: bool | None = None
    """Whether the answer says how likely its tokens were: in `response_metadata["logprobs"]`."""
    top_logprobs: Annotated[int, Field(ge=0)] | None = None
    """How many tokens that might have stood in each place are told as well; needs `logprobs`."""
    reasoning_effort: str | None = None
    """How long a model reasons: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`; not every model has all."""
    verbosity: str | None = None
    """How long the answer is: `low`, `medium`, `high`."""
    response_format: dict[str, Any] | None = None
    """The form of the answer: `{"type": "json_schema", "json_schema": {...}}`, or `{"type": "json_object"}`."""
    tools: list[dict[str, Any]] | None = None
    """What the model may call: `{"type": "function", "function": {...}}`; dicts of another type go as they are."""
    tool_choice: str | dict[str, Any] | None = None
    """Whether it has to call: `auto`, `any` (one of them), `none`, a tool's name, or a dict as the wire has it."""
    parallel_tool_calls: bool | None = None
    """Whether one answer may call several tools."""
    modalities: list[str] | None = None
    """What the answer is made of: `text`, `audio`, `image`."""
    audio: dict[str, Any] | None = None
    """Voice and format of an audio answer: `{"voice": "alloy", "format": "wav"}`."""
    prediction: dict[str, Any] | None = None
    """What the answer will mostly be, so that it is there sooner: `{"type": "content", "content": "..."}`."""
    web_search_options: dict[str, Any] | None = None
    """For models that search: how much, and from where."""
    moderation: dict[str, Any] | None = None
    """Which moderation the provider is to run on what is said."""
    service_tier: str | None = None
    """Which tier serves the request: `auto`, `default`, `flex`, `priority`."""
    prompt_cache_key: str | None = None
    """A name under which requests with the same beginning find the provider's cache."""
    prompt_cache_retention: str | None = None
    """How long the cache keeps it: `in_memory`, `24h`."""
    prompt_cache_options: dict[str, Any] | None = None
    """How the cache is used, for example `{"mode": "explicit", "ttl": "30m"}`."""
    safety_identifier: str | None = None
    """A name of the end user that tells the provider nothing else, against misuse."""
    user: str | None = None
    """The older setting for the same."""
    store: bool | None = None
    """Whether the provider keeps the answer for later retrieval."""
    stream_options: dict[str, Any] | None = None
    """Options of streams; None asks for the tokens where the provider has to be asked, `{}` asks for nothing."""
    extra_body: dict[str, Any] | None = None
    """Fields of the body that have no setting here, as the wire has them; they win over settings of the same name.
    Those of a call are added to the model's, as are its headers and parameters."""
    extra_headers: dict[str, SecretStr] | None = None
    """Headers to send besides; kept as secrets, since some hold keys."""
    extra_query: dict[str, str | int | float | bool] | None = None
    """Parameters to add to the address."""

    @classmethod
    def checked_call(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of one call, each checked as when a model is made; None takes back what the model has.

        Raises:
            SettingsError: If a value is wrong.
        """
        return {
            # What cannot be changed was made by the host.
            name: value if value is None or value.__class__ is FrozenList else _checked(cls, name, value)
            for name, value in settings.items()
        }


def _checked(cls: type[BodySettings], name: str, value: Any) -> Any:
    try:
        return _adapter(cls, name).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        raise SettingsError(f"The setting {where!r} of a call is wrong: {first['msg']}.") from None


@cache
def _adapter(cls: type[BodySettings], name: str) -> TypeAdapter[Any]:
    return TypeAdapter[Any](cls.model_fields[name].rebuild_annotation())


_BESIDE = ("extra_headers", "extra_query")
OF_A_CALL = tuple(name for name in BodySettings.model_fields if name not in BaseChatModel.model_fields)
"""The names of the settings here, all of which one call may give."""
BODY = tuple(name for name in OF_A_CALL if name not in _BESIDE)
"""Those of them that are about the body."""
