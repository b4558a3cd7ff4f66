"""A plugin that keeps a key in a plain setting does not show it, whichever way it is asked."""

from __future__ import annotations

import pickle
from typing import Any

from pydantic import BaseModel

from chatplug.language_models import SimpleChatModel
from chatplug.messages import BaseMessage
from chatplug.testing import RecordingHandler

CANARY = "canary-of-a-plugin"


class Careless(SimpleChatModel):
    """Has plain settings, and tells others of them."""

    endpoint: str = ""
    access_token: str = ""
    default_headers: dict[str, str] | None = None

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        return self.access_token.upper()

    @property
    def _llm_type(self) -> str:
        return "careless"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": "tom", "endpoint": self.endpoint, "access_token": self.access_token}


class Program(BaseModel):
    """Somebody's own settings, with a model among them."""

    model: Careless


def careless() -> Careless:
    return Careless(
        endpoint=f"https://me:{CANARY}@host/v1?code={CANARY}",
        access_token=CANARY,
        default_headers={"x-any": CANARY},
        metadata={"password": CANARY, "team": "cats"},
    )


def test_no_dump_of_a_model_and_of_what_holds_it_shows_its_plain_secrets() -> None:
    model = careless()

    shown = [repr(model), str(model), repr(model.model_dump()), model.model_dump_json(), repr(model.bind(token=CANARY))]
    shown += [
        repr(Program(model=model).model_dump()),
        Program(model=model).model_dump_json(),
        repr(Program(model=model)),
    ]
    shown += [repr(model | str), repr(model.with_retry()), repr(model.with_fallbacks([model]))]

    assert [text for text in shown if CANARY in text] == []
    assert "cats" in shown[0]
    assert "https://**********@host/v1?code=**********" in shown[2]


def test_handlers_do_not_hear_them() -> None:
    handler = RecordingHandler()

    careless().invoke("Hello", {"callbacks": [handler]})

    heard = handler.only("on_chat_model_start").args[0]
    assert heard["model_name"] == "tom"
    assert CANARY not in repr(heard)


def test_a_model_that_was_pickled_or_copied_has_them_still() -> None:
    pickled = pickle.loads(pickle.dumps(careless()))  # noqa: S301  # our own

    for model in (careless(), pickled, careless().model_copy(deep=True)):
        assert model.invoke("Hello").text == CANARY.upper()
        assert model.default_headers == {"x-any": CANARY}
