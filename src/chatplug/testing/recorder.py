"""Record what a provider answers, once, and replay it ever after: no network, no key, the same each time.

    with Recorder("tests/recordings/greeting.json"):
        assert chatplug.init("openai_compat:tiny", ...).invoke("Hello").text == "Hi!"

It stands in the place of the transports of `chatplug.http`, so it serves every plugin that uses them
(docs/decisions/0026-a-recorder-stands-in-for-classes.md).
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from chatplug.http import DefaultTransport, HttpxTransport, Response, Transport, TransportError
from chatplug.testing.fake_transport import AsyncFakeStream, FakeAnswer, FakeStream, FakeTransport
from chatplug.testing.tape import Heard, RecordingMissError, Tape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from chatplug.http import AsyncByteStream, ByteStream, Request

__all__ = ["Mode", "Recorder", "RecordingMissError"]

Mode = Literal["replay", "new", "all"]
"""What is sent: nothing; what is not recorded yet; everything, and what was recorded is forgotten."""

_CALLS = ("request", "stream", "arequest", "astream")
_HOW = "To record it, say mode='new', or run pytest with --chatplug-record=new."
# A transport may make one of its calls of another one; only the outer one is recorded.
_inside: ContextVar[bool] = ContextVar("chatplug_recorder_inside", default=False)
# The recorders whose blocks this call is in, the innermost last; one whose block has ended counts no more.
_around: ContextVar[tuple[Recorder, ...]] = ContextVar("chatplug_recorders", default=())


class Recorder:
    """A `with` block in which the transports of `chatplug.http` are recorded, or replayed, in the whole process.

    Recordings are found by method, address and body; two of the same request are played in their order. What stands in
    headers is never written down, but for content types. A stream that is still open where the block ends is kept as
    one that its reader left. Of several blocks at once, in threads or tasks, each call goes to the innermost that it
    is in, and a call from elsewhere, such as a thread of its own, to the one that was entered last. Another process
    that is started anew is not recorded.

    Args:
        path: The file of the recordings.
        mode: What is sent; nothing unless told otherwise.
        secrets: What must not be written down, besides the headers of requests: a key in a body, for example.
        speed: How fast a replayed stream comes: 1 as it came, 2 twice as fast; at once unless told otherwise.
        clock: The time in seconds, of a clock that does not go back.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        mode: Mode = "replay",
        secrets: Iterable[str] = (),
        speed: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tape = Tape(Path(path), secrets)
        self.mode = mode
        self.speed = speed
        self._clock = clock
        self._open: set[Hearing] = set()
        if mode == "all":
            self.tape.clear()

    def __enter__(self) -> Self:
        _around.set((*_around.get(), self))
        _stand_ins.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _stand_ins.leave(self)
        # Not the token of `__enter__`: a fixture is left in another context than it was entered in.
        _around.set(tuple(recorder for recorder in _around.get() if recorder is not self))
        for hearing in list(self._open):
            hearing.leave()
        if error is None or self.mode != "all":  # a failure does not cost the recordings that were there
            self.tape.save()

    def wrap(self, transport: Transport) -> Transport:
        """The same for one transport alone, without the block; save with `recorder.tape.save()`."""
        return _Wrapped(self, transport)

    def played(self, request: Request) -> FakeAnswer | None:
        """The recorded answer; None where it has to be sent.

        Raises:
            RecordingMissError: If it is not recorded, and nothing is sent.
        """
        if self.mode != "all":
            answer = self.tape.find(request, speed=self.speed)
            if answer is not None:
                return answer
        if self.mode == "replay":
            raise self.tape.miss(request, _HOW)
        return None

    def hear(self, request: Request) -> Hearing:
        """What notes down the answer to a request that is sent."""
        return Hearing(self.tape, request, self._clock, self._open)


