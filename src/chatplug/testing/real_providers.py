"""A block in which no real provider can be asked, so that a test run costs nothing and gives nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatplug.language_models import BaseChatModel
from chatplug.plugins import default_manager
from chatplug.plugins.declaration import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

__all__ = ["RealProviderError", "RealProviders"]

# Every way to ask a model opens its call with this method.
_DOOR = "_open"


class RealProviderError(AssertionError):
    """A test asked a real provider where that is forbidden; nothing was sent."""


class RealProviders:
    """A `with` block in which a model of an installed provider raises `RealProviderError` when it is asked.

    Which model is real is known by its code: what answers is a method of a package that an installed distribution
    declares as a provider. Models that a test defines, and those of `chatplug.testing`, answer as ever. It holds for
    the whole process.

    Args:
        allow: Providers that may be asked; `echo` always may, it has no network.
    """

    def __init__(self, *, allow: Iterable[str] = ()) -> None:
        self._allowed = {"echo", *map(plain_name, allow)}
        self._real: dict[str, list[str]] = {}
        self._closed: Any = None

    def allow(self, *providers: str) -> None:
        """Let these providers be asked from now on."""
        self._allowed.update(map(plain_name, providers))

    def __enter__(self) -> Self:
        for name, declared in default_manager().providers().items():
            for one in declared:
                self._real.setdefault(one.value.partition(":")[0].partition(".")[0], []).append(name)
        self._closed = door = getattr(BaseChatModel, _DOOR)

        def guarded(model: BaseChatModel, *args: Any, **kwargs: Any) -> Any:
            self._check(model)
            return door(model, *args, **kwargs)

        setattr(BaseChatModel, _DOOR, guarded)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        setattr(BaseChatModel, _DOOR, self._closed)

    def _check(self, model: BaseChatModel) -> None:
        package = str(vars(_who_answers(type(model))).get("__module__", "")).partition(".")[0]
        names = self._real.get(package)
        if names is None:
            return
        # A model that was made by its class bears the name of its kind, which need not be declared.
        asked = [model.provider] if model.provider in names else names
        if self._allowed.intersection(asked):
            return
        raise RealProviderError(
            f"{model.provider}:{model.model_id} was asked in a test that forbids real providers. Nothing was sent. "
            "Use chatplug.testing.FakeChatModel or a recording, or let this test ask it: "
            f'@pytest.mark.real_providers("{asked[0]}").'
        )


def _who_answers(cls: type[BaseChatModel]) -> type:
    """The class whose `_generate` a model has."""
    return next(base for base in cls.__mro__ if "_generate" in vars(base))
