"""Every exception of chatplug, as one tree that answers: whose turn is it?

    ChatplugError
    ├── PluginError                     the installation: a plugin is missing or faulty
    │   ├── ProviderNotFoundError       no installed plugin provides this name
    │   ├── ProviderConflictError       two distributions claim this name
    │   ├── PluginLoadError             the plugin cannot be imported or registered
    │   ├── PluginRefusedError          an allow-list, a block-list or a lock keeps it out
    │   └── PluginHookError             a hook raised or gave what it must not, or a model method gave it
    ├── InvalidRequestError             the caller (also a ValueError)
    │   ├── ModelNameError              not of the form "provider:model"
    │   ├── SettingsError               a setting with an unknown name or a wrong value
    │   ├── CredentialsError            a key is needed and was not given
    │   ├── MessageError                the input is not something that messages can be made of
    │   ├── LossError                   a conversation that cannot be sent whole, with on_loss="raise"
    │   ├── SchemaError                 no JSON Schema can be made of it, or none of the kind that is wanted
    │   ├── ConfigError                 a RunnableConfig with unknown keys or wrong values
    │   ├── ProfileDataError            facts about models that cannot be read or trusted
    │   └── UnsupportedRequestError     the model cannot do it, as its profile says; on_unsupported="raise"
    ├── ProviderError                   the other side said no, or said something else
    │   ├── AuthenticationError         who are you? (401)
    │   ├── PermissionDeniedError       not you (403)
    │   ├── NotFoundError               no such model or address (404)
    │   ├── BadRequestError             the provider refused the request (400, 413, 422)
    │   │   ├── ContextLengthError      more tokens than the model takes
    │   │   └── ContentFilterError      refused by the provider's content filter
    │   ├── InvalidResponseError        an answer that is not in the provider's wire format
    │   └── TransientError              the same request may succeed later
    │       ├── RateLimitError          too many requests (429); `retry_after` in seconds
    │       ├── ProviderTimeoutError    no answer in time; `phase` says which limit
    │       ├── ProviderConnectionError nobody there, or the line broke before an answer
    │       ├── OverloadedError         the provider has no capacity now (503, 529)
    │       ├── ServerError             the provider failed (other 5xx)
    │       └── StreamBrokenError       a stream ended before its end
    ├── ToolException                   a tool's author says that it did not work, for the model to know
    └── OutputError                     an answer came, and is not what was asked for
        ├── OutputParsingError          it cannot be read (also a ValueError)
        ├── OutputTruncatedError        it ended at the limit of tokens
        ├── OutputRefusedError          the model refused
        ├── OutputFilteredError         the provider's content filter cut it off
        ├── ToolArgumentsError          a tool was called with arguments that it does not take (also a ValueError)
        └── ToolRoundsError             the model goes on calling tools

Retry and fallback read the class, never the text. Facts are attributes. What had arrived when a stream
failed is on the error as `partial`.

An exception of another kind that a model's method raises reaches the caller as it is, with a note (PEP 678)
that names provider and model and says how much had arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from chatplug.messages import AIMessageChunk, BaseMessage, Loss

__all__ = [
    "AuthenticationError",
    "BadRequestError",
    "ChatplugError",
    "ConfigError",
    "ContentFilterError",
    "ContextLengthError",
    "CredentialsError",
    "InvalidRequestError",
    "InvalidResponseError",
    "LossError",
    "MessageError",
    "ModelNameError",
    "NotFoundError",
    "OutputError",
    "OutputFilteredError",
    "OutputParsingError",
    "OutputRefusedError",
    "OutputTruncatedError",
    "OverloadedError",
    "PermissionDeniedError",
    "PluginError",
    "PluginHookError",
    "PluginLoadError",
    "PluginRefusedError",
    "ProfileDataError",
    "ProviderConflictError",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderNotFoundError",
    "ProviderTimeoutError",
    "RateLimitError",
    "SchemaError",
    "ServerError",
    "SettingsError",
    "StreamBrokenError",
    "ToolArgumentsError",
    "ToolException",
    "ToolRoundsError",
    "TransientError",
    "UnsupportedRequestError",
    "nearest",
]


class ChatplugError(Exception):
    """The root of every exception that chatplug raises on purpose.

    Args:
        message: What happened.
        hint: What to do next, a sentence.
        provider: The provider concerned, where one is.
        model: The model concerned, where one is.
    """

    provider: str | None
    """The provider concerned; None where there is none yet."""
    model: str | None
    """The model concerned; None where there is none yet."""
    hint: str | None
    """What to do next."""

    def __init__(
        self, message: str, *, hint: str | None = None, provider: str | None = None, model: str | None = None
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.provider = provider
        self.model = model

    @property
    def message(self) -> str:
        """What happened, without the names and the hint that `str()` adds."""
        return str(self.args[0])

    def about(self, provider: str | None, model: str | None) -> Self:
        """The same error, with the provider and the model filled in where they were not known."""
        self.provider = self.provider or provider
        self.model = self.model or model
        return self

    def __str__(self) -> str:
        where = ":".join(part for part in (self.provider, self.model) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Callable[..., ChatplugError], tuple[Any, ...]]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[ChatplugError], args: tuple[Any, ...], state: dict[str, Any]) -> ChatplugError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class PluginError(ChatplugError):
    """The installation is at fault: a plugin is missing, faulty or in conflict with another."""


class ProviderNotFoundError(PluginError):
    """No installed plugin provides the name that was asked for."""


class ProviderConflictError(PluginError):
    """More than one distribution claims the provider that was asked for."""


class PluginLoadError(PluginError):
    """A plugin could not be imported, or does not fit the hook specifications."""


class PluginRefusedError(PluginError):
    """The plugin may not run: an allow-list, a block-list or a lock keeps it out. Nothing of it was imported."""


class PluginHookError(PluginError):
    """A hook raised or gave what it must not, or a method of a plugin's model gave it."""


