"""What extensions hide no handler hears; keys never get so far."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest
from pydantic import BaseModel

import chatplug.callbacks.extension as places
from chatplug.callbacks import BaseCallbackHandler, Run, flush
from chatplug.callbacks.redaction import CIRCLE, NOT_SHOWN, Redaction
from chatplug.messages import AIMessage, HumanMessage
from chatplug.runnables import RunnableLambda
from tests.language_models.models import Driver, PiecesNative, both

SECRET = "hunter2"


def hide(text: str) -> str:
    return text.replace(SECRET, "[hidden]")


class Extensions:
    """What the plugins' manager would give."""

    def __init__(self, *redactors: Any) -> None:
        self._redactors = redactors

    def callback_handlers(self) -> list[BaseCallbackHandler]:
        return []

    def redactors(self) -> Any:
        return self._redactors


@pytest.fixture
def redacting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_source", lambda: Extensions(hide))


class Everything(BaseCallbackHandler):
    """Keeps whatever it hears, as a text and as it was."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def _hear(self, *args: Any, **kwargs: Any) -> Any:
        self.heard.append((args, kwargs))

    on_chat_model_start = on_llm_new_token = on_llm_end = on_llm_error = _hear
    on_chain_start = on_chain_end = on_chain_error = _hear

    def on_run_end(self, run: Run) -> Any:
        above: Run | None = run
        while above is not None:
            self.heard.append((above.inputs, above.output, above.metadata))
            above = above.parent


def step(value: str) -> str:
    return f"{value}!"


@both
@pytest.mark.parametrize("policy", ["observe", "required"])
@pytest.mark.usefixtures("redacting")
def test_no_handler_hears_what_is_hidden_and_the_caller_gets_it(policy: Any, driver: Driver) -> None:
    handler, raw = Everything(), Everything()
    handler.policy, raw.is_redacted = policy, False
    chain: Any = RunnableLambda(step) | PiecesNative()

    answer = driver.invoke(chain, f"It is {SECRET}", {"callbacks": [handler, raw], "metadata": {"note": SECRET}})

    assert flush(30)
    assert answer.text == f"It is {SECRET}!"
    assert len(handler.heard) == len(raw.heard) > 6
    assert SECRET not in repr(handler.heard)
    assert "[hidden]" in repr(handler.heard)
    assert SECRET in repr(raw.heard)


@pytest.mark.usefixtures("redacting")
def test_a_run_keeps_its_id_and_its_parents_when_something_is_hidden() -> None:
    runs: list[Run] = []

    class Runs(BaseCallbackHandler):
        def on_run_end(self, run: Run) -> Any:
            runs.append(run)

    (RunnableLambda(step) | PiecesNative()).invoke("x", {"callbacks": [Runs()]})

    *below, chain = runs
    assert [run.parent_id for run in below] == [chain.id] * 2
    assert chain.parent is None


@dataclasses.dataclass
class Letter:
    text: str


class Form(BaseModel):
    text: str


def test_texts_are_found_wherever_they_stand_and_what_holds_none_is_the_same_object() -> None:
    redaction = Redaction([hide])
    clean: list[Any] = [HumanMessage("a"), {"a": [1, ("b", 2)]}, Letter("a"), Form(text="a"), object(), 3]

    message = redaction.of(
        AIMessage(f"a {SECRET}", id="m1", tool_calls=[{"name": "f", "args": {"x": [SECRET]}, "id": "1"}])
    )

    assert redaction.of(clean) is clean
    assert (message.content, message.id) == ("a [hidden]", "m1")
    assert message.tool_calls[0]["args"] == {"x": ["[hidden]"]}
    assert redaction.of({"a": (SECRET,)}) == {"a": ("[hidden]",)}
    assert redaction.of(Letter(SECRET)) == Letter("[hidden]")
    assert redaction.of(Form(text=SECRET)) == Form(text="[hidden]")


@dataclasses.dataclass
class Branch:
    name: str
    parent: Any = None
    branches: list[Any] = dataclasses.field(default_factory=list[Any])


def test_a_tree_whose_branches_know_it_is_looked_at_once() -> None:
    tree = Branch(SECRET)
    tree.branches = [Branch(f"{number}: {SECRET}", tree) for number in range(3)]
    doubled: Any = SECRET
    for _ in range(90):
        doubled = [doubled, doubled]

    shown = Redaction([hide]).of({"tree": tree, "doubled": doubled})

    assert SECRET not in repr(shown["tree"])
    assert [branch.name for branch in shown["tree"].branches] == ["0: [hidden]", "1: [hidden]", "2: [hidden]"]
    assert [branch.parent for branch in shown["tree"].branches] == [CIRCLE] * 3
    innermost = shown["doubled"]
    for _ in range(90):
        innermost = innermost[-1]
    assert innermost == "[hidden]"


def test_what_cannot_be_looked_at_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def gives_none(text: str) -> Any:
        return None

    def fails(text: str) -> str:
        raise ValueError(text)

    deep: list[Any] = [SECRET]
    deep.append(deep)

    with caplog.at_level(logging.WARNING, "chatplug.callbacks"):
        shown = [Redaction([fails]).of(SECRET), Redaction([gives_none]).of(SECRET)]

    assert shown == [NOT_SHOWN, NOT_SHOWN]
    assert SECRET not in caplog.text
    assert SECRET not in repr(Redaction([hide]).of(deep))
