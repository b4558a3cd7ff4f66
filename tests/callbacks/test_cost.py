"""What models cost, added up by a handler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from decimal import Decimal
from typing import Any

import pytest

import chatplug
from chatplug import hookimpl
from chatplug.callbacks import CostCallbackHandler, get_cost_callback
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.plugins import PluginManager
from tests.language_models.models import Whole
from tests.language_models.plugins import installed

MILLION = 1_000_000


class Counts(Whole):
    """Says what it took, and answers with a dated name."""

    details: dict[str, int] | None = None

    def said(self) -> Any:
        usage: dict[str, Any] = {"input_tokens": MILLION, "output_tokens": MILLION, "total_tokens": 2 * MILLION}
        if self.details:
            usage["input_token_details"] = self.details
        return usage

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> AIMessage:
        facts = {"model_name": f"{self.model_name}-2026-01-31"}
        return AIMessage("Hi", usage_metadata=self.said(), response_metadata=facts)

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        facts = {"model_name": f"{self.model_name}-2026-01-31"}
        yield AIMessageChunk("Hi")
        yield AIMessageChunk("", usage_metadata=self.said(), response_metadata=facts)


class Shop:
    """A plugin whose models have prices."""

    @hookimpl
    def chatplug_create_model(self, model: str, settings: Any) -> BaseChatModel:
        return Whole(model_name=model) if model == "mute" else Counts(model_name=model, **settings)

    @hookimpl
    def chatplug_model_profiles(self) -> Any:
        return {
            "cheap": {"input_price": 1, "output_price": 2, "cache_read_price": 0.5},
            "dear": {"input_price": 10, "output_price": 20},
        }


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    return installed(monkeypatch, shop=Shop())


def test_each_model_is_counted_at_its_own_price(manager: PluginManager) -> None:
    handler = CostCallbackHandler(registry=manager.profiles)
    config: Any = {"callbacks": [handler]}

    chatplug.init("shop:cheap", plugins=manager).invoke("Hi", config)
    chatplug.init("shop:cheap", plugins=manager, details={"cache_read": MILLION}).invoke("Hi", config)
    list(chatplug.init("shop:dear", plugins=manager).stream("Hi", config))

    assert {name: cost.total for name, cost in handler.costs.items()} == {
        "cheap-2026-01-31": Decimal("5.5"),
        "dear-2026-01-31": Decimal(30),
    }
    assert handler.total_cost is not None
    assert handler.total_cost.total == Decimal("35.5")
    assert handler.usage_metadata["cheap-2026-01-31"]["input_tokens"] == 2 * MILLION
    assert handler.unpriced == {}


def test_what_has_no_price_or_said_nothing_is_not_counted_as_nothing(manager: PluginManager) -> None:
    handler = CostCallbackHandler(registry=manager.profiles)
    for name in ("unknown", "mute"):
        chatplug.init(f"shop:{name}", plugins=manager).invoke("Hi", {"callbacks": [handler]})

    assert (handler.total_cost, handler.costs) == (None, {})
    assert handler.unpriced == {"unknown-2026-01-31": 1, "mute": 1}


def test_prices_of_ones_own_count_most(manager: PluginManager) -> None:
    mine = {"shop:cheap": {"input_price": 0.25, "output_price": 0.25}}
    handler = CostCallbackHandler(mine, manager.profiles)

    chatplug.init("shop:cheap", plugins=manager).invoke("Hi", {"callbacks": [handler]})

    assert handler.total_cost is not None
    assert handler.total_cost.total == Decimal("0.5")


def test_prices_that_a_model_was_made_with_stand_above_those_that_are_known(manager: PluginManager) -> None:
    handler = CostCallbackHandler({"shop:dear": {"input_price": 3}}, manager.profiles)
    config: Any = {"callbacks": [handler]}
    mine = {"input_price": 0.5, "output_price": 0.25}

    for name in ("cheap", "dear", "unknown"):
        model = chatplug.init(f"shop:{name}", plugins=manager, profile=mine)
        model.invoke("Hi", config)
        list(model.model_copy().bind(stop=["x"]).stream("Hi", config))
    free = chatplug.init("shop:cheap", plugins=manager, profile={"input_price": None})
    free.invoke("Hi", config)

    assert {name: cost.total for name, cost in handler.costs.items()} == {
        "cheap-2026-01-31": Decimal("1.5"),
        "dear-2026-01-31": Decimal("6.5"),  # the input at the handler's price, the output at the model's
        "unknown-2026-01-31": Decimal("1.5"),
    }
    assert handler.unpriced == {"cheap-2026-01-31": 1}


def test_a_block_counts_what_is_called_in_it_and_in_its_threads(manager: PluginManager) -> None:
    model = chatplug.init("shop:cheap", plugins=manager)
    prices = {"shop:cheap": {"input_price": 1, "output_price": 2}}

    model.invoke("Hi")
    with get_cost_callback(prices) as spent, ThreadPoolExecutor(4) as threads:
        model.batch(["a", "b", "c"])
        for done in [threads.submit(copy_context().run, model.invoke, "Hi") for _ in range(5)]:
            done.result()

    assert spent.total_cost is not None
    assert spent.total_cost.total == Decimal(24)