class InvalidRequestError(ChatplugError, ValueError):
    """The caller asked for something that cannot be sent; nothing was sent."""


class ModelNameError(InvalidRequestError):
    """A model name that is not of the form `provider:model`, or that the provider cannot read."""


class SettingsError(InvalidRequestError):
    """A setting with a name that nobody knows, or with a value of the wrong kind."""


class CredentialsError(InvalidRequestError):
    """The provider needs a key, and none was given."""


class MessageError(InvalidRequestError):
    """Input that no messages can be made of."""


class LossError(InvalidRequestError):
    """A conversation holds what the provider has no place for, and `on_loss="raise"` forbids leaving it out.

    Args:
        message: What happened.
        losses: What would have been left out.
    """

    losses: list[Loss]
    """What would have been left out."""

    def __init__(
        self,
        message: str,
        *,
        losses: Iterable[Loss] = (),
        hint: str | None = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, provider=provider, model=model)
        self.losses = list(losses)


class SchemaError(InvalidRequestError):
    """Something that no JSON Schema can be made of, or none of the kind that is wanted."""


class ConfigError(InvalidRequestError):
    """A `RunnableConfig` with unknown keys, or with values of the wrong kind."""


class ProfileDataError(InvalidRequestError):
    """Facts about models that cannot be read, or in which too much is wrong to trust the rest."""


class UnsupportedRequestError(InvalidRequestError):
    """A request that the model cannot answer, as its profile says, and `on_unsupported="raise"` forbids trying.

    Args:
        message: What happened.
        field: The field of the profile that says so.
        source: Where the fact comes from.
    """

    field: str
    """The field of the profile that says so."""
    source: str
    """Where the fact comes from."""

    def __init__(  # one parameter for each fact
        self,
        message: str,
        *,
        field: str = "",
        source: str = "",
        hint: str | None = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, provider=provider, model=model)
        self.field = field
        self.source = source


