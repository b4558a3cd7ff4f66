"""Handlers for the tests of this folder."""

from __future__ import annotations

from typing import Any

from chatplug.callbacks import BaseCallbackHandler

Heard = tuple[str, tuple[Any, ...], dict[str, Any]]


class Recording(BaseCallbackHandler):
    """Keeps what it hears."""

    run_inline = True

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.heard]

    @property
    def tokens(self) -> list[str]:
        return [args[0] for name, args, _ in self.heard if name == "on_llm_new_token"]

    def facts(self, name: str) -> dict[str, Any]:
        """The keyword arguments of the one event of this name."""
        (found,) = [facts for heard, _, facts in self.heard if heard == name]
        return found

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.heard.append(("on_chat_model_start", args, kwargs))

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        self.heard.append(("on_llm_new_token", args, kwargs))

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.heard.append(("on_llm_end", args, kwargs))

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        self.heard.append(("on_llm_error", args, kwargs))


class AsyncRecording(Recording):
    """The same with asynchronous methods."""

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # may be async
        super().on_chat_model_start(*args, **kwargs)

    async def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as above
        super().on_llm_new_token(*args, **kwargs)

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as above
        super().on_llm_end(*args, **kwargs)

    async def on_llm_error(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as above
        super().on_llm_error(*args, **kwargs)


class Failing(Recording):
    """Keeps what it hears, and fails at one event."""

    def __init__(self, at: str, *, raise_error: bool = False) -> None:
        super().__init__()
        self.at = at
        self.raise_error = raise_error

    def _fail(self, name: str) -> None:
        if name == self.at:
            raise LookupError(f"failed at {name}")

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        super().on_chat_model_start(*args, **kwargs)
        self._fail("on_chat_model_start")

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        super().on_llm_new_token(*args, **kwargs)
        self._fail("on_llm_new_token")

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        super().on_llm_end(*args, **kwargs)
        self._fail("on_llm_end")

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        super().on_llm_error(*args, **kwargs)
        self._fail("on_llm_error")
