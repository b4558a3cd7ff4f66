"""How each peer is asked, and who may listen, for `benchmarks.behaviour`.

`peer(NAME)` gives what one of them does; what it does not offer is None. Run as a program in the peer's environment it
says as JSON what came of each question: `python -m benchmarks.subjects.behaviour_of NAME URL`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_QUESTION = "What did the cat do?"
_MESSAGES = [{"role": "user", "content": _QUESTION}]
_KEY = "sk-benchmark"
_LISTENING = 2.0
"""Seconds that a listener is waited for."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One library, asked in its own way."""

    model: Callable[[str], Any]
    """What is made for an address."""
    call: Callable[[Any], str]
    acall: Callable[[Any], Any]
    stream: Callable[[Any], Iterator[str]]
    """The texts of the chunks."""
    listen: Callable[[Any, list[str]], Any] | None
    """The same with a listener that notes down how a call ended; None where there is no listening."""


def _chatplug() -> Peer:
    import chatplug
    from chatplug.callbacks import BaseCallbackHandler

    class Listener(BaseCallbackHandler):
        policy = "required"

        def __init__(self, heard: list[str]) -> None:
            self.heard = heard

        def on_run_end(self, run: Any) -> None:
            self.heard.append(run.status)

    return Peer(
        lambda url: chatplug.init("openai_compat:tiny", base_url=url, api_key=_KEY, max_retries=0),
        lambda model: model.invoke(_QUESTION).text,
        lambda model: model.ainvoke(_QUESTION),
        lambda model: (chunk.text for chunk in model.stream(_QUESTION)),
        lambda model, heard: model.with_config(callbacks=[Listener(heard)]),
    )


def _openai() -> Peer:
    import openai

    settings: Any = {"model": "tiny", "messages": _MESSAGES}

    def stream(clients: Any) -> Iterator[str]:
        for chunk in clients[0].chat.completions.create(**settings, stream=True):
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    return Peer(
        lambda url: tuple(
            kind(base_url=url, api_key=_KEY, max_retries=0) for kind in (openai.OpenAI, openai.AsyncOpenAI)
        ),
        lambda clients: clients[0].chat.completions.create(**settings).choices[0].message.content,
        lambda clients: clients[1].chat.completions.create(**settings),
        stream,
        None,
    )


def _langchain() -> Peer:
    from langchain_core.callbacks import BaseCallbackHandler  # type: ignore[import-not-found]  # in its own environment
    from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]  # in its own environment

    class Listener(BaseCallbackHandler):  # type: ignore[misc]  # its class is not known here
        def __init__(self, heard: list[str]) -> None:
            self.heard = heard

        def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            self.heard.append("end")

        def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
            self.heard.append(f"error {type(error).__name__}")

    return Peer(
        lambda url: ChatOpenAI(model="tiny", base_url=url, api_key=_KEY, max_retries=0),
        lambda model: model.invoke(_QUESTION).text,
        lambda model: model.ainvoke(_QUESTION),
        lambda model: (chunk.text for chunk in model.stream(_QUESTION)),
        lambda model, heard: model.with_config(callbacks=[Listener(heard)]),
    )


def _llm() -> Peer:
    from llm.default_plugins.openai_models import (  # type: ignore[import-not-found]  # in its own environment
        AsyncChat,
        Chat,
    )

    def models(url: str) -> tuple[Any, Any, list[str] | None]:
        made = Chat("tiny", api_base=url), AsyncChat("tiny", api_base=url)
        for model in made:
            model.key = _KEY
        return *made, None

    async def acall(model: Any) -> str:
        text: str = await model[1].prompt(_QUESTION, stream=False).text()
        return text

    def stream(model: Any) -> Iterator[str]:
        response = model[0].prompt(_QUESTION)
        if model[2] is not None:
            response.on_done(lambda _: model[2].append("done"))
        yield from response

    return Peer(
        models,
        lambda model: model[0].prompt(_QUESTION, stream=False).text(),
        acall,
        stream,
        lambda model, heard: (*model[:2], heard),
    )


