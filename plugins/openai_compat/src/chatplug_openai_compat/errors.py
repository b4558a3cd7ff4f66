"""What went wrong, as one of chatplug's errors: by status and by code, never by text; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chatplug.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProviderConnectionError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    TransientError,
)
from chatplug.http import BodyTooLarge, BrokenBody, ConnectError, InvalidRequest, ProxyError, TimedOut, TLSError
from chatplug.wire import is_array, is_object, retry_after
from chatplug_openai_compat.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.errors import ChatplugError
    from chatplug.http import TransportError

__all__ = ["error_from_answer", "error_from_event", "error_from_transport", "stalled", "unreadable"]

_BY_CODE: dict[str, type[ProviderError]] = {
    "billing_hard_limit_reached": PermissionDeniedError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "context_length_exceeded": ContextLengthError,
    "exceed_context_size_error": ContextLengthError,
    "insufficient_quota": PermissionDeniedError,
    "invalid_api_key": AuthenticationError,
    "model_not_found": NotFoundError,
    "overloaded_error": OverloadedError,
    "rate_limit_exceeded": RateLimitError,
    "server_error": ServerError,
}
"""What an error's `code`, or else its `type`, says more exactly than its status: OpenAI's error codes and llama.cpp's
error types (API documentation of both, 2026-11)."""

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthenticationError,
    402: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: ProviderTimeoutError,
    429: RateLimitError,
    503: OverloadedError,
    504: ProviderTimeoutError,
    529: OverloadedError,
}

_HINTS: dict[type[ProviderError], str] = {
    AuthenticationError: "Check api_key, or the variable OPENAI_API_KEY.",
    BadRequestError: "Change what the server names, and ask again.",
    ContentFilterError: "Say it in other words.",
    ContextLengthError: "Shorten the conversation, or use a model that takes more.",
    NotFoundError: "Check the model's name, and base_url: most servers want it to end in /v1.",
    OverloadedError: "Try again later.",
    PermissionDeniedError: "Check what this key may do, and the account's plan.",
    ProviderTimeoutError: "Try again later.",
    RateLimitError: "Wait before the next request.",
    ServerError: "Try again later.",
}


def error_from_answer(status: int, headers: Mapping[str, str], body: bytes, url: str) -> ProviderError:
    """The error of an answer whose status is none of success.

    Args:
        status: The HTTP status.
        headers: The answer's headers, names in lower case.
        body: The body, or its beginning.
        url: Where the request went, without its query.
    """
    parsed = _parsed(body)
    if 300 <= status < 400:  # the redirects of HTTP
        host = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2]
        return InvalidResponseError(
            f"{url} redirects to {host or 'nowhere'}, and a key is not sent along.",
            hint="If that is right, give the new address as base_url.",
            status=status,
        )
    words, code, kind = _told(parsed)
    error_class = _class_of(status, code, kind)
    if not words:
        words = _page_title(body) if parsed is None else _shown(body, 200)
    error = error_class(
        _sentence(f"{url} answered {status}{': ' if words else ''}{words}"),
        hint=_HINTS.get(error_class),
        status=status,
        code=_code(code, kind),
        request_id=headers.get("x-request-id"),
        body=_shown(body) if parsed is None else parsed,
    )
    return _with_wait(error, headers)


def error_from_event(event: Any) -> ProviderError:
    """The error of an error object that came where an answer should be: in a stream, or with status 200."""
    words, code, kind = _told(event)
    status = _status_of(code) or _status_beside(event)
    error_class = _class_of(status or _STATUS_OF_TYPE.get(kind or "", 500), code, kind)
    return error_class(
        _sentence(f"The server broke off with an error: {words or 'it does not say which'}"),
        hint=_HINTS.get(error_class),
        status=status,
        code=_code(code, kind),
        body=event,
    )


def unreadable(status: int, headers: Mapping[str, str], body: bytes, url: str, wanted: str) -> InvalidResponseError:
    """The error of an answer of success that is not of the form that was asked for.

    Args:
        status: The HTTP status.
        headers: The answer's headers, names in lower case.
        body: The body, or its beginning.
        url: Where the request went, without its query.
        wanted: The form that was asked for, with its article.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if not body.strip():
        what = "answered with an empty body"
    elif kind == "text/html" or body.lstrip()[:1] == b"<":
        what = f"answered with a web page{_titled(body)}"
    else:
        what = f"answered with something that is not {wanted}: {_shown(body, 80)!r}"
    return InvalidResponseError(
        f"{url} {what}.",
        hint="Check base_url: it names the server up to and with /v1.",
        status=status,
        request_id=headers.get("x-request-id"),
        body=_shown(body),
    )


