"""`ChatOpenAICompat`: encode, send, decode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from chatplug.http import Request
from chatplug.language_models import ChatRequest
from chatplug.wire import is_array, is_object
from chatplug_openai_compat.encode import encode
from chatplug_openai_compat.exchange import Exchange
from chatplug_openai_compat.settings import OpenAICompatSettings, checked_timeout
from chatplug_openai_compat.transport import transport_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from chatplug.http import Transport
    from chatplug.messages import AIMessageChunk, BaseMessage
    from chatplug.outputs import ChatResult

__all__ = ["ChatOpenAICompat"]

_IN_BODY = ("temperature", "max_tokens")


class ChatOpenAICompat(OpenAICompatSettings):
    """A model behind any server that speaks OpenAI's chat completions.

    The settings of a call (`invoke("...", temperature=0)`) are `model`, `temperature`, `max_tokens`, `timeout` and
    `stop`; they hold for that call alone.

    >>> ChatOpenAICompat(model="tiny", base_url="http://127.0.0.1:8080/v1")
    ChatOpenAICompat(model='tiny', base_url='http://127.0.0.1:8080/v1')
    """

    call_settings: ClassVar = frozenset({*_IN_BODY, "model", "timeout"})

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs)
        with exchange.guarded():
            return exchange.result(self._transport.request(exchange.request))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs)
        with exchange.guarded():
            return exchange.result(await self._transport.arequest(exchange.request))

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        exchange = self._exchange(messages, stop, kwargs, stream=True)
        with exchange.guarded(), self._transport.stream(exchange.request) as answer:
            reader = exchange.reader(answer.status, answer.headers)
            if reader is None:
                raise exchange.refusal(answer.status, answer.headers, answer.read())
            for data in answer:
                yield from reader.feed(data)
                if reader.is_done:
                    break
            yield from reader.end()

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: object = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        exchange = self._exchange(messages, stop, kwargs, stream=True)
        with exchange.guarded():
            async with await self._transport.astream(exchange.request) as answer:
                reader = exchange.reader(answer.status, answer.headers)
                if reader is None:
                    raise exchange.refusal(answer.status, answer.headers, await answer.read())
                async for data in answer:
                    for chunk in reader.feed(data):
                        yield chunk
                    if reader.is_done:
                        break
                for chunk in reader.end():
                    yield chunk

    def list_models(self) -> list[str]:
        """The names of the models that the server lists.

        Raises:
            ProviderError: If the server refuses, fails or cannot be reached.
        """
        request = Request("GET", self.endpoint("/models"), self.common.headers, None, self.common.timeout)
        exchange = Exchange(request, provider=self.provider, model=self.model, secret=self.api_key)
        with exchange.guarded():
            body = exchange.read(self._transport.request(request))
        items = body.get("data") if is_object(body) else body
        named = (item.get("id") for item in items if is_object(item)) if is_array(items) else ()
        return sorted(name for name in named if isinstance(name, str))

    def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, call: Mapping[str, Any], *, stream: bool = False
    ) -> Exchange:
        model = call.get("model") or self.model
        settings = {name: call.get(name, getattr(self, name)) for name in _IN_BODY}
        request = ChatRequest(model=model, messages=messages, stop=stop or (), stream=stream, settings=settings)
        common = self.common
        limits = checked_timeout(call["timeout"]) if "timeout" in call else common.timeout
        headers = common.stream_headers if stream else common.headers
        body, losses = encode(request, self.provider)
        facts = self.report(losses)
        made = Request("POST", common.url, headers, body, limits)
        return Exchange(made, provider=self.provider, model=model, secret=self.api_key, facts=facts)

    @property
    def _transport(self) -> Transport:
        return transport_for(self.common.transport)

    @property
    def _llm_type(self) -> str:
        return "openai_compat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model, "base_url": self.public_address}
