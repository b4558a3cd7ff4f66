"""`RecordingHandler`: a handler that keeps what it hears, for tests to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chatplug.callbacks import BaseCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatplug.callbacks import Run

__all__ = ["Heard", "RecordingHandler"]


class Heard(NamedTuple):
    """One event, as a handler heard it."""

    name: str
    """The event's name: `on_llm_end`."""
    args: tuple[Any, ...]
    """What it was called with by position."""
    facts: dict[str, Any]
    """What it was called with by name: `run_id`, `tags` and so on."""


class RecordingHandler(BaseCallbackHandler):
    """Keeps every event that it hears, in order; one handler may listen to several calls and threads at once.

    Args:
        wants_streaming: Whether a model that is only invoked shall stream inside.

    >>> import chatplug
    >>> handler = RecordingHandler()
    >>> answer = chatplug.init("echo:n2").invoke("Meow!", {"callbacks": [handler]})
    >>> handler.names
    ['on_chat_model_start', 'on_llm_end', 'on_run_end']
    >>> handler.runs[0].status
    'ok'
    """

    run_inline = True
    """It is told before the call goes on, so that a test finds what it looks for."""

    def __init__(self, *, wants_streaming: bool = False) -> None:
        self.wants_streaming = wants_streaming
        self.heard: list[Heard] = []
        """Every event, in the order in which it was heard."""

    @property
    def names(self) -> list[str]:
        """The names of the events, in order."""
        return [event.name for event in self.heard]

    @property
    def tokens(self) -> list[str]:
        """The texts of the chunks, in order."""
        return [event.args[0] for event in self.of("on_llm_new_token")]

    @property
    def runs(self) -> list[Run]:
        """The runs that have ended, in the order in which they ended."""
        return [event.args[0] for event in self.of("on_run_end")]

    def of(self, name: str) -> list[Heard]:
        """The events with this name."""
        return [event for event in self.heard if event.name == name]

    def only(self, name: str) -> Heard:
        """The one event with this name.

        Raises:
            AssertionError: If it was not heard, or more than once.
        """
        found = self.of(name)
        heard = ", ".join(self.names) or "no events"
        assert len(found) == 1, f"{name} was heard {len(found)} times; heard were {heard}."
        return found[0]

    def clear(self) -> None:
        """Forget what was heard."""
        self.heard.clear()


def _keeper(name: str) -> Callable[..., None]:
    def keep(self: RecordingHandler, *args: Any, **facts: Any) -> None:
        self.heard.append(Heard(name, args, facts))

    keep.__name__ = name
    keep.__qualname__ = f"{RecordingHandler.__qualname__}.{name}"
    return keep


# Whatever a handler can hear, also what is added one day.
for _name in [name for name in vars(BaseCallbackHandler) if name.startswith("on_")]:
    setattr(RecordingHandler, _name, _keeper(_name))
