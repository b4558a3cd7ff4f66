"""`Run`: one call in the tree of calls, from its start to its one end."""

from __future__ import annotations

import os
from threading import RLock
from time import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from chatplug.messages import UsageMetadata

__all__ = ["Run", "RunKind", "RunStatus", "UsageStatus", "new_id", "new_id_text"]

RunKind: TypeAlias = Literal["chat_model", "chain", "parser", "tool"]
"""What ran."""
RunStatus: TypeAlias = Literal["ok", "error", "cancelled", "abandoned"]
"""How a run ended: well, with an error, because its task or thread was told to stop, or because its reader left."""
UsageStatus: TypeAlias = Literal["reported", "partial", "unknown"]
"""Whether a usage is what the provider said at the end, what it had said when the run stopped, or not known at all."""

_naming = RLock()  # the garbage collector may end another run while this thread holds it


def new_id() -> UUID:
    """A new id for a run: a random UUID, at a quarter of the price of `uuid.uuid4`."""
    from uuid import UUID

    return UUID(bytes=os.urandom(16), version=4)


def new_id_text() -> str:
    """What `str(new_id())` gives, without the object, which costs three times as much."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class Run:
    """One call: who it is, what it is a part of, how long it took and how it ended."""

    # Most runs are of chains that nobody hears: what is not known of one is the class's, and costs it nothing.

    kind: RunKind
    """What ran."""
    name: str
    """The run's name: what `run_name` said, or the name of what was called."""
    parent: Run | None
    """The run that this one is a part of; None where it is nobody's."""
    tags: Sequence[str]
    """Words to find the run by: those of the call, of the runs above it and of what was called, each once."""
    metadata: Mapping[str, Any]
    """Facts to keep with the run."""
    start: float
    """When it began, in seconds since 1970."""
    end: float | None = None
    """When it ended, in seconds since 1970; None while it is under way."""
    first_token: float | None = None
    """When the first chunk came, in seconds since 1970; None where nothing was streamed."""
    status: RunStatus | None = None
    """How it ended; None while it is under way."""
    error: BaseException | None = None
    """What ended it, where it did not end well."""
    inputs: Any = None
    """What was asked: of a model the messages."""
    output: Any = None
    """What came of it, as far as it had arrived: of a model the message; None where nothing had."""
    usage: UsageMetadata | None = None
    """The tokens that a model counted; None where it did not say."""
    usage_status: UsageStatus = "unknown"
    """Whether `usage` is what the provider said at the end."""
    provider: str | None = None
    """Who answered; None where the run is not a model's."""
    model: str | None = None
    """What answered, as the provider knows it; None where the run is not a model's."""
    given_profile: Mapping[str, Any] | None = None
    """Facts that the model was made with (`profile=`), its prices among them; None where there are none."""
    retries: int = 0
    """How often it was tried again."""
    home: tuple[AbstractEventLoop | None] | None = None
    """The event loop in which asynchronous handlers that observe hear it; None before it is known. The host sets it."""

    def __init__(
        self,
        kind: RunKind,
        name: str,
        parent: Run | None = None,
        *,
        id: UUID | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.parent = parent
        self.tags = tags
        self.metadata = {} if metadata is None else metadata
        self.start = time()
        self._id = id

    def called(self, config: Mapping[str, Any]) -> None:
        """Take over what a config says of it."""
        self.name = config.get("run_name") or self.name
        self._id = config.get("run_id") or self._id
        self.tags = config.get("tags", ())
        self.metadata = config.get("metadata") or {}

    @property
    def id(self) -> UUID:
        """The run's id, the same in all its events. It is made when it is first read."""
        if self._id is None:
            with _naming:  # two branches may ask for the id of the run above them at once
                if self._id is None:
                    self._id = new_id()
        return self._id

    @property
    def parent_id(self) -> UUID | None:
        """The id of the run that this one is a part of."""
        return None if self.parent is None else self.parent.id

    @property
    def time_to_first_token(self) -> float | None:
        """Seconds from the start to the first chunk; None where nothing was streamed."""
        return None if self.first_token is None else self.first_token - self.start

    @property
    def duration(self) -> float | None:
        """Seconds from the start to the end; None while it is under way."""
        return None if self.end is None else self.end - self.start

    def token_came(self) -> None:
        """Note the time of the first chunk."""
        if self.first_token is None:
            self.first_token = time()

    def close(self, status: RunStatus, error: BaseException | None = None) -> None:
        """Note how it ended."""
        self.end = time()
        self.status = status
        self.error = error

    def copy(self) -> Run:
        """Another object that says the same, with the same id."""
        copied = Run.__new__(Run)
        vars(copied).update(vars(self), _id=self.id)
        return copied

    def __repr__(self) -> str:
        parts = [self.kind, repr(self.name), self.status or "under way"]
        if self._id is not None:
            parts.append(str(self._id))
        return f"<Run {' '.join(parts)}>"


def _begin_anew() -> None:
    global _naming  # another thread of the parent may have held it
    _naming = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
