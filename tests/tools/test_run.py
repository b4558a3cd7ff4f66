"""A call of a tool is a run, and the program may put in what the model does not see."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

import pytest

from chatplug.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from chatplug.errors import ToolArgumentsError
from chatplug.runnables import RunnableConfig
from chatplug.testing import FakeChatModel
from chatplug.tools import InjectedToolArg, InjectedToolCallId, tool
from tests.tools.calling import Recorder, both, call, invoke, weather

# ---- what the program puts in


@both
def test_injected_arguments_are_hidden_from_the_model_and_from_handlers(how: str) -> None:
    recorder = Recorder()

    @tool
    def remember(text: str, user: Annotated[str, InjectedToolArg], identity: Annotated[str, InjectedToolCallId]) -> str:
        """Remember."""
        return f"{text} of {user} in {identity}"

    given = call("remember", "call_3", text="cat")
    answer = invoke(how, remember, given, {"callbacks": [recorder]}, user="s3cret")

    assert answer.content == "cat of s3cret in call_3"
    assert list(remember.args) == ["text"]
    assert recorder.heard[0][1][2] == {"text": "cat"}
    assert "s3cret" not in repr(recorder.heard[0])
    assert given["args"] == {"text": "cat"}


def test_injected_arguments_may_also_stand_in_the_call() -> None:
    @tool
    def remember(text: str, user: Annotated[str | None, InjectedToolArg()] = None) -> str:
        """Remember."""
        return f"{text} of {user}"

    assert remember.invoke({"text": "cat", "user": "me"}) == "cat of me"
    assert remember.invoke({"text": "cat"}) == "cat of None"


def test_a_tool_that_wants_the_id_of_its_call_says_so() -> None:
    @tool
    def remember(text: str, identity: Annotated[str, InjectedToolCallId]) -> str:
        """Remember."""
        return text + identity

    with pytest.raises(ToolArgumentsError, match=r"wants the id of its call.*tool\.invoke\(tool_call\)"):
        remember.invoke({"text": "cat"})


@both
def test_a_function_may_ask_for_its_config_and_its_run(how: str) -> None:
    seen: list[Any] = []

    @tool
    def sync_look(text: str, config: RunnableConfig, run_manager: CallbackManagerForToolRun | None = None) -> str:
        """Look."""
        seen.extend([config, run_manager])
        return text

    @tool
    async def async_look(
        text: str, *, settings: RunnableConfig, run_manager: AsyncCallbackManagerForToolRun | None = None
    ) -> str:
        """Look."""
        seen.extend([settings, run_manager])
        return text

    one = sync_look if how == "sync" else async_look
    invoke(how, one, {"text": "x"}, {"tags": ["a"], "callbacks": [Recorder()]})

    assert list(one.args) == ["text"]
    assert seen[0]["tags"] == ["a"]
    kind = CallbackManagerForToolRun if how == "sync" else AsyncCallbackManagerForToolRun
    assert isinstance(seen[1], kind)


# ---- its run


@both
def test_each_call_is_a_run_of_its_own_and_what_it_calls_is_below_it(how: str) -> None:
    recorder = Recorder()
    identity = uuid4()

    @tool
    def ask(text: str) -> str:
        """Ask."""
        return FakeChatModel(script=["Meow"]).invoke(text).text

    answer = invoke(how, ask, call("ask", text="x"), {"callbacks": [recorder], "run_id": identity, "run_name": "one"})

    assert [name for name, _ in recorder.heard] == ["start", "model", "end"]
    serialized, text, inputs, run_id, name = recorder.heard[0][1]
    assert serialized == {"name": "ask", "description": "Ask."}
    assert (text, inputs, run_id, name) == ("{'text': 'x'}", {"text": "x"}, identity, "one")
    assert recorder.heard[1][1] == identity
    assert recorder.heard[2][1] == answer


@both
def test_a_failure_is_heard_and_a_handled_one_is_an_end(how: str) -> None:
    recorder = Recorder()

    with pytest.raises(ToolArgumentsError):
        invoke(how, weather, {}, {"callbacks": [recorder]})
    with pytest.raises(ToolArgumentsError):
        invoke(how, weather, "x", {"callbacks": [recorder]})
    invoke(how, weather.model_copy(update={"handle_validation_error": "no"}), {}, {"callbacks": [recorder]})

    assert [name for name, _ in recorder.heard] == ["start", "error", "start", "error", "start", "end"]
    assert recorder.heard[-1][1] == "no"
