"""One request and its answer, without the I/O between them.

Both drivers in `model.py` send `request`, hand over what comes, and are told what it means.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chatplug.credentials import redact
from chatplug.errors import ChatplugError, ProviderError
from chatplug.http import Request, TransportError
from chatplug.wire import is_array, is_object
from chatplug_openai_compat.decode import StreamReader, decode_answer, read_json
from chatplug_openai_compat.errors import error_from_answer, error_from_event, error_from_transport, unreadable

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pydantic import SecretStr

    from chatplug.http import Response
    from chatplug.outputs import ChatResult

__all__ = ["Exchange"]

_OK = 200
_REQUEST_ID = "x-request-id"


class Exchange:
    """What one request means on its way out and back.

    Args:
        request: What is sent.
        provider: Who is asked.
        model: The model that is asked.
        secret: The key, which no error may show.
        facts: What the answer's metadata says besides what the server says.
    """

    __slots__ = ("_began", "_facts", "_model", "_provider", "_secret", "request")

    def __init__(
        self,
        request: Request,
        *,
        provider: str,
        model: str,
        secret: SecretStr | None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.request = request
        self._provider = provider
        self._model = model
        self._secret = secret
        self._facts = facts or {}
        self._began = False

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Whatever goes wrong inside is one of chatplug's errors, about this model, without the key."""
        try:
            yield
        except TransportError as error:
            raise self._ours(error_from_transport(error, began=self._began)) from error
        except ChatplugError as error:
            self._ours(error)
            raise

    def _ours(self, error: ChatplugError) -> ChatplugError:
        error.args = tuple(redact(part, [self._secret]) if isinstance(part, str) else part for part in error.args)
        if isinstance(error, ProviderError) and error.body is not None:
            error.body = _redacted(error.body, self._secret)
        return error.about(self._provider, self._model)

    def result(self, answer: Response) -> ChatResult:
        """The messages of a whole answer."""
        body = self.read(answer)
        if is_object(body) and body.get("error") and not body.get("choices"):
            raise error_from_event(body)
        result = decode_answer(body, self._provider)
        facts = self._told(answer.headers)
        if facts:
            for generation in result.generations:
                generation.message.response_metadata.update(facts)
        return result

    def _told(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """What an answer's metadata says that is not in its body."""
        request_id = headers.get(_REQUEST_ID)
        return {**self._facts, "request_id": request_id} if request_id else dict(self._facts)

    def read(self, answer: Response) -> Any:
        """The parsed body of a whole answer of success."""
        if answer.status != _OK:
            raise self.refusal(answer.status, answer.headers, answer.body)
        try:
            return read_json(answer.body)
        except ValueError:
            raise unreadable(answer.status, answer.headers, answer.body, self._url, "JSON") from None

    def reader(self, status: int, headers: Mapping[str, str]) -> StreamReader | None:
        """What reads the body of a stream; None if the answer is no stream, and the body says why."""
        kind = headers.get("content-type", "")
        if status != _OK or "json" in kind or "html" in kind:
            return None
        self._began = True
        return StreamReader(self._provider, error_from_event, self._told(headers))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error of an answer that is not what was asked for."""
        if status != _OK:
            return error_from_answer(status, headers, body, self._url)
        try:
            told = read_json(body)
        except ValueError:
            told = None
        if is_object(told) and told.get("error"):
            return error_from_event(told)
        return unreadable(status, headers, body, self._url, "an event stream")

    @property
    def _url(self) -> str:
        return self.request.url.partition("?")[0]


def _redacted(value: Any, secret: SecretStr | None) -> Any:
    if isinstance(value, str):
        return redact(value, [secret])
    if is_object(value):
        return {name: _redacted(item, secret) for name, item in value.items()}
    return [_redacted(item, secret) for item in value] if is_array(value) else value
