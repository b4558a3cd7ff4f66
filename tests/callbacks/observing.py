"""Handlers that observe: one that keeps what it hears, one that is held up, one that fails."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from chatplug.callbacks import BaseCallbackHandler
from tests.callbacks.recording import Heard

START, TOKEN, END, ERROR = "on_chat_model_start", "on_llm_new_token", "on_llm_end", "on_llm_error"
SECONDS = 30
"""What is waited for comes at once; a test that waits so long has failed."""


class Observing(BaseCallbackHandler):
    """Keeps what it hears, in a worker of its own."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.threads: set[int] = set()

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.heard]

    def keep(self, name: str, args: Any, kwargs: Any) -> None:
        self.heard.append((name, args, kwargs))
        self.threads.add(threading.get_ident())

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
        self.keep(START, args, kwargs)

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> Any:
        self.keep(TOKEN, args, kwargs)

    def on_llm_end(self, *args: Any, **kwargs: Any) -> Any:
        self.keep(END, args, kwargs)


class ObservingAsync(Observing):
    """The same with asynchronous methods, and one that is not."""

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.keep(START, args, kwargs)

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.keep(END, args, kwargs)


class Held(Observing):
    """Hears nothing before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def keep(self, name: str, args: Any, kwargs: Any) -> None:
        assert self.gate.wait(SECONDS)
        super().keep(name, args, kwargs)


class Failing(Observing):
    """Fails at every event of one name."""

    def __init__(self, at: str = TOKEN) -> None:
        super().__init__()
        self.at = at

    def keep(self, name: str, args: Any, kwargs: Any) -> None:
        super().keep(name, args, kwargs)
        if name == self.at:
            raise LookupError(f"failed at {name}")
