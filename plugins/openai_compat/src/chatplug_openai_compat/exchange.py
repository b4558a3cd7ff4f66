"""One request and its answer, without the I/O between them.

Both drivers in `model.py` send `request`, hand over what comes, and are told what it means.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chatplug.credentials import redact
from chatplug.errors import AuthenticationError, ChatplugError, ProviderError
from chatplug.http import Request, Response, Stall, Terms, TimedOut, Timeout, TransportError, public_url
from chatplug.wire import is_array, is_object
from chatplug_openai_compat.decode import chunk_of_answer, decode_answer, is_refusal
from chatplug_openai_compat.errors import (
    error_from_answer,
    error_from_event,
    error_from_transport,
    stalled,
    unreadable,
)
from chatplug_openai_compat.fields import header_facts, limits_as_usual
from chatplug_openai_compat.json_text import read_json
from chatplug_openai_compat.stream import StreamReader

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pydantic import SecretStr

    from chatplug.http import AsyncByteStream, ByteStream
    from chatplug.messages import AIMessageChunk
    from chatplug.outputs import ChatResult
    from chatplug.rate_limiters import BaseRateLimiter
    from chatplug_openai_compat.gateway import Gateway

__all__ = ["Exchange"]

_LONGEST_REST = 5.0
"""Seconds for which the usage and the end of a stream are waited for when the answer has its finish reason."""


class Exchange:
    """What one request means on its way out and back.

    Args:
        request: What is sent.
        provider: Who is asked.
        model: The model that is asked.
        secrets: The key, and headers with another one, which no error may show.
        gateway: What is known of the provider.
        facts: What the answer's metadata says besides what the server says.
        limiter: What is asked before a further try, and hears what the server allows.
        stall: The seconds that a stream may go without an event; None for no limit.
    """

    __slots__ = ("_began", "_facts", "_gateway", "_limiter", "_model", "_provider", "_secrets", "_stall", "request")

    def __init__(  # noqa: PLR0913  # one parameter for each fact
        self,
        request: Request,
        *,
        provider: str,
        model: str,
        secrets: Sequence[SecretStr | None],
        gateway: Gateway,
        facts: Mapping[str, Any] | None = None,
        limiter: BaseRateLimiter | None = None,
        stall: float | None = None,
    ) -> None:
        self._stall = stall
        self.request = request
        self._limiter = limiter
        self._provider = provider
        self._model = model
        self._secrets = secrets
        self._gateway = gateway
        self._facts = facts or {}
        self._began = False

    def hide(self, secrets: Sequence[SecretStr]) -> None:
        """Show these in no error, either."""
        if secrets:
            self._secrets = (*self._secrets, *secrets)

    def terms(self, run_manager: object) -> Terms:
        """What holds for all tries together.

        Args:
            run_manager: Who is told of further tries, if it has an `on_retry`; None where nobody listens.
        """
        return Terms(self.request.timeout.total, getattr(run_manager, "on_retry", None), self._limiter)

    def within(self, left: float | None) -> Request:
        """The request of the next try.

        Args:
            left: The seconds that it may take; None for no limit.
        """
        self._began = False
        asked = self.request
        read = asked.timeout.read
        if self._stall is not None and (read is None or self._stall < read):
            # Silence is no event either.
            read = self._stall
        elif left is None:
            return asked
        timeout = Timeout(asked.timeout.connect, read, left)
        return Request(asked.method, asked.url, asked.headers, asked.body, timeout)

    @contextmanager
    def until_all_is_here(self, reader: StreamReader) -> Generator[None]:
        """What the transport raises inside is forgiven once the answer is here: servers end streams in many ways."""
        try:
            yield
        except TransportError:
            if not reader.has_all:
                raise

    def has_enough(self, reader: StreamReader, answer: ByteStream | AsyncByteStream) -> bool:
        """Whether nothing more of a stream need be read; where all but its end is here, that is not waited for long."""
        if reader.has_all:
            answer.limit_rest(_LONGEST_REST if self._stall is None else min(_LONGEST_REST, self._stall))
        return reader.is_done

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Whatever goes wrong inside is one of chatplug's errors, about this model, without the key."""
        try:
            yield
        except TransportError as error:
            self._redact(error)
            if self._stall is not None and isinstance(error, TimedOut) and error.seconds == self._stall:
                raise self._ours(stalled(self._stall)) from error
            raise self._ours(error_from_transport(error, began=self._began)) from error
        except ChatplugError as error:
            self._ours(error)
            raise

    def _ours(self, error: ChatplugError) -> ChatplugError:
        self._redact(error)
        return error.about(self._provider, self._model)

    def _redact(self, error: Exception) -> None:
        """Take the key out of all that an error says; `partial` is the model's own words and stays."""
        error.args = tuple(_redacted(part, self._secrets) for part in error.args)
        facts = vars(error)
        facts.update({name: _redacted(value, self._secrets) for name, value in facts.items() if name != "partial"})

    def clean(self, body: bytes) -> bytes:
        """A body without the key; before it is cut, because half a key is still too much."""
        return redact(body.decode("utf-8", "surrogateescape"), self._secrets).encode("utf-8", "surrogateescape")

    def result(self, answer: Response) -> ChatResult:
        """The messages of a whole answer."""
        self._observe(answer.headers)
        return self._result(self.read(answer), answer.headers)

    def _result(self, body: Any, headers: Mapping[str, str]) -> ChatResult:
        if is_refusal(body):
            raise error_from_event(body)
        result = decode_answer(body, self._gateway.name, think_tags=self._gateway.think_tags)
        if body["choices"][0].get("finish_reason") == "error":
            raise error_from_event(body["choices"][0])
        facts = self._told(headers)
        if facts:
            for generation in result.generations:
                generation.message.response_metadata.update(facts)
        return result

    def _told(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """What an answer's metadata says that is not in its body."""
        return {**self._facts, **header_facts(headers, self._gateway.request_id)}

    def read(self, answer: Response, wanted: str = "JSON") -> Any:
        """The parsed body of a whole answer of success.

        Args:
            answer: The answer.
            wanted: The form that was asked for, with its article.
        """
        if not _is_success(answer.status):
            raise self.refusal(answer.status, answer.headers, answer.body)
        try:
            return read_json(answer.body)
        except ValueError:
            body = self.clean(answer.body)
            raise unreadable(answer.status, answer.headers, body, self._url, wanted) from None

    def reader(self, status: int, headers: Mapping[str, str]) -> StreamReader | None:
        """What reads the body of a stream; None if the server refused, and the body says why."""
        self._observe(headers)
        if not _is_success(status):
            return None

        def whole(body: bytes) -> AIMessageChunk:
            parsed = self.read(Response(status, headers, body), "an event stream")
            return chunk_of_answer(self._result(parsed, headers), parsed)

        kind = headers.get("content-type", "")
        self._began = "json" not in kind and "html" not in kind
        return StreamReader(
            self._gateway.name,
            error_from_event,
            self._told(headers),
            whole=whole,
            clean=self.clean,
            think_tags=self._gateway.think_tags,
            stall=None if self._stall is None else Stall(self._stall),
        )

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error of an answer whose status is none of success."""
        error = error_from_answer(status, headers, self.clean(body), self._url)
        if isinstance(error, AuthenticationError):
            error.hint = f"Check api_key, or the variable {self._gateway.key_variables[0]}."
        return error

    def _observe(self, headers: Mapping[str, str]) -> None:
        if self._limiter is not None:
            self._limiter.observe(limits_as_usual(headers, self._gateway.rate_limits))

    @property
    def _url(self) -> str:
        return public_url(self.request.url)


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # HTTP's


def _redacted(value: Any, secrets: Sequence[SecretStr | None]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if is_object(value):
        return {_redacted(name, secrets): _redacted(item, secrets) for name, item in value.items()}
    return [_redacted(item, secrets) for item in value] if is_array(value) else value