class Hearing:
    """One answer that is noted down while it arrives; it keeps it when it has ended.

    Until the head is there it is used in `with`: what the transport then asks of itself or of another is no call of its
    own, and how it fails is noted down.
    """

    def __init__(
        self, tape: Tape, request: Request, clock: Callable[[], float], still_open: set[Hearing] | None = None
    ) -> None:
        self._tape = tape
        self._request = request
        self._clock = clock
        self._last = clock()
        self._heard = Heard()
        self._is_kept = False
        self._was_inside = False
        self._still_open: set[Hearing] = set() if still_open is None else still_open
        self._still_open.add(self)

    def __enter__(self) -> Self:
        self._was_inside = _inside.get()
        _inside.set(True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _inside.set(self._was_inside)
        if isinstance(error, TransportError):
            self.end(error)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The head has arrived."""
        self._heard.status, self._heard.headers = status, dict(headers)

    def piece(self, data: bytes) -> None:
        """A piece of the body has arrived."""
        now = self._clock()
        self._heard.pieces.append((now - self._last, bytes(data)))
        self._last = now

    def whole(self, response: Response) -> Response:
        """A whole answer has arrived."""
        self.head(response.status, response.headers)
        self.piece(response.body)
        self.end()
        return response

    def end(self, error: TransportError | None = None, *, is_whole: bool = True) -> None:
        """It has ended: well, with an error, or because its reader left."""
        self._still_open.discard(self)
        if not self._is_kept:
            self._is_kept = True
            self._heard.error, self._heard.is_whole = error, is_whole
            self._tape.add(self._request, self._heard)

    def leave(self) -> None:
        """Nobody listens any more: what has arrived is kept, if its head has."""
        if self._heard.status is not None:
            self.end(is_whole=False)


class _Wrapped:
    """A transport through a recorder."""

    def __init__(self, recorder: Recorder, inner: Transport) -> None:
        self._recorder = recorder
        self._inner = inner

    def request(self, request: Request, /) -> Response:
        played = self._recorder.played(request)
        if played is not None:
            return FakeTransport(lambda _: played).request(request)
        with self._recorder.hear(request) as hearing:
            return hearing.whole(self._inner.request(request))

    async def arequest(self, request: Request, /) -> Response:
        played = self._recorder.played(request)
        if played is not None:
            return await FakeTransport(lambda _: played).arequest(request)
        with self._recorder.hear(request) as hearing:
            return hearing.whole(await self._inner.arequest(request))

    def stream(self, request: Request, /) -> ByteStream:
        played = self._recorder.played(request)
        if played is not None:
            return FakeStream(played)
        with self._recorder.hear(request) as hearing:
            return _HeardStream(self._inner.stream(request), hearing)

    async def astream(self, request: Request, /) -> AsyncByteStream:
        played = self._recorder.played(request)
        if played is not None:
            return AsyncFakeStream(played)
        with self._recorder.hear(request) as hearing:
            return _AsyncHeardStream(await self._inner.astream(request), hearing)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


class _HeardStream:
    """A stream that is noted down."""

    def __init__(self, stream: ByteStream, hearing: Hearing) -> None:
        self._stream = stream
        self._hearing = hearing
        self.status, self.headers = stream.status, stream.headers
        hearing.head(stream.status, stream.headers)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                self._hearing.piece(piece)
                yield piece
        except TransportError as error:
            self._hearing.end(error)
            raise
        self._hearing.end()

    def read(self, limit: int = 1 << 20, /) -> bytes:
        body = self._stream.read(limit)
        self._hearing.piece(body)
        self._hearing.end()
        return body

    def limit_rest(self, seconds: float, /) -> None:
        self._stream.limit_rest(seconds)

    def close(self) -> None:
        self._hearing.end(is_whole=False)
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _AsyncHeardStream:
    """The asynchronous twin of `_HeardStream`."""

    def __init__(self, stream: AsyncByteStream, hearing: Hearing) -> None:
        self._stream = stream
        self._hearing = hearing
        self.status, self.headers = stream.status, stream.headers
        hearing.head(stream.status, stream.headers)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                self._hearing.piece(piece)
                yield piece
        except TransportError as error:
            self._hearing.end(error)
            raise
        self._hearing.end()

    async def read(self, limit: int = 1 << 20, /) -> bytes:
        body = await self._stream.read(limit)
        self._hearing.piece(body)
        self._hearing.end()
        return body

    def limit_rest(self, seconds: float, /) -> None:
        self._stream.limit_rest(seconds)

    async def aclose(self) -> None:
        self._hearing.end(is_whole=False)
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Original:
    """A transport with its own four calls, while its class has others."""

    def __init__(self, transport: Any, call: str, original: Any) -> None:
        setattr(self, call, original.__get__(transport))


def _stand_in(name: str, original: Any) -> Any:
    """What stands in the place of one call of a class of transports."""

    def through(transport: Any) -> Any:
        """The call through the recorder whose turn it is; the original where it is nobody's."""
        recorder = None if _inside.get() else _stand_ins.turn()
        if recorder is None:
            return original.__get__(transport)
        return getattr(_Wrapped(recorder, _Original(transport, name, original)), name)  # type: ignore[arg-type]  # has the one call that is made

    if name.startswith("a"):

        async def acall(transport: Any, request: Request, /) -> Any:
            return await through(transport)(request)

        return acall

    def call(transport: Any, request: Request, /) -> Any:
        return through(transport)(request)

    return call


class _StandIns:
    """Whose blocks are entered in this process: the first one puts stand-ins in their places, the last takes them away.

    So blocks may end in any order, and one that is left open somewhere takes nothing from the others.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entered: tuple[Recorder, ...] = ()
        self._replaced: list[tuple[type, str, Any]] = []

    def enter(self, recorder: Recorder) -> None:
        with self._lock:
            if not self._entered:
                for kind in (DefaultTransport, HttpxTransport):
                    for name in _CALLS:
                        original = vars(kind)[name]
                        self._replaced.append((kind, name, original))
                        setattr(kind, name, _stand_in(name, original))
            self._entered = (*self._entered, recorder)

    def leave(self, recorder: Recorder) -> None:
        with self._lock:
            self._entered = tuple(one for one in self._entered if one is not recorder)
            while self._replaced and not self._entered:
                owner, name, original = self._replaced.pop()
                setattr(owner, name, original)

    def turn(self) -> Recorder | None:
        """The innermost block that this call is in; for a call from elsewhere the one that was entered last."""
        entered = self._entered
        around = [recorder for recorder in _around.get() if recorder in entered]
        return (around or entered or (None,))[-1]


_stand_ins = _StandIns()
