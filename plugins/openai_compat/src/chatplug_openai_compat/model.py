"""`ChatOpenAICompat`: encode, send, decode."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from chatplug.http import Request
from chatplug.language_models import ChatRequest
from chatplug.wire import is_array, is_object
from chatplug_openai_compat.body_settings import OF_A_CALL
from chatplug_openai_compat.encode import encode
from chatplug_openai_compat.exchange import Exchange
from chatplug_openai_compat.settings import OpenAICompatSettings, checked_timeout, plain_headers, secrets_in

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping

    from chatplug.http import Transport
    from chatplug.messages import AIMessageChunk, BaseMessage
    from chatplug.outputs import ChatResult

__all__ = ["ChatOpenAICompat"]


class ChatOpenAICompat(OpenAICompatSettings):
    """A model behind any server that speaks OpenAI's chat completions.

    The settings of a call (`invoke("...", temperature=0)`) are `model`, `timeout`, `stop` and all of `BodySettings`;
    they hold for that call alone.

    >>> ChatOpenAICompat(model="tiny", base_url="http://127.0.0.1:8080/v1")
    ChatOpenAICompat(model='tiny', base_url='http://127.0.0.1:8080/v1')
    """

    call_settings: ClassVar = frozenset({*OF_A_CALL, "model", "timeout"})

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs)

        def attempt(left: float | None) -> ChatResult:
            with exchange.guarded():
                return exchange.result(self._transport.request(exchange.within(left)))

        return self.common.retrier.call(attempt, exchange.terms(run_manager))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs)

        async def attempt(left: float | None) -> ChatResult:
            with exchange.guarded():
                return exchange.result(await self._transport.arequest(exchange.within(left)))

        return await self.common.retrier.acall(attempt, exchange.terms(run_manager))

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        exchange = self._exchange(messages, stop, kwargs, stream=True)
        return self.common.retrier.stream(partial(self._stream_once, exchange), exchange.terms(run_manager))

    def _stream_once(self, exchange: Exchange, left: float | None) -> Generator[AIMessageChunk]:
        with exchange.guarded(), self._transport.stream(exchange.within(left)) as answer:
            reader = exchange.reader(answer.status, answer.headers)
            if reader is None:
                raise exchange.refusal(answer.status, answer.headers, answer.read())
            with exchange.until_all_is_here(reader):
                for data in answer:
                    yield from reader.feed(data)
                    if exchange.has_enough(reader, answer):
                        break
            yield from reader.end()

    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        exchange = self._exchange(messages, stop, kwargs, stream=True)
        return self.common.retrier.astream(partial(self._astream_once, exchange), exchange.terms(run_manager))

    async def _astream_once(self, exchange: Exchange, left: float | None) -> AsyncGenerator[AIMessageChunk]:
        with exchange.guarded():
            async with await self._transport.astream(exchange.within(left)) as answer:
                reader = exchange.reader(answer.status, answer.headers)
                if reader is None:
                    raise exchange.refusal(answer.status, answer.headers, await answer.read())
                with exchange.until_all_is_here(reader):
                    async for data in answer:
                        for chunk in reader.feed(data):
                            yield chunk
                        if exchange.has_enough(reader, answer):
                            break
                for chunk in reader.end():
                    yield chunk

    def list_models(self) -> list[str]:
        """The names of the models that the server lists.

        Raises:
            ProviderError: If the server refuses, fails or cannot be reached.
        """
        common = self.common
        url = common.server.address("/models", query=self.extra_query)
        exchange = self._exchange_of(Request("GET", url, common.headers, None, common.timeout), self.model)

        def attempt(left: float | None) -> Any:
            with exchange.guarded():
                return exchange.read(self._transport.request(exchange.within(left)))

        body = common.retrier.call(attempt, exchange.terms(None))
        items = body.get("data") if is_object(body) else body
        named = (item.get("id") for item in items if is_object(item)) if is_array(items) else ()
        return sorted(name for name in named if isinstance(name, str))

    def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, call: Mapping[str, Any], *, stream: bool = False
    ) -> Exchange:
        common = self.common
        model, settings, url, limits = common.asked, common.settings, common.url, common.timeout
        headers = common.stream_headers if stream else common.headers
        if call:
            call = self.checked_call(call)
            model = call.get("model") or model
            settings = {**settings, **call}
            if call.get("extra_body"):
                settings["extra_body"] = {**(self.extra_body or {}), **call["extra_body"]}
            headers = {**headers, **plain_headers(call.get("extra_headers"))}
            if call.get("timeout") is not None:
                limits = checked_timeout(call["timeout"])
            if "extra_query" in call or common.server.depends_on_model:
                url = common.server.chat(model, {**(self.extra_query or {}), **(call.get("extra_query") or {})})
        request = ChatRequest(model=model, messages=messages, stop=stop or (), stream=stream, settings=settings)
        body, losses = encode(request, common.gateway)
        stall = self.stall_timeout if stream else None
        exchange = self._exchange_of(Request("POST", url, headers, body, limits), model, self.report(losses), stall)
        if call:
            exchange.hide(secrets_in(call))
        return exchange

    def _exchange_of(
        self, request: Request, model: str, facts: Mapping[str, Any] | None = None, stall: float | None = None
    ) -> Exchange:
        return Exchange(
            request,
            provider=self.provider,
            model=model,
            secrets=self.common.secrets,
            gateway=self.common.gateway,
            facts=facts,
            limiter=self.rate_limiter,
            stall=stall,
        )

    @property
    def _transport(self) -> Transport:
        return self.common.transport

    @property
    def _llm_type(self) -> str:
        return self.gateway

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model, "base_url": self.public_address}