def error_from_transport(error: TransportError, *, began: bool) -> ChatplugError:
    """The error of a request that got no whole answer.

    Args:
        error: What the transport says.
        began: Whether the answer had begun.
    """
    what = _sentence(" ".join(str(error).split()))
    if isinstance(error, InvalidRequest):
        return InvalidRequestError(what, hint="Check base_url, api_key and http_client.")
    if isinstance(error, TimedOut):
        late = ProviderTimeoutError(what, hint="Raise `timeout`, or try again.")
        late.phase = error.phase
        return late
    if isinstance(error, TLSError):
        return ProviderConnectionError(what, hint="Check base_url and the certificates.")
    if isinstance(error, ProxyError):
        return ProviderConnectionError(what, hint="Check the proxy's address and password.")
    if isinstance(error, ConnectError):
        return ProviderConnectionError(what, hint="Is the server running? Check base_url.")
    if isinstance(error, BodyTooLarge):
        return InvalidResponseError(what, hint="Ask for less, for example with max_tokens.")
    if began:
        return StreamBrokenError(f"The server hung up in mid-answer: {what}", hint="Ask again.")
    if isinstance(error, BrokenBody):
        return ProviderConnectionError(what, hint="Ask again.")
    return ProviderConnectionError(what, hint="Try again.")


def stalled(limit: float) -> ProviderTimeoutError:
    """The error of a stream in which no event came for too long.

    Args:
        limit: The seconds that it might have taken.
    """
    error = ProviderTimeoutError(
        f"No event of the stream came within {limit:g} s.", hint="Raise `stall_timeout`, or try again."
    )
    error.phase = "stall"
    return error


def _class_of(status: int, code: str | None, kind: str | None) -> type[ProviderError]:
    for name in (code, kind):
        if name in _BY_CODE:
            return _BY_CODE[name]
    found = _BY_STATUS.get(status)
    return found or (ServerError if status >= 500 else BadRequestError)  # HTTP's


def _status_of(code: str | None) -> int | None:
    """The HTTP status that some servers give as the code of an error."""
    is_status = code is not None and len(code) == 3 and code.isascii() and code.isdigit() and code[0] in "45"
    return int(code) if code is not None and is_status else None


def _status_beside(event: Any) -> int | None:
    """The HTTP status that stands beside the code of an error (Groq, recorded in 2026)."""
    inner = event.get("error") if is_object(event) else None
    return _status_of(_text(inner.get("status_code"))) if is_object(inner) else None


_STATUS_OF_TYPE = {
    "authentication_error": 401,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "permission_error": 403,
    "rate_limit_error": 429,
}
"""The status that goes with an error's `type`, for an error that comes without one (API documentation of Anthropic and
OpenAI, 2026-11)."""


def _code(code: str | None, kind: str | None) -> str | None:
    """What says most: the code, unless it says the HTTP status again and there is a type."""
    return kind or code if _status_of(code) is not None else code or kind


def _sentence(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _with_wait(error: ProviderError, headers: Mapping[str, str]) -> ProviderError:
    if isinstance(error, TransientError):
        error.retry_after = retry_after(headers)
        if error.retry_after is not None:
            error.hint = f"The server asks to wait {error.retry_after:g} s."
    return error


def _parsed(body: bytes) -> Any:
    try:
        return read_json(body)
    except ValueError:
        return None


def _told(parsed: Any) -> tuple[str, str | None, str | None]:
    """What an error object says: its words, its code, its type. Servers wrap it in several ways."""
    if is_array(parsed) and parsed:
        parsed = parsed[0]
    if not is_object(parsed):
        return "", None, None
    inner = parsed.get("error")
    if isinstance(inner, str):
        return inner, _text(parsed.get("code")), _text(parsed.get("type"))
    fields = inner if is_object(inner) else parsed
    words = next((fields[name] for name in ("message", "detail", "msg", "title") if fields.get(name)), "")
    said = words if isinstance(words, str) else str(words)
    return said, _text(fields.get("code")), _text(fields.get("type"))


def _text(value: object) -> str | None:
    return str(value) or None if isinstance(value, str) or type(value) is int else None


def _page_title(body: bytes) -> str:
    match = re.search(rb"<title[^>]*>\s*([^<]{1,200})", body, re.IGNORECASE)
    return " ".join(match[1].decode("utf-8", "replace").split()) if match else _shown(body, 200).strip()


def _titled(body: bytes) -> str:
    match = re.search(rb"<title[^>]*>\s*[^<]", body, re.IGNORECASE)
    return f" ({_page_title(body)})" if match else ""


def _shown(body: bytes, most: int = 2000) -> str:
    return body[:most].decode("utf-8", "replace")
