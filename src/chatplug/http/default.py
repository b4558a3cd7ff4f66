"""The transport that is used unless the caller brings one: both halves, each loaded by its first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatplug.http.options import TransportOptions
from chatplug.http.transport import Request, Response

if TYPE_CHECKING:
    from chatplug.http.aio import AsyncStream, AsyncTransport
    from chatplug.http.sync import SyncStream, SyncTransport

__all__ = ["DefaultTransport", "default_transport"]


class DefaultTransport:
    """A `Transport` over `http.client` and aiohttp; for threads, event loops and forked processes alike."""

    def __init__(self, options: TransportOptions | None = None) -> None:
        self.options = options or TransportOptions()
        self._sync: SyncTransport | None = None
        self._async: AsyncTransport | None = None

    def request(self, request: Request, /) -> Response:
        """The whole answer."""
        return (self._sync or self._load_sync()).request(request)

    def stream(self, request: Request, /) -> SyncStream:
        """The answer as soon as its headers are in."""
        return (self._sync or self._load_sync()).stream(request)

    async def arequest(self, request: Request, /) -> Response:
        """The whole answer."""
        return await (self._async or self._load_async()).arequest(request)

    async def astream(self, request: Request, /) -> AsyncStream:
        """The answer as soon as its headers are in."""
        return await (self._async or self._load_async()).astream(request)

    def close(self) -> None:
        """Close the idle connections of synchronous calls; the next call opens new ones."""
        if self._sync is not None:
            self._sync.close()
        if self._async is not None:
            self._async.close()

    async def aclose(self) -> None:
        """`close`, and the connections of the running event loop."""
        self.close()
        if self._async is not None:
            await self._async.aclose()

    def __reduce__(self) -> tuple[object, ...]:
        # Connections stay here; where it is unpickled it makes its own, or has those that all share there.
        is_shared = _shared.get(self.options) is self
        return default_transport if is_shared else type(self), (self.options,)

    def _load_sync(self) -> SyncTransport:
        from chatplug.http.sync import SyncTransport

        # One step, so that threads need no lock, which a fork might find held.
        made: SyncTransport = self.__dict__.setdefault("_made_sync", SyncTransport(self.options))
        self._sync = made
        return made

    def _load_async(self) -> AsyncTransport:
        try:
            from chatplug.http.aio import AsyncTransport
        except ModuleNotFoundError as error:
            if error.name not in ("aiohttp", "yarl"):
                raise
            raise ModuleNotFoundError(
                "Asynchronous calls need aiohttp: pip install 'chatplug[http]'", name=error.name
            ) from error
        made: AsyncTransport = self.__dict__.setdefault("_made_async", AsyncTransport(self.options))
        self._async = made
        return made


_usual = DefaultTransport()
_shared: dict[TransportOptions, DefaultTransport] = {_usual.options: _usual}


def default_transport(options: TransportOptions | None = None) -> DefaultTransport:
    """The transport of this process for these options; all callers share its connections."""
    if options is None:
        return _usual
    return _shared.get(options) or _shared.setdefault(options, DefaultTransport(options))