def _litellm() -> Peer:
    import litellm  # type: ignore[import-not-found]  # in its own environment
    from litellm.integrations.custom_logger import CustomLogger  # type: ignore[import-not-found]  # the same

    class Listener(CustomLogger):  # type: ignore[misc]  # its class is not known here
        def __init__(self, heard: list[str]) -> None:
            super().__init__()
            self.heard = heard

        def log_success_event(self, *args: Any) -> None:
            self.heard.append("success")

        def log_failure_event(self, *args: Any) -> None:
            self.heard.append("failure")

    def settings(url: str) -> dict[str, Any]:
        return {
            "model": "openai/tiny",
            "messages": _MESSAGES,
            "api_base": url,
            "api_key": _KEY,
            "max_retries": 0,
            "num_retries": 0,
        }

    def stream(model: Any) -> Iterator[str]:
        for chunk in litellm.completion(**model, stream=True):
            yield chunk.choices[0].delta.content or ""

    def listen(model: Any, heard: list[str]) -> Any:
        litellm.callbacks = [Listener(heard)]
        return model

    return Peer(
        settings,
        lambda model: litellm.completion(**model).choices[0].message.content,
        lambda model: litellm.acompletion(**model),
        stream,
        listen,
    )


def _pydantic_ai() -> Peer:
    from pydantic_ai import direct  # type: ignore[import-not-found]  # in its own environment
    from pydantic_ai.messages import ModelRequest  # type: ignore[import-not-found]  # in its own environment
    from pydantic_ai.models.openai import OpenAIChatModel  # type: ignore[import-not-found]  # in its own environment
    from pydantic_ai.providers.openai import OpenAIProvider  # type: ignore[import-not-found]  # in its own environment

    messages = [ModelRequest.user_text_prompt(_QUESTION)]

    def stream(model: Any) -> Iterator[str]:
        with direct.model_request_stream_sync(model, messages) as events:
            for event in events:
                if event.event_kind == "part_start":
                    yield event.part.content
                elif event.event_kind == "part_delta":
                    yield event.delta.content_delta

    return Peer(
        lambda url: OpenAIChatModel("tiny", provider=OpenAIProvider(base_url=url, api_key=_KEY)),
        lambda model: direct.model_request_sync(model, messages).parts[0].content,
        lambda model: direct.model_request(model, messages),
        stream,
        None,
    )


PEERS = {
    "chatplug": _chatplug,
    "openai": _openai,
    "langchain-openai": _langchain,
    "llm": _llm,
    "litellm": _litellm,
    "pydantic-ai-slim": _pydantic_ai,
}


def _loops(peer: Peer, url: str) -> str:
    """Asynchronous calls of one object in three event loops, one after the other."""
    model = peer.model(f"{url}/call/v1")
    for _ in range(3):
        asyncio.run(_awaited(peer.acall(model)))
    return "yes"


async def _awaited(waiting: Any) -> None:
    await waiting


def _in_a_loop(peer: Peer, url: str) -> str:
    """A synchronous call where an event loop runs, as in a notebook."""
    model = peer.model(f"{url}/call/v1")

    async def called() -> None:
        peer.call(model)

    asyncio.run(called())
    return "yes"


def _short(peer: Peer, url: str) -> str:
    """Whether a stream that ends without having said so, with its text cut off, is an error."""
    try:
        list(peer.stream(peer.model(f"{url}/short/v1")))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        return f"yes: {type(error).__name__}"
    return "no"


def _partial(peer: Peer, url: str) -> str:
    """Whether the error of a stream that breaks holds the text that had arrived."""
    texts: list[str] = []
    try:
        texts.extend(peer.stream(peer.model(f"{url}/broken/v1")))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        said = "".join(texts)
        held = [str(getattr(error, name, "")) for name in dir(error) if not name.startswith("__")]
        held += [str(getattr(value, "text", "")) for value in vars(error).values()]
        kind = type(error).__name__
        return f"yes: {kind}" if said and any(said in text for text in held) else f"no: {kind}"
    return "no: no error"


def _left(peer: Peer, url: str) -> str:
    """What a listener hears of a stream that its reader leaves."""
    if peer.listen is None:
        return "no listener"
    heard: list[str] = []
    stream = peer.stream(peer.listen(peer.model(f"{url}/paced/v1"), heard))
    for _ in range(3):
        next(stream)
    with contextlib.suppress(AttributeError):
        stream.close()  # type: ignore[attr-defined]  # a generator has it
    del stream
    gc.collect()
    until = time.monotonic() + _LISTENING
    while not heard and time.monotonic() < until:
        time.sleep(0.05)
    return ", ".join(heard) or "nothing"


QUESTIONS = {"loops": _loops, "in_a_loop": _in_a_loop, "short": _short, "partial": _partial, "left": _left}


def main(name: str, url: str) -> None:
    """Ask everything, and say what came of it."""
    peer = PEERS[name]()
    answers: dict[str, str] = {}
    for question, ask in QUESTIONS.items():
        try:
            answers[question] = ask(peer, url)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
            answers[question] = f"no: {type(error).__name__}: {str(error).splitlines()[0][:60]}"
    print("ANSWERS", json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
