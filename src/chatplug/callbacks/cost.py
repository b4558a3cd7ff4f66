"""What the models that are heard cost, added up."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chatplug.callbacks.ambient import heard_by
from chatplug.callbacks.usage import UsageMetadataCallbackHandler, name_of_model

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from chatplug.callbacks.run import Run
    from chatplug.profiles import Cost, ProfileRegistry

__all__ = ["CostCallbackHandler", "get_cost_callback"]


class CostCallbackHandler(UsageMetadataCallbackHandler):
    """Adds up the tokens of each model that it hears, and what they cost in US dollars.

    Each run is counted at the prices of the model that answered: what long requests cost is a matter of each of them.
    Prices that a model was made with, by `profile=`, stand above those that are looked up.

    Args:
        profiles: Facts that count most, by `provider:model`: prices of your own.
        registry: Where prices are looked up; None for the registry of the process.
    """

    def __init__(
        self, profiles: Mapping[str, Mapping[str, Any]] | None = None, registry: ProfileRegistry | None = None
    ) -> None:
        super().__init__()
        self._profiles = dict(profiles or {})
        self._registry = registry
        self._costs: dict[str, Cost] = {}
        self._unpriced: dict[str, int] = {}

    @property
    def costs(self) -> dict[str, Cost]:
        """For each model the sum of what its runs cost; by the name that the provider answered with."""
        with self._lock:
            return dict(self._costs)

    @property
    def unpriced(self) -> dict[str, int]:
        """For each model the number of runs that are in no sum: they did not say what they used, or have no price."""
        with self._lock:
            return dict(self._unpriced)

    @property
    def total_cost(self) -> Cost | None:
        """The sum of all runs whose price is known; None where there are none. See `unpriced`."""
        total: Cost | None = None
        for cost in self.costs.values():
            total = cost if total is None else total + cost
        return total

    def on_run_end(self, run: Run) -> None:
        """Count a run of a model."""
        super().on_run_end(run)
        if run.kind != "chat_model":
            return
        name = name_of_model(run)
        cost = self._cost_of(run, name)
        with self._lock:
            if cost is None:
                self._unpriced[name] = self._unpriced.get(name, 0) + 1
            else:
                before = self._costs.get(name)
                self._costs[name] = cost if before is None else before + cost

    def _cost_of(self, run: Run, answered: str) -> Cost | None:
        """What a run cost, by the name that was answered, or else the one that was asked for."""
        from chatplug.profiles import cost_of, default_registry

        if run.usage is None or run.provider is None:
            return None
        registry = self._registry or default_registry()
        names = list(dict.fromkeys(filter(None, (answered, run.model))))
        own = (self._profiles.get(f"{run.provider}:{model}") for model in names)
        # The later counts more: what the model was made with, and prices of the handler's own.
        given = [run.given_profile, next((one for one in own if one is not None), None)]
        for model in names:
            known = registry.lookup(run.provider, model)
            for facts in filter(None, given):
                known = known.with_given(facts)
            cost = cost_of(run.usage, known, run.provider, model)
            if cost is not None:
                return cost
        return None


@contextmanager
def get_cost_callback(profiles: Mapping[str, Mapping[str, Any]] | None = None) -> Generator[CostCallbackHandler]:
    """Count what is called in the block, as `get_usage_metadata_callback` does, and what it costs.

    Args:
        profiles: Facts that count most, by `provider:model`: prices of your own.

    >>> import chatplug
    >>> with get_cost_callback() as spent:
    ...     answer = chatplug.init("echo:n3").invoke("Meow!")
    >>> spent.total_cost, spent.unpriced
    (None, {'n3': 1})
    """
    handler = CostCallbackHandler(profiles)
    with heard_by(handler):
        yield handler
