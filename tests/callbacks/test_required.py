"""A handler that is required ends the call that it fails at."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatplug.callbacks import BaseCallbackHandler
from chatplug.errors import ConfigError
from tests.callbacks.observing import START, Observing
from tests.language_models.models import Driver, Whole, WholeNative, both


class Refuses(BaseCallbackHandler):
    """Refuses every call."""

    policy = "required"

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError("not today")


class RefusesAsync(Refuses):
    """The same, after a while."""

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        raise PermissionError("not today")


class RefusesInLangChain(BaseCallbackHandler):
    """The same in other words, and it knows models by their old name."""

    raise_error = True

    def on_llm_start(self, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError("not today")


@both
@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("kind", [Refuses, RefusesAsync, RefusesInLangChain])
def test_a_required_handler_that_fails_ends_the_call_before_the_model_is_asked(
    kind: type[BaseCallbackHandler], is_stream: bool, driver: Driver
) -> None:
    model, other = WholeNative(), Observing()

    with pytest.raises(PermissionError, match="not today"):
        (driver.stream if is_stream else driver.invoke)(model, "cat", {"callbacks": [other, kind()]})

    assert model.heard == []
    assert other.names == [START]


def test_a_policy_that_does_not_exist_is_refused() -> None:
    handler = Refuses()
    handler.policy = "require"  # type: ignore[assignment]  # the point

    with pytest.raises(ConfigError, match=r"policy 'require'.*required"):
        Whole().invoke("cat", {"callbacks": [handler]})
