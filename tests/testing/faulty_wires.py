"""A plugin that talks to a server and does everything right, as text, and plugins with one fault of a wire each."""

from __future__ import annotations

HTTP = r"""
    import json
    from typing import Any
    from pydantic import SecretStr
    from chatplug.errors import *
    from chatplug.http import BrokenBody, Request, TimedOut, Timeout, TransportError, default_transport
    from chatplug.testing import HttpChatModelConformance
    from chatplug.wire import SSEDecoder, retry_after

    KINDS = {401: AuthenticationError, 403: PermissionDeniedError, 404: NotFoundError, 429: RateLimitError,
             503: OverloadedError, 529: OverloadedError}

    class HttpSound(Sound):
        '''Does everything right over a wire.'''

        url: str
        '''Where the server is.'''
        api_key: SecretStr
        '''The key.'''
        timeout: Any = None
        '''Seconds of silence.'''

        @property
        def _identifying_params(self):
            return {"model_name": "sound"}

        def asked(self, messages, stop, stream):
            body = {"text": messages[-1].text, "stop": stop or [], "stream": stream}
            headers = {"authorization": "Bearer " + self.api_key.get_secret_value()}
            return Request("POST", self.url, headers, json.dumps(body).encode(), Timeout.of(self.timeout or 10))

        def refusal(self, status, headers, body):
            text = body.decode(errors="replace").replace(self.api_key.get_secret_value(), "***")
            kind = KINDS.get(status) or (ServerError if status >= 500 else BadRequestError)
            error = kind(f"The server said {status}: {text}", status=status)
            if isinstance(error, TransientError):
                error.retry_after = retry_after(headers)
            return error

        def parsed(self, data):
            try:
                value = json.loads(data)
                return value["text"], value.get("end", False)
            except (ValueError, KeyError, TypeError):
                raise InvalidResponseError("The server answered nonsense.") from None

        def ours(self, error):
            if isinstance(error, TimedOut):
                return ProviderTimeoutError(str(error))
            return (StreamBrokenError if isinstance(error, BrokenBody) else ProviderConnectionError)(str(error))

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                answer = default_transport().request(self.asked(messages, stop, False))
            except TransportError as error:
                raise self.ours(error) from error
            if answer.status != 200:
                raise self.refusal(answer.status, answer.headers, answer.body)
            return AIMessage(self.parsed(answer.body)[0])

        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                answer = await default_transport().arequest(self.asked(messages, stop, False))
            except TransportError as error:
                raise self.ours(error) from error
            if answer.status != 200:
                raise self.refusal(answer.status, answer.headers, answer.body)
            return AIMessage(self.parsed(answer.body)[0])

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                with default_transport().stream(self.asked(messages, stop, True)) as answer:
                    if answer.status != 200:
                        raise self.refusal(answer.status, answer.headers, answer.read())
                    yield from self.read(answer)
            except TransportError as error:
                raise self.ours(error) from error

        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                async with await default_transport().astream(self.asked(messages, stop, True)) as answer:
                    if answer.status != 200:
                        raise self.refusal(answer.status, answer.headers, await answer.read())
                    decoder, has_ended = SSEDecoder(), False
                    is_first = True
                    async for data in answer:
                        if is_first and data.startswith(b"{"):
                            yield AIMessageChunk(self.parsed(data)[0])
                            return
                        is_first = False
                        for event in decoder.feed(data):
                            text, has_ended = self.parsed(event.data)
                            yield AIMessageChunk(text)
                        if has_ended:
                            return
                    if not has_ended:
                        raise StreamBrokenError("The stream ended before its end.")
            except TransportError as error:
                raise self.ours(error) from error

        def read(self, answer):
            decoder, has_ended = SSEDecoder(), False
            for number, data in enumerate(answer):
                if number == 0 and data.startswith(b"{"):
                    yield AIMessageChunk(self.parsed(data)[0])
                    return
                for event in decoder.feed(data):
                    text, has_ended = self.parsed(event.data)
                    yield AIMessageChunk(text)
                if has_ended:
                    return
            if not has_ended:
                raise StreamBrokenError("The stream ended before its end.")

    class HttpKit(HttpChatModelConformance):
        model_class = None

        def make_model_at(self, url):
            model = self.model_class(url=url, api_key="sk-kit-1234567890")
            model.give_profile(PROFILE)
            return model

        def answer_to(self, request):
            body = json.loads(request.body)
            text = body["text"]
            for word in body["stop"]:
                text = text.partition(word)[0]
            return json.dumps({"text": text}).encode()

        def stream_to(self, request):
            text = json.loads(self.answer_to(request))["text"]
            pieces = [{"text": letter} for letter in text] + [{"text": "", "end": True}]
            return [b"data: %s\n\n" % json.dumps(piece).encode() for piece in pieces]
"""
HTTP_FAULTS: dict[str, tuple[str, str, str]] = {
    "BuffersTheStream": (
        """
        def read(self, answer):
            return list(super().read(answer))
        """,
        "test_a_chunk_is_handed_over_when_it_arrives",
        "gave no chunk until the whole stream had arrived",
    ),
    "TakesAHalfForAWhole": (
        """
        def read(self, answer):
            try:
                yield from super().read(answer)
            except (StreamBrokenError, TransportError):
                pass
        """,
        "test_a_stream_that_is_cut_short_is_an_error_with_what_had_come",
        "as a whole answer",
    ),
    "LeavesTheConnectionOpen": (
        """
        kept: ClassVar = []

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                self.kept.append(answer := default_transport().stream(self.asked(messages, stop, True)))
                if answer.status != 200:
                    raise self.refusal(answer.status, answer.headers, answer.read())
                yield from self.read(answer)
            except TransportError as error:
                raise self.ours(error) from error
        """,
        "test_leaving_a_stream_closes_its_connection",
        "the connection stayed open",
    ),
    "MistakesTheStatus": (
        """
        def refusal(self, status, headers, body):
            return ServerError("It did not work.", status=status)
        """,
        "test_a_status_becomes_the_error_of_its_kind",
        "The status 401 became ServerError",
    ),
    "TellsTheKey": (
        """
        def refusal(self, status, headers, body):
            error = super().refusal(status, headers, body)
            error.body = body.decode()
            return error
        """,
        "test_no_key_is_told_by_an_error_of_a_server_that_repeats_it",
        "shows the secret of the setting 'api_key'",
    ),
    "LetsForeignErrorsThrough": (
        """
        def parsed(self, data):
            return json.loads(data)["text"], json.loads(data).get("end", False)
        """,
        "test_an_answer_that_is_none_is_the_provider_s_error",
        "lets JSONDecodeError through",
    ),
    "TakesAPieceForAnEvent": (
        """
        def read(self, answer):
            for data in answer:
                yield AIMessageChunk(self.parsed(data.removeprefix(b"data: "))[0])
        """,
        "test_any_split_of_the_bytes_reads_alike",
        "nonsense",
    ),
}