class ProviderError(ChatplugError):
    """The provider refused, failed, or could not be reached.

    Args:
        message: What happened, with the provider's own words where it sent some.
        status: The HTTP status, where there was an answer.
        code: The provider's own code for the failure, where it sent one.
        request_id: The provider's name for this request, for its support.
        body: What the provider sent, where it is worth reading; never holds a key.
        partial: The message as far as it had arrived.
    """

    status: int | None
    """The HTTP status; None where no answer came."""
    code: str | None
    """The provider's own code for the failure."""
    request_id: str | None
    """The provider's name for this request."""
    body: object
    """What the provider sent: parsed JSON, or the beginning of a text."""
    partial: AIMessageChunk | None
    """The message as far as it had arrived; None where nothing had."""

    def __init__(  # noqa: PLR0913  # one parameter for each fact
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        body: object = None,
        partial: AIMessageChunk | None = None,
        hint: str | None = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, provider=provider, model=model)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.body = body
        self.partial = partial


class AuthenticationError(ProviderError):
    """The provider does not accept the key."""


class PermissionDeniedError(ProviderError):
    """The key is known, and may not do this."""


class NotFoundError(ProviderError):
    """The provider knows no such model or address."""


class BadRequestError(ProviderError):
    """The provider refused the request as it is."""


class ContextLengthError(BadRequestError):
    """The request holds more tokens than the model takes."""


class ContentFilterError(BadRequestError):
    """The provider's content filter refused the request."""


class InvalidResponseError(ProviderError):
    """An answer came that is not in the provider's wire format."""


class TransientError(ProviderError):
    """The same request may succeed later."""

    retry_after: float | None = None
    """Seconds to wait before the next try; None where the provider did not say."""


class RateLimitError(TransientError):
    """Too many requests, or too many tokens, in too short a time."""


class ProviderTimeoutError(TransientError):
    """No answer came in time."""

    phase: str | None = None
    """Which limit passed: `connect`, `read` (silence) or `total`."""


class ProviderConnectionError(TransientError):
    """No connection could be made, or it broke before an answer came."""


class OverloadedError(TransientError):
    """The provider has no capacity at this moment."""


class ServerError(TransientError):
    """The provider failed on its side."""


class StreamBrokenError(TransientError):
    """A stream ended before its end; `partial` holds what had arrived."""


class ToolException(ChatplugError):
    """Raised by a tool to say that it did not work; what becomes of it the tool's `handle_tool_error` says."""


class OutputError(ChatplugError):
    """An answer came, and is not what was asked for."""

    raw: BaseMessage | None
    """The answer; None where it is not known here."""
    partial: Any
    """What could be read of the answer, as far as it goes; None where nothing could."""

    def __init__(  # one parameter for each fact
        self,
        message: str,
        *,
        raw: BaseMessage | None = None,
        partial: Any = None,
        hint: str | None = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, provider=provider, model=model)
        self.raw = raw
        self.partial = partial


class OutputParsingError(OutputError, ValueError):
    """The answer cannot be read as what was asked for; `llm_output` is its text."""

    llm_output: str | None = None
    """The text that could not be read."""


class OutputTruncatedError(OutputError):
    """The answer ended at the limit of tokens, so that it is not whole; `partial` is what can be read."""


class OutputRefusedError(OutputError):
    """The model refused to answer; `refusal` has its words."""

    refusal: str | None = None
    """What the model said."""


class OutputFilteredError(OutputError):
    """The provider's content filter cut the answer off."""


class ToolArgumentsError(OutputError, ValueError):
    """A tool was called with arguments that it does not take."""

    tool: str | None = None
    """The tool's name."""


class ToolRoundsError(OutputError):
    """The model went on calling tools after as many rounds as it was given; `messages` has all that was said."""

    messages: list[BaseMessage]
    """The conversation up to here."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that offers the known name nearest to `name`; empty if none is near.

    >>> nearest("temprature", ["temperature", "timeout"])
    "Did you mean 'temperature'?"
    >>> nearest("openai_proxy", ["proxy", "timeout"])
    "Did you mean 'proxy'?"
    """
    from difflib import get_close_matches

    words = list(known)
    found = get_close_matches(name, words, n=1) or [word for word in words if name.endswith(f"_{word}")]
    return f"Did you mean {found[0]!r}?" if found else ""
