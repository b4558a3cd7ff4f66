"""How many tokens the models of a program have used."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.ambient import heard_by
from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.messages.usage import add_usage

if TYPE_CHECKING:
    from collections.abc import Generator

    from chatplug.callbacks.run import Run
    from chatplug.messages import UsageMetadata

__all__ = ["UsageMetadataCallbackHandler", "get_usage_metadata_callback", "name_of_model"]


class UsageMetadataCallbackHandler(BaseCallbackHandler):
    """Adds up the tokens of each model that it hears, by the model's name.

    It may be heard by any number of threads and tasks at once.
    """

    run_inline = True

    def __init__(self) -> None:
        self._lock = RLock()
        self._usage: dict[str, UsageMetadata] = {}
        self._partial: dict[str, int] = {}
        self._unknown: dict[str, int] = {}

    @property
    def usage_metadata(self) -> dict[str, UsageMetadata]:
        """For each model that said what it used the sum of it; by the name that the provider answered with."""
        with self._lock:
            return {name: add_usage(usage, None) for name, usage in self._usage.items()}

    @property
    def partial(self) -> dict[str, int]:
        """For each model the number of runs that ended early; what they had said by then is in the sums."""
        with self._lock:
            return dict(self._partial)

    @property
    def unknown(self) -> dict[str, int]:
        """For each model the number of runs that did not say what they used: they are in no sum, and not zero."""
        with self._lock:
            return dict(self._unknown)

    def on_run_end(self, run: Run) -> None:
        """Count a run of a model."""
        if run.kind != "chat_model":
            return
        name = name_of_model(run)
        with self._lock:
            if run.usage is None:
                self._unknown[name] = self._unknown.get(name, 0) + 1
                return
            self._usage[name] = add_usage(self._usage.get(name), run.usage)
            if run.usage_status != "reported":
                self._partial[name] = self._partial.get(name, 0) + 1

    def __repr__(self) -> str:
        parts = [f"{name}={value!r}" for name in ("partial", "unknown") if (value := getattr(self, name))]
        return f"{type(self).__name__}({', '.join([repr(self.usage_metadata), *parts])})"


@contextmanager
def get_usage_metadata_callback(
    name: str = "usage_metadata_callback",  # noqa: ARG001  # the vocabulary's own signature
) -> Generator[UsageMetadataCallbackHandler]:
    """Count the tokens of whatever is called in the block, and in the tasks and threads that are started in it.

    Of nested blocks each counts. What is submitted to a `ThreadPoolExecutor` in the block counts, whenever the pool's
    thread was started. A call that another thread does which was there before the block is not counted, unless that
    thread runs it in a copy of the block's context, as `asyncio.to_thread` and the host's own threads do.

    Args:
        name: Taken for LangChain's sake, and not used.

    >>> import chatplug
    >>> with get_usage_metadata_callback() as counted:
    ...     answer = chatplug.init("echo:n3").invoke("Meow!")
    >>> counted.usage_metadata, counted.unknown
    ({}, {'n3': 1})
    """
    handler = UsageMetadataCallbackHandler()
    with heard_by(handler):
        yield handler


def name_of_model(run: Run) -> str:
    """The name that the provider answered with, or the one that was asked for."""
    facts: Any = getattr(run.output, "response_metadata", None) or {}
    return str(facts.get("model_name") or run.model or run.name)
