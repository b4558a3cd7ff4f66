"""Servers that refuse, fail, or answer what is no answer: each becomes the error of its kind."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import json
import traceback
import warnings
from typing import ClassVar

import pytest

from chatplug.errors import (
    AuthenticationError,
    BadRequestError,
    ChatplugError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProviderConnectionError,
    ProviderError,
    RateLimitError,
    ServerError,
    TransientError,
)
from chatplug.language_models import BaseChatModel
from chatplug.testing.conformance.part import fault
from chatplug.testing.conformance.secrecy import keys_of, tells
from chatplug.testing.conformance.served import Served
from chatplug.testing.conformance.way import Way
from chatplug.testing.http_server import Exchange, LoopbackServer, Script

__all__ = ["Refusals"]

_KINDS: dict[int, type[ProviderError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: BadRequestError,
    429: RateLimitError,
    500: ServerError,
    502: ServerError,
    503: OverloadedError,
    529: OverloadedError,
}
_NO_ANSWERS = {
    "text": b"Hello!",
    "html": b"<!doctype html><title>Sign in</title>",
    "half": b'{"a": [1, 2',
    "nothing": b"",
    "list": b"[]",
    "null": b"null",
    "object": b'{"unheard": "of"}',
}


class Refusals(Served):
    """What the other side says when it does not answer."""

    group: ClassVar[str] = "errors"

    def refused(self, way: Way, script: Script, how: str) -> ChatplugError:
        """The error that a call ends in when the server follows a script; anything else is a fault."""
        with LoopbackServer(script) as server:
            model = once(self.make_model_at(server.url))
            return self._error_of(way, model, how)

    def _error_of(self, way: Way, model: BaseChatModel, how: str) -> ChatplugError:
        ask = way.invoke if how == "invoke" else way.stream
        method = way.generate if how == "invoke" else way.pieces
        try:
            got = ask(model, self.prompt)
        except ChatplugError as error:
            return error
        except Exception as error:  # noqa: BLE001  # whatever the plugin lets through
            fault(
                f"{method} lets {type(error).__name__} through: {error}",
                "Catch it where it is raised, and raise one of chatplug.errors from it; callers know no others.",
            )
        return fault(f"{method} gave {got!r}, and the server had not answered.", "Look at the status and at the body.")

    @pytest.mark.parametrize("how", ["invoke", "stream"])
    @pytest.mark.parametrize("status", list(_KINDS))
    def test_a_status_becomes_the_error_of_its_kind(self, way: Way, status: int, how: str) -> None:
        def refuse(request: Exchange) -> None:
            request.answer(b'{"error": {"message": "No."}}', status=status, headers=["Content-Type: application/json"])

        error = self.refused(way, refuse, how)

        if not isinstance(error, _KINDS[status]):
            fault(
                f"The status {status} became {type(error).__name__}: {error}",
                f"Raise {_KINDS[status].__name__}; retry and fallback read the class, never the text.",
            )
        if isinstance(error, ProviderError) and error.status != status:
            fault(f"The error of the status {status} has the status {error.status}.", f"Give it status={status}.")

    def test_the_wait_that_the_server_asks_for_is_told(self, way: Way) -> None:
        def refuse(request: Exchange) -> None:
            request.answer(b"{}", status=429, headers=["Retry-After: 7"])

        error = self.refused(way, refuse, "invoke")

        told = error.retry_after if isinstance(error, TransientError) else None
        if told != 7:
            fault(
                f"The server asked for 7 seconds with Retry-After, and retry_after of the error is {told}.",
                "Read it with chatplug.wire.retry_after, and set it on the error.",
            )

    @pytest.mark.parametrize("how", ["invoke", "stream"])
    def test_no_key_is_told_by_an_error_of_a_server_that_repeats_it(self, way: Way, how: str) -> None:
        def repeat(request: Exchange) -> None:
            told = json.dumps({"error": {"message": f"Wrong key: {request.headers}", "body": request.body.decode()}})
            request.answer(told.encode(), status=401, headers=["Content-Type: application/json"])

        with LoopbackServer(repeat) as server:
            model = once(self.make_model_at(server.url))
            error: BaseException | None = self._error_of(way, model, how)
        shown = ""
        while error is not None:
            shown += "".join(traceback.format_exception_only(error)) + repr(vars(error))
            error = error.__cause__ or error.__context__
        name = tells(shown, keys_of(model))
        if name is not None:
            fault(
                f"The error of a server that repeats the key shows the secret of the setting {name!r}.",
                "Take it out of what the server says with chatplug.credentials.redact(text, [key]).",
            )

    def test_an_error_names_provider_and_model(self, way: Way) -> None:
        error = self.refused(way, lambda request: request.answer(b"{}", status=500), "invoke")

        if not error.provider or not error.model:
            fault(
                f"The error names the provider {error.provider!r} and the model {error.model!r}: {error}",
                "Make the model with chatplug.init, or let _identifying_params give `model_name`.",
            )

    @pytest.mark.parametrize("how", ["invoke", "stream"])
    @pytest.mark.parametrize("body", list(_NO_ANSWERS))
    def test_an_answer_that_is_none_is_the_provider_s_error(self, way: Way, body: str, how: str) -> None:
        def answer(request: Exchange) -> None:
            kind = "text/html" if body in ("html", "text") else self.answer_type
            request.answer(_NO_ANSWERS[body], headers=[f"Content-Type: {kind}"])

        error = self.refused(way, answer, how)

        if not isinstance(error, ProviderError):
            fault(
                f"The answer {_NO_ANSWERS[body]!r} became {type(error).__name__}: {error}",
                f"Raise {InvalidResponseError.__name__}: it is the provider's answer that cannot be read.",
            )

    @pytest.mark.parametrize("how", ["invoke", "stream"])
    def test_a_server_that_is_not_there_is_a_connection_error(self, way: Way, how: str) -> None:
        with LoopbackServer(self.serve) as server:
            url = server.url
        error = self._error_of(way, once(self.make_model_at(url)), how)

        if not isinstance(error, ProviderConnectionError):
            fault(f"Nobody listens, and the error is {error!r}.", "Raise ProviderConnectionError.")

    @pytest.mark.parametrize("how", ["invoke", "stream"])
    def test_a_server_that_hangs_up_is_an_error_that_may_pass(self, way: Way, how: str) -> None:
        error = self.refused(way, lambda request: request.hang_up(), how)

        if not isinstance(error, TransientError):
            fault(
                f"The server hung up before it answered, and the error is {error!r}.",
                "Raise ProviderConnectionError: the same request may succeed later.",
            )


def once(model: BaseChatModel) -> BaseChatModel:
    """The model, which does not try again where it otherwise would: each script is for one request."""
    if "max_retries" not in type(model).model_fields:
        return model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.remade({"max_retries": 0})
